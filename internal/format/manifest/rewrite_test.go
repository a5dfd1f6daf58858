package manifest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/org/registry-action/internal/fault"
)

const (
	preview = "0.0.0-commit.g0123456789"
	url     = "https://registry.example/commits/0123/b/tarball"
)

func workspace(pin string) map[string]Sibling {
	return map[string]Sibling{
		"b":       {Name: "b", Version: "1.2.3", Dir: "packages/b", Pin: pin},
		"@s/c":    {Name: "@s/c", Version: "2.0.0-rc.1", Dir: "packages/c", Pin: pin},
		"d":       {Name: "d", Version: "3.0.0", Dir: "packages/d", Pin: pin, PublishName: "@pub/d"},
		"bare":    {Name: "bare", Dir: "packages/bare", Pin: pin},
		"unnamed": {Name: "unnamed", Version: "not a version", Dir: "x", Pin: pin},
	}
}

func catalogs() Catalogs {
	return Catalogs{
		"default": {"b": "workspace:^", "left-pad": "^1.3.0", "d": "^3", "loop": "catalog:"},
		"old":     {"b": "^0.9.0"},
	}
}

// TestPins: specifier -> resolved, per field, for a package in packages/a.
func TestPins(t *testing.T) {
	const deps, peers = "dependencies", "peerDependencies"
	for _, c := range []struct {
		field, dep, spec string
		pin              string
		peersToo         bool
		want             string
	}{
		{deps, "b", "workspace:*", preview, false, preview},
		{deps, "b", "workspace:^1.0.0", preview, false, preview},
		{deps, "b", "workspace:^9", preview, false, preview},
		{deps, "b", "workspace:../b", preview, false, preview},
		{deps, "b", "workspace:packages/b", preview, false, preview},
		{deps, "alias", "workspace:b@^", preview, false, "npm:b@" + preview},
		{deps, "alias", "workspace:b@^", url, false, url},
		{deps, "alias", "workspace:@s/c@*", preview, false, "npm:@s/c@" + preview},
		{deps, "alias", "workspace:b@~", "", false, "npm:b@~1.2.3"},
		{deps, "b", "catalog:", preview, false, preview},
		{deps, "b", "catalog:", "", false, "^1.2.3"},
		{deps, "b", "catalog:default", url, false, url},
		{deps, "b", "catalog:old", preview, false, "^0.9.0"},
		{deps, "d", "catalog:", preview, false, "npm:@pub/d@" + preview},
		{deps, "left-pad", "catalog: ", preview, false, "^1.3.0"},
		{deps, "b", "file:../b", preview, false, preview},
		{deps, "x", "link:../b", preview, false, "npm:b@" + preview},
		{deps, "b", "portal:./../b/", preview, false, preview},
		{deps, "b", "../b", preview, false, preview},
		{deps, "b", "file:../nowhere", preview, false, "file:../nowhere"},
		{deps, "b", "file:../b", "", false, "file:../b"},
		{deps, "b", "^1.0.0", preview, false, preview},
		{deps, "b", "1.2.3", url, false, url},
		{deps, "b", "*", preview, false, preview},
		{deps, "b", "", preview, false, preview},
		{deps, "b", "latest", preview, false, preview},
		{deps, "b", "^1.0.0", "", false, "^1.0.0"},
		{deps, "b", "^0.9.0", preview, false, "^0.9.0"},
		{deps, "b", "next", preview, false, "next"},
		{deps, "b", "npm:b@^1", preview, false, "npm:b@^1"},
		{deps, "b", "github:acme/b", preview, false, "github:acme/b"},
		{deps, "b", "https://example.com/b.tgz", preview, false, "https://example.com/b.tgz"},
		{deps, "@s/c", ">=1", preview, false, preview}, // 2.0.0-rc.1 counts
		{deps, "d", "workspace:*", preview, false, "npm:@pub/d@" + preview},
		{deps, "d", "workspace:*", url, false, url},
		{deps, "bare", "workspace:*", preview, false, preview},
		{deps, "bare", "*", preview, false, preview},
		{deps, "bare", "^1", preview, false, "^1"},
		{deps, "unnamed", "^1", preview, false, "^1"},
		{"devDependencies", "bare", "workspace:*", "", false, "0.0.0"},
		{"optionalDependencies", "b", "workspace:*", preview, false, preview},
		{peers, "b", "workspace:^", preview, false, "^1.2.3"},
		{peers, "b", "catalog:", preview, false, "^1.2.3"},
		{peers, "b", "workspace:^", preview, true, preview},
		{peers, "b", ">=1", preview, false, ">=1"},
		{peers, "b", ">=1", preview, true, preview},
		{peers, "b", "^0.9", preview, true, "^0.9"},
		{peers, "b", "workspace:>=1 || workspace:~", preview, false, ">=1 || ~1.2.3"},
		{peers, "b", "^0.9 || workspace:^", preview, false, "^0.9 || ^1.2.3"},
	} {
		r := Rewrite{Dir: "packages/a", Siblings: workspace(c.pin), Catalogs: catalogs(), PinPeers: c.peersToo}
		q := func(spec string) string { return `{"` + c.field + `": {"` + c.dep + `": "` + spec + `"}}` }
		if got := rewrite(t, q(c.spec), r); got != q(c.want) {
			t.Errorf("%s %s: %q with pin %q, peers %v\n got %s\nwant %s", c.field, c.dep, c.spec, c.pin, c.peersToo, got, q(c.want))
		}
	}
}

