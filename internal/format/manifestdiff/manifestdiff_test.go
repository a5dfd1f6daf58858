package manifestdiff_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/format/manifestdiff"
	"github.com/org/registry-action/internal/format/npm"
)

var (
	shaA = strings.Repeat("a1", 20)
	shaB = strings.Repeat("b2", 20)
)

// parse reads the members that a package.json has beside name and version.
func parse(t testing.TB, commit, members string, gyp bool) manifestdiff.Manifest {
	t.Helper()
	m, err := manifestdiff.Parse(fmt.Appendf(nil, `{"name":"@acme/a","version":%q%s}`, npm.PreviewVersion(commit), members), commit, gyp)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDependencies(t *testing.T) {
	sibling := func(sha string) string {
		return fmt.Sprintf(`,"dependencies":{"@acme/b":%q,"@acme/c":"https://r.example/acme/ws/@acme/c@%s"}`, npm.PreviewVersion(sha), sha)
	}
	stock := func(sha string) string {
		return fmt.Sprintf(`,"dependencies":{"b":"https://r.example/b@%.7s","c":"https://r.example/@acme/c@%[1]s","d":"0.0.0-preview-%.7[1]s"}`, sha)
	}
	for _, tt := range []struct {
		name, before, after string
		want                []manifestdiff.Dependency
	}{
		{"none", ``, ``, nil},
		{"siblings of the commit", sibling(shaA), sibling(shaB), nil},
		{"a sibling that stays behind", sibling(shaA), sibling(shaA), []manifestdiff.Dependency{
			{Field: "dependencies", Name: "@acme/b", Before: npm.PreviewVersion(shaA), After: npm.PreviewVersion(shaA)},
			{Field: "dependencies", Name: "@acme/c", Before: "https://r.example/acme/ws/@acme/c@" + shaA, After: "https://r.example/acme/ws/@acme/c@" + shaA},
		}},
		{"siblings as pkg-pr-new writes them", stock(shaA), stock(shaB), nil},
		{"a sibling of pkg-pr-new that stays behind", stock(shaA), stock(shaA), []manifestdiff.Dependency{
			{Field: "dependencies", Name: "b", Before: "https://r.example/b@a1a1a1a", After: "https://r.example/b@a1a1a1a"},
			{Field: "dependencies", Name: "c", Before: "https://r.example/@acme/c@" + shaA, After: "https://r.example/@acme/c@" + shaA},
			{Field: "dependencies", Name: "d", Before: "0.0.0-preview-a1a1a1a", After: "0.0.0-preview-a1a1a1a"},
		}},
		{"seven digits that are no sibling's", `,"dependencies":{"a":"github:acme/a#a1a1a1a","b":"https://r.example/a1a1a1a","c":"https://r.example/c@a1a1a1a/c.tgz"}`,
			`,"dependencies":{"a":"github:acme/a#b2b2b2b","b":"https://r.example/b2b2b2b","c":"https://r.example/c@b2b2b2b/c.tgz"}`, []manifestdiff.Dependency{
				{Field: "dependencies", Name: "a", Before: "github:acme/a#a1a1a1a", After: "github:acme/a#b2b2b2b"},
				{Field: "dependencies", Name: "b", Before: "https://r.example/a1a1a1a", After: "https://r.example/b2b2b2b"},
				{Field: "dependencies", Name: "c", Before: "https://r.example/c@a1a1a1a/c.tgz", After: "https://r.example/c@b2b2b2b/c.tgz"},
			}},
		{"a sibling that was a release", `,"dependencies":{"@acme/b":"^1.0.0"}`, `,"dependencies":{"@acme/b":"` + npm.PreviewVersion(shaB) + `"}`, []manifestdiff.Dependency{
			{Field: "dependencies", Name: "@acme/b", Before: "^1.0.0", After: npm.PreviewVersion(shaB)},
		}},
		{"all fields", `,"dependencies":{"gone":"1","same":"1","up":"1"},"peerDependencies":{"react":"18"},"bundleDependencies":["gone"]`,
			`,"devDependencies":{"vitest":"3"},"dependencies":{"up":"2","same":"1","new":""},"optionalDependencies":{"fsevents":"2"},"peerDependencies":{"react":"18"},"peerDependenciesMeta":{"react":{"optional":true}}`,
			[]manifestdiff.Dependency{
				{Field: "dependencies", Name: "gone", Before: "1"},
				{Field: "dependencies", Name: "new", After: "*"},
				{Field: "dependencies", Name: "up", Before: "1", After: "2"},
				{Field: "optionalDependencies", Name: "fsevents", After: "2"},
				{Field: "peerDependenciesMeta", Name: "react", After: "optional"},
				{Field: "bundleDependencies", Name: "gone", Before: "bundled"},
				{Field: "devDependencies", Name: "vitest", After: "3"},
			}},
		{"another form of the same", `,"dependencies":{"a":"","b":"^1"},"bundledDependencies":["b"]`, `,"dependencies":{"b":"^1","a":"*"},"bundleDependencies":["b"]`, nil},
		{"odd values", `,"dependencies":"a","peerDependenciesMeta":{"x":1}`, `,"dependencies":{"a":7},"peerDependenciesMeta":[]`, []manifestdiff.Dependency{
			{Field: "dependencies", Name: "a", Before: "*"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := manifestdiff.Dependencies(parse(t, shaA, tt.before, false), parse(t, shaB, tt.after, false))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	added := manifestdiff.Dependencies(manifestdiff.Manifest{}, parse(t, shaB, `,"dependencies":{"a":"1"}`, false))
	if diff := cmp.Diff([]manifestdiff.Dependency{{Field: "dependencies", Name: "a", After: "1"}}, added); diff != "" {
		t.Errorf("of a new package: -want +got:\n%s", diff)
	}
}

func TestEntries(t *testing.T) {
	before := parse(t, shaA, `,"main":"a.js","types":"","bin":"cli.js","exports":"./a.js"`, false)
	after := parse(t, shaB, `,"main":"b.js","bin":{"a":"cli.js"},"exports":{".":{"import":"./a.mjs"},"./x":null}`, false)
	got, more := manifestdiff.Entries(before, after)
	want := []manifestdiff.Entry{
		{Field: `exports["."]`, Before: "./a.js"},
		{Field: `exports["."].import`, After: "./a.mjs"},
		{Field: `exports["./x"]`, After: "null"},
		{Field: "main", Before: "a.js", After: "b.js"},
	}
	if diff := cmp.Diff(want, got); diff != "" || more {
		t.Errorf("more %t; -want +got:\n%s", more, diff)
	}
}

func TestScripts(t *testing.T) {
	type scripts = []manifestdiff.Script
	for _, tt := range []struct {
		name, before, after string
		gypBefore, gypAfter bool
		want                scripts
	}{
		{name: "none", before: ``, after: `,"scripts":{"build":"x","prepare":"x","prepublish":"x","test":"x","postinstall":""}`},
		{name: "new", after: `,"scripts":{"postinstall":"x","preinstall":"y","install":"z"}`, want: scripts{{"preinstall", "", "y"}, {"install", "", "z"}, {"postinstall", "", "x"}}},
		{name: "as before", before: `,"scripts":{"install":"x","test":"x"}`, after: `,"scripts":{"test":"y","install":"x"}`},
		{name: "another command, and one more", before: `,"scripts":{"install":"x"}`, after: `,"scripts":{"install":"y","postinstall":"x"}`, want: scripts{{"install", "x", "y"}, {"postinstall", "", "x"}}},
		{name: "another space", before: `,"scripts":{"install":"node x"}`, after: `,"scripts":{"install":"node  x"}`, want: scripts{{"install", "node x", "node  x"}}},
		{name: "the digits of the commit", before: `,"scripts":{"install":"npx a@` + npm.PreviewVersion(shaA) + `"}`, after: `,"scripts":{"install":"npx a@` + npm.PreviewVersion(shaB) + `"}`},
		{name: "empty before", before: `,"scripts":{"install":""}`, after: `,"scripts":{"install":"x"}`, want: scripts{{"install", "", "x"}}},
		{name: "removed", before: `,"scripts":{"install":"x"}`, after: ``},
		{name: "binding.gyp", gypAfter: true, want: scripts{{"install", "", "node-gyp rebuild"}}},
		{name: "binding.gyp as before", gypBefore: true, gypAfter: true},
		{name: "binding.gyp as before, and said", gypBefore: true, after: `,"scripts":{"install":"node-gyp rebuild"}`, gypAfter: true},
		{name: "binding.gyp with its own way", after: `,"scripts":{"install":"prebuild-install"}`, gypAfter: true, want: scripts{{"install", "", "prebuild-install"}}},
		{name: "binding.gyp with another way", gypBefore: true, after: `,"scripts":{"install":"prebuild-install"}`, gypAfter: true, want: scripts{{"install", "node-gyp rebuild", "prebuild-install"}}},
		{name: "binding.gyp with a script before", after: `,"scripts":{"preinstall":"x"}`, gypAfter: true, want: scripts{{"preinstall", "", "x"}}},
		{name: "binding.gyp that is not built", after: `,"gypfile":false`, gypAfter: true},
		{name: "gypfile without one", after: `,"gypfile":true`},
		{name: "odd", after: `,"scripts":["postinstall"]`},
		{name: "no text", after: `,"scripts":{"postinstall":{"a":1}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := manifestdiff.Scripts(parse(t, shaA, tt.before, tt.gypBefore), parse(t, shaB, tt.after, tt.gypAfter))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	if got := manifestdiff.Scripts(manifestdiff.Manifest{}, parse(t, shaB, `,"scripts":{"install":"x"}`, false)); len(got) != 1 {
		t.Errorf("Scripts of a new package = %v", got)
	}
}

func TestSame(t *testing.T) {
	for name, spec := range map[string]func(sha string) string{
		"a preview version":               npm.PreviewVersion,
		"a URL":                           func(sha string) string { return "https://r.example/acme/ws/@acme/b@" + sha },
		"pkg-pr-new's short URL":          func(sha string) string { return "https://r.example/@acme/b@" + sha[:7] },
		"pkg-pr-new's short URL by owner": func(sha string) string { return "https://r.example/acme/ws/b@" + sha[:7] },
		"pkg-pr-new's --previewVersion":   func(sha string) string { return "0.0.0-preview-" + sha[:7] },
	} {
		t.Run(name, func(t *testing.T) {
			at := func(commit, sibling string) manifestdiff.Manifest {
				return parse(t, commit, fmt.Sprintf(`,"dependencies":{"@acme/b":%q,"c":"1"}`, spec(sibling)), false)
			}
			if !manifestdiff.Same(at(shaA, shaA), at(shaB, shaB)) {
				t.Error("the digits of the commits are a change")
			}
			if manifestdiff.Same(at(shaA, shaA), at(shaB, shaA)) {
				t.Error("those of another commit are none")
			}
		})
	}
	at := func(sha string) manifestdiff.Manifest {
		return parse(t, sha, fmt.Sprintf(`,"description":"made of %.7s"`, sha), false)
	}
	if manifestdiff.Same(at(shaA), at(shaB)) {
		t.Error("seven digits that are no URL's are no change")
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{``, `[]`, `{"name":"A B","version":"1.0.0"}`, `{"name":"a","version":"1.0.0"`} {
		if _, err := manifestdiff.Parse([]byte(text), "", false); err == nil {
			t.Errorf("Parse(%q) succeeds", text)
		}
	}
	if _, err := manifestdiff.Parse([]byte("\xef\xbb\xbf"+`{"name":"a","version":"1.0.0"}`), "", false); err != nil {
		t.Errorf("with a byte order mark: %v", err)
	}
	m, err := manifestdiff.Parse([]byte(`{"name":"a","dependencies":{"b":"1"}}`), "", false)
	if err != nil || len(manifestdiff.Dependencies(manifestdiff.Manifest{}, m)) != 1 || m.Object().Get("version") != nil {
		t.Errorf("without a version: %v", err)
	}
}

func TestFields(t *testing.T) {
	got := manifestdiff.Fields([]byte(`{"version":"1","main":"a","files":["x"],"scripts":{"a":"1","b":"2"},"exports":{"a":1}}`),
		[]byte(`{"version":"2","type":"module","scripts":{"b":"3"},"exports":["b"],"files":[]}`))
	want := []manifestdiff.Field{
		{Name: "version", Before: "1", After: "2", What: "changed"},
		{Name: "type", After: "module", What: "added"},
		{Name: "main", Before: "a", What: "removed"},
		{Name: "exports", Before: `{"a":1}`, After: `["b"]`, What: "changed"},
		{Name: "scripts", Key: "a", Before: "1", What: "removed"},
		{Name: "scripts", Key: "b", Before: "2", After: "3", What: "changed"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := manifestdiff.Fields([]byte(`{`), []byte(`{}`)); len(got) != 0 {
		t.Errorf("of what can't be read: %v", got)
	}
}

func FuzzManifests(f *testing.F) {
	f.Add(`{"name":"a","version":"1.0.0","dependencies":["b@1"],"bin":["x"],"scripts":{"install":"x"}}`, `{"name":"a","version":"1.0.0","gypfile":true,"exports":{".":[]}}`)
	f.Fuzz(func(t *testing.T, before, after string) {
		manifestdiff.Fields([]byte(before), []byte(after))
		a, err := manifestdiff.Parse([]byte(before), shaA, false)
		if err != nil {
			return
		}
		b, err := manifestdiff.Parse([]byte(after), shaB, true)
		if err != nil {
			return
		}
		manifestdiff.Dependencies(a, b)
		manifestdiff.Entries(a, b)
		manifestdiff.Scripts(a, b)
		if deps := manifestdiff.Dependencies(a, a); len(deps) != 0 || !manifestdiff.Same(a, a) {
			t.Errorf("%s differs from itself: %v", before, deps)
		}
	})
}