// TestPeersAdmitPreviews: a peer's range takes the preview version of a sibling
// that is published along, and nothing else changes.
func TestPeersAdmitPreviews(t *testing.T) {
	const also = " || " + preview
	for _, c := range []struct{ dep, spec, pin, version, want string }{
		{"b", "workspace:^", preview, preview, "^1.2.3" + also},
		{"b", "workspace:>=1 || workspace:~", preview, preview, ">=1 || ~1.2.3" + also},
		{"b", "catalog:", url, preview, "^1.2.3" + also},
		{"b", ">=1", preview, preview, ">=1" + also},
		{"b", "*", preview, preview, "*" + also},
		{"b", "", preview, preview, "*" + also},
		{"b", "latest", preview, preview, "latest"},
		{"b", "^0.9", preview, preview, "^0.9"},     // other versions, on purpose
		{"b", "workspace:^", "", preview, "^1.2.3"}, // not published along
		{"b", "workspace:^", preview, "", "^1.2.3"}, // all keep their versions
		{"d", "workspace:^", preview, preview, "^3.0.0"},
		{"react", "^19", preview, preview, "^19"},
	} {
		r := Rewrite{Dir: "packages/a", Siblings: workspace(c.pin), Catalogs: catalogs(), Version: c.version}
		q := func(spec string) string {
			return `{"version": "` + preview + `", "peerDependencies": {"` + c.dep + `": "` + spec + `"}}`
		}
		if got := rewrite(t, q(c.spec), r); got != q(c.want) {
			t.Errorf("%s %q with pin %q: got %s, want %s", c.dep, c.spec, c.pin, got, q(c.want))
		}
	}
}

func TestBundledKeepsItsVersion(t *testing.T) {
	r := Rewrite{Dir: "packages/a", Siblings: workspace(preview)}
	got := rewrite(t, `{"bundledDependencies": ["b"], "dependencies": {"b": "workspace:^", "@s/c": "*"}}`, r)
	if want := `{"bundledDependencies": ["b"], "dependencies": {"b": "^1.2.3", "@s/c": "` + preview + `"}}`; got != want {
		t.Errorf("got %s", got)
	}
	got = rewrite(t, `{"bundleDependencies": true, "dependencies": {"b": "*"}, "devDependencies": {"b": "*"}}`, r)
	if want := `{"bundleDependencies": true, "dependencies": {"b": "*"}, "devDependencies": {"b": "` + preview + `"}}`; got != want {
		t.Errorf("got %s", got)
	}
}

func TestRewriteErrors(t *testing.T) {
	for spec, want := range map[string]string{
		`"nope": "workspace:*"`:     `package.json: a has "nope": "workspace:*" in dependencies, but the workspace has no such package; add it to the workspace, or write a range of published versions`,
		`"x": "workspace:nope@^"`:   `package.json: a has "x": "workspace:nope@^" in dependencies, but the workspace has no such package; add it to the workspace, or write a range of published versions`,
		`"b": "workspace:../nope"`:  `package.json: a has "b": "workspace:../nope" in dependencies, but the workspace has no such package; add it to the workspace, or write a range of published versions`,
		`"b": "workspace:what?"`:    `package.json: a has "b": "workspace:what?" in dependencies, but behind "workspace:" goes "*", "^", "~", a range, name@range or a path`,
		`"bare": "workspace:^"`:     `package.json: a has "bare": "workspace:^" in dependencies, but the package.json of packages/bare has no version; add one`,
		`"b": "catalog:nope"`:       `package.json: a has "b": "catalog:nope" in dependencies, but the workspace has no catalog "nope"`,
		`"nope": "catalog:"`:        `package.json: a has "nope": "catalog:" in dependencies, but the catalog "default" has no entry for it`,
		`"loop": "catalog:default"`: `package.json: a has "loop": "catalog:default" in dependencies, but its entry in the catalog "default" is itself "catalog:"; write a range there`,
	} {
		m, err := Parse("package.json", []byte(`{"name": "a", "dependencies": {`+spec+`}}`))
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Rewrite(Rewrite{Dir: "packages/a", Siblings: workspace(""), Catalogs: catalogs()})
		if err == nil || err.Error() != want || !errors.Is(err, fault.Invalid) {
			t.Errorf("%s:\n got %v\nwant %s", spec, err, want)
		}
	}
}

// TestLayout: everything that isn't edited stays byte for byte.
func TestLayout(t *testing.T) {
	r := Rewrite{Version: preview, Dir: "packages/a", Siblings: workspace(preview), PNPM: true}
	for name, c := range map[string][2]string{
		"tabs and crlf": {
			"{\r\n\t\"name\" : \"a\",\r\n\t\"x\": 1.50,\r\n\t\"dependencies\": { \"b\":\"workspace:*\" }\r\n}\r\n",
			"{\r\n\t\"name\" : \"a\",\r\n\t\"version\" : \"" + preview + "\",\r\n\t\"x\": 1.50,\r\n\t\"dependencies\": { \"b\":\"" + preview + "\" }\r\n}\r\n",
		},
		"one line":        {`{"name":"a","x":[ 1 ]}`, `{"name":"a","version":"` + preview + `","x":[ 1 ]}`},
		"one line, space": {`{"name": "a", "x": 1}`, `{"name": "a", "version": "` + preview + `", "x": 1}`},
		"empty":           {"{ }\n", "{\"version\": \"" + preview + "\" }\n"},
		"no name":         {"{\n  \"x\": 1\n}", "{\n  \"version\": \"" + preview + "\",\n  \"x\": 1\n}"},
		"same version":    {`{ "version" : "` + preview + `" , "é<": "\u00e9" }`, `{ "version" : "` + preview + `" , "é<": "\u00e9" }`},
		"moves and drops": {
			"{\n  \"pnpm\": {},\n  \"name\": \"a\",\n  \"version\": \"1.0.0\",\n  \"publishConfig\": {\n    \"access\": \"public\",\n    \"exports\": {\n      \".\": {\n        \"import\": \"./a.js\"\n      }\n    }\n  },\n  \"packageManager\": \"pnpm@12\"\n}\n",
			"{\n  \"name\": \"a\",\n  \"version\": \"" + preview + "\",\n  \"publishConfig\": {\n    \"access\": \"public\"\n  },\n  \"exports\": {\n    \".\": {\n      \"import\": \"./a.js\"\n    }\n  }\n}\n",
		},
		"last of two": {`{"version": "1", "version": "2"}`, `{"version": "1", "version": "` + preview + `"}`},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c[1], rewrite(t, c[0], r)); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestYarnCopies(t *testing.T) {
	got := rewrite(t, `{"main": "a", "publishConfig": {"main": "b", "type": "", "engines": {}}}`, Rewrite{Yarn: true})
	if want := `{"main": "b", "publishConfig": {"main": "b", "type": "", "engines": {}}}`; got != want {
		t.Errorf("got %s", got)
	}
}

func TestRefers(t *testing.T) {
	s := workspace("")
	for spec, want := range map[string]string{
		"workspace:*": "b", "workspace:d@^": "d", "^1": "b", "^2": "", "link:../c": "@s/c", "npm:b@1": "", "workspace:../nope": "", "workspace:?": "",
	} {
		if got, ok := Refers("b", spec, "packages/a", s); got.Name != want || ok != (want != "") {
			t.Errorf("Refers(b, %q) = %q, %v, want %q", spec, got.Name, ok, want)
		}
	}
}

func TestUnchangedIsIdentical(t *testing.T) {
	src := strings.Repeat(" ", 3) + "{\n\n \"a\" :1 ,\"b\": [ ],\t\"dependencies\":{\"x\" : \"1\"}\n } \n"
	if got := rewrite(t, src, Rewrite{Siblings: workspace(preview), Yarn: true}); got != src {
		t.Errorf("got %q", got)
	}
}
