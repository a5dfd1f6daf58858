package search

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/store/feed"
)

func TestFind(t *testing.T) {
	w := newWorld(t, Options{Popularity: counts{"react": 1_000_000, "reactor": 10, "@acme/react": 5, "left-pad": 50_000}},
		pkg("npm/react", "description: A library for user interfaces", "keywords: react,ui", "author: Meta Open Source", "publisher: fb-bot"),
		pkg("npm/react-dom", "description: React for browsers", "keywords: react,dom"),
		pkg("npm/reactor", "description: Nuclear"),
		pkg("npm/@acme/react", "description: our own", "owner: alice", "owner: bob"),
		pkg("npm/preact-helper", "description: works with react"),
		pkg("npm/left-pad", "description: String left pad", "keywords: pad,string", "author: Azer Koçulu"),
		pkg("npm/camelCaseName", "description: Ein Paket über Größen"),
		pkg("npm/日本語-tools", "description: 検索 ツール"),
		pkg("npm/a", "description: one letter"),
		pkg("zig/Ziglyph_Core", "description: Unicode for Zig", "publisher: alice"),
		pkg("lumen/@acme/lamp", "description: light, with react"),
		pkg("commit/Acme/App", "packages: @acme/one,two-words", "publisher: ci"),
	)
	for text, want := range map[string][]string{
		"react":                      {"npm/react", "npm/@acme/react", "npm/react-dom", "npm/reactor", "lumen/@acme/lamp", "npm/preact-helper"},
		"react-dom":                  {"npm/react-dom"},
		"React Dom":                  {"npm/react-dom"},
		"dom react":                  {"npm/react-dom"},
		"react_dom":                  {"npm/react-dom"},
		"reac":                       {"npm/react", "npm/reactor", "npm/@acme/react", "npm/react-dom"},
		"left pda":                   {},
		"browsres":                   {},
		"raect":                      {"npm/react", "npm/@acme/react", "npm/react-dom"},
		"reactt":                     {"npm/react", "npm/@acme/react", "npm/react-dom"},
		"lefft-pad":                  {"npm/left-pad"},
		"lef":                        {"npm/left-pad"},
		"case":                       {"npm/camelCaseName"},
		"camelcasename":              {"npm/camelCaseName"},
		"größen":                     {"npm/camelCaseName"},
		"日本語":                        {"npm/日本語-tools"},
		"koçulu":                     {"npm/left-pad"},
		"ziglyph-core":               {"zig/ziglyph_core"},
		"ziglyph":                    {"zig/ziglyph_core"},
		"@acme/react":                {"npm/@acme/react", "lumen/@acme/lamp"},
		"@acme":                      {"commit/acme/app", "npm/@acme/react", "lumen/@acme/lamp"},
		"scope:@acme":                {"commit/acme/app", "lumen/@acme/lamp", "npm/@acme/react"},
		"scope:acme kind:lumen":      {"lumen/@acme/lamp"},
		"kind:lumen,commit":          {"lumen/@acme/lamp", "commit/acme/app"},
		"kind:nothing":               {},
		"kind: react":                {},
		"react kind:npm,zig dom":     {"npm/react-dom"},
		"author:alice":               {"zig/ziglyph_core"},
		"author:fb-bot":              {"npm/react"},
		"author:meta":                {"npm/react"},
		"maintainer:alice":           {"npm/@acme/react"},
		"maintainer:-alice react":    {"npm/react", "npm/react-dom", "npm/reactor", "lumen/@acme/lamp", "npm/preact-helper"},
		"keywords:react":             {"npm/react", "npm/react-dom"},
		"keywords:react+dom":         {"npm/react-dom"},
		"keywords:react+-dom":        {"npm/react"},
		"keywords:ui,pad":            {"npm/react", "npm/left-pad"},
		"is:unstable not:insecure a": {"npm/a", "npm/@acme/react", "commit/acme/app"},
		"two-words":                  {"commit/acme/app"},
		"app":                        {"commit/acme/app"},
		"the":                        {},
		"for user":                   {"npm/react"},
		"nowhere":                    {},
	} {
		got := w.find(text)
		if text == "is:unstable not:insecure a" {
			if len(got) == 0 || got[0] != "npm/a" {
				t.Errorf("%q finds %q, want npm/a first", text, got)
			}
			continue
		}
		if text == "@acme" || text == "scope:@acme" || strings.HasPrefix(text, "kind:lumen,") {
			slices.Sort(got)
			slices.Sort(want)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q finds (-want +got):\n%s", text, d)
		}
	}
	if got := w.find("react", Zig, Lumen); !slices.Equal(got, []string{"lumen/@acme/lamp"}) {
		t.Errorf("react among Zig and Lumen packages finds %q", got)
	}
	if got := w.find("kind:npm", Zig); len(got) != 0 {
		t.Errorf("npm among Zig packages finds %q", got)
	}
	if got := w.find(""); len(got) != 12 {
		t.Errorf("no text finds %d, want all 12", len(got))
	}
}

// A repository is as popular as its packages.
func TestPopularRepository(t *testing.T) {
	seldom, often := pkg("commit/acme/lib"), pkg("commit/beta/lib")
	seldom.Packages, often.Packages = []string{"@acme/a", "acme/lib"}, []string{"@beta/a", "@beta/b"}
	w := newWorld(t, Options{Popularity: counts{"@acme/a": 1, "@beta/a": 500, "@beta/b": 500, "acme/lib": 1}}, seldom, often)
	if d := cmp.Diff([]string{"commit/beta/lib", "commit/acme/lib"}, w.find("lib")); d != "" {
		t.Errorf("it finds (-want +got):\n%s", d)
	}
}

// What depends on a package is found by its whole name as it is written; what is used most comes first.
func TestDependents(t *testing.T) {
	long := "@" + strings.Repeat("a", 100) + "/" + strings.Repeat("b", 112)
	w := newWorld(t, Options{Popularity: counts{"used": 1000}},
		pkg("npm/left-pad"), pkg("npm/left", "depends: left"),
		pkg("npm/app", "depends: left-pad,@acme/core"), pkg("npm/used", "depends: React,left-pad"), pkg("npm/other", "depends: left_pad,react,"+long),
		pkg("zig/zap", "depends: left-pad"))
	for text, want := range map[string][]string{
		"depends:left-pad kind:npm":     {"npm/used", "npm/app"},
		"DEPENDS:left-pad kind:npm app": {"npm/app"},
		"depends:left":                  {"npm/left"},
		"depends:left_pad":              {"npm/other"},
		"depends:react":                 {"npm/other"},
		"depends:React":                 {"npm/used"},
		"depends:@acme/core":            {"npm/app"},
		"depends:acme":                  {},
		"depends:" + long:               {"npm/other"},
		"depends:left-pad+@acme/core":   {"npm/app"},
		"depends:react,@acme/core":      {"npm/app", "npm/other"},
		"depends:left-pad+-React,x u":   {},
		"depends:left-pad+-React":       {"npm/app", "zig/zap"},
		"depends: kind:zig":             {"zig/zap"},
		"depends:,,+ kind:zig":          {"zig/zap"},
		"@acme/core":                    {},
	} {
		if d := cmp.Diff(want, w.find(text)); d != "" {
			t.Errorf("%q finds (-want +got):\n%s", text, d)
		}
	}
	for _, tt := range []struct {
		name        string
		from, size  int
		want, total string
	}{
		{"left-pad", 0, 10, "npm/used npm/app", "2"}, {"left-pad", 1, 10, "npm/app", "2"}, {"left-pad", 0, 1, "npm/used", "2"}, {"left-pad", 0, 0, "", "2"},
		{"left-pad", 1 << 40, 1 << 40, "", "2"}, {"left-pad", -1, -1, "", "2"}, {"none", 0, 10, "", "0"}, {"", 0, 10, "", "0"}, {"left-pad,React", 0, 10, "", "0"}, {"left-pad\nReact", 0, 10, "", "0"},
	} {
		found, err := w.Dependents(t.Context(), NPM, tt.name, tt.from, tt.size)
		var ids []string
		for _, d := range found.Documents {
			ids = append(ids, d.id())
		}
		if got := strings.Join(ids, " "); err != nil || got != tt.want || fmt.Sprint(found.Total) != tt.total {
			t.Errorf("Dependents(%q, %d, %d) = %s of %d, %v, want %s of %s", tt.name, tt.from, tt.size, got, found.Total, err, tt.want, tt.total)
		}
	}
	// A package that needs something else is found by that, soon.
	w.shelves[NPM].set(pkg("npm/app", "depends: right-pad"))
	if err := w.takeIn(t.Context(), []feed.Change{{Kind: string(NPM), Name: "app"}}); err != nil {
		t.Fatal(err)
	}
	if got := w.find("depends:right-pad"); !slices.Equal(got, []string{"npm/app"}) || len(w.find("depends:@acme/core")) != 0 {
		t.Errorf("after a change right-pad is needed by %q", got)
	}
}

// The document comes back as it was, and suggestions are what the beginning of a word finds.
func TestDocument(t *testing.T) {
	want := pkg("npm/@acme/tool", "description: does it", "keywords: a,b", "author: Alice", "publisher: bob", "owner: bob", "depends: left-pad,@acme/core")
	w := newWorld(t, Options{Popularity: counts{"@acme/tool": 1234}}, want, pkg("zig/toolbox"), pkg("npm/uncounted"))
	want.Downloads = 1234
	found, err := w.Search(t.Context(), Query{Text: "tool", Kinds: []Kind{NPM}, Size: 1})
	if err != nil || len(found.Documents) != 1 {
		t.Fatalf("Search = %+v, %v", found, err)
	}
	if d := cmp.Diff(want, found.Documents[0]); d != "" {
		t.Errorf("the document (-want +got):\n%s", d)
	}
	for text, n := range map[string]int{"to": 2, "too": 2, "toolb": 2, "toolbo": 1, " ": 0, "t": 2, "uncou": 1} {
		got, err := w.Suggest(t.Context(), text, nil, 10)
		if err != nil || len(got) != n {
			t.Errorf("Suggest(%q) = %d documents, %v, want %d", text, len(got), err, n)
		}
	}
}

// What is used more, and what is newer, comes first; a typo never does.
func TestRank(t *testing.T) {
	w := newWorld(t, Options{Popularity: counts{"http-most": 1_000_000, "http-some": 500, "parsec": 9_000_000}},
		pkg("npm/http-some"), pkg("npm/http-most"), pkg("npm/http-none"), pkg("npm/http-old", "days: 3000"), pkg("npm/http-new", "days: 0"),
		pkg("npm/parse", "days: 4000"), pkg("npm/parsec", "days: 0"), pkg("npm/uses", "description: parse", "days: 4000"))
	want := []string{"npm/http-most", "npm/http-some", "npm/http-new", "npm/http-none", "npm/http-old"}
	if got := w.find("http"); !slices.Equal(got, want) {
		t.Errorf("http finds %q, want %q", got, want)
	}
	if got := w.find("parse"); got[0] != "npm/parse" {
		t.Errorf("parse finds %q first, not what has that name", got)
	}
	if got := w.find("parsee"); len(got) == 0 {
		t.Error("parsee finds nothing")
	}
}

// Pages of an answer neither overlap nor leave gaps, whatever the query.
func TestPages(t *testing.T) {
	var all []Document
	for i := range 500 {
		all = append(all, pkg(fmt.Sprintf("npm/lib-%03d", i*7%500), "description: same same"))
	}
	w := newWorld(t, Options{}, all...)
	for _, text := range []string{"", "lib", "kind:npm", "same", "li"} {
		var whole []string
		for from := 0; ; from += 37 {
			found, err := w.Search(t.Context(), Query{Text: text, From: from, Size: 37})
			if err != nil || found.Total != 500 {
				t.Fatalf("%q from %d: %d in all, %v", text, from, found.Total, err)
			}
			if len(found.Documents) == 0 {
				break
			}
			for _, d := range found.Documents {
				whole = append(whole, d.Name)
			}
		}
		if len(whole) != 500 || !slices.IsSorted(whole) {
			t.Errorf("%q: the pages have %d names, in order: %v", text, len(whole), slices.IsSorted(whole))
		}
	}
	for _, q := range []Query{{From: -1, Size: -1}, {From: 1 << 40, Size: 1 << 40}} {
		if found, err := w.Search(t.Context(), q); err != nil || len(found.Documents) != 0 || found.Total != 500 {
			t.Errorf("Search(%+v) = %d of %d, %v", q, len(found.Documents), found.Total, err)
		}
	}
}

// Whatever is typed finds something or nothing; it is never an error, and never takes long.
func FuzzSearch(f *testing.F) {
	for _, text := range []string{
		"react", `"unbalanced`, "((((", "a AND OR NOT b", "field:value", "kind:", "scope:@", "author:a,b,,c+-d", "*" + strings.Repeat("*", 1000),
		strings.Repeat("a", 100_000), strings.Repeat("ab ", 10_000), strings.Repeat("kind:npm ", 10_000), "/(a+)+$/", "a~2^99", "\x00\xff\xfe", "[* TO *]",
		"keywords:" + strings.Repeat("a,", 10_000), "depends:" + strings.Repeat("a+-b,", 10_000), "\n\n", "日本", "@", "/", "-", "+:-:+", strings.Repeat("x:", 500),
	} {
		f.Add(text, 0, 20)
	}
	w := newWorld(f, Options{}, pkg("npm/react", "keywords: ui"), pkg("zig/zap"))
	f.Fuzz(func(t *testing.T, text string, from, size int) {
		found, err := w.Search(t.Context(), Query{Text: text, From: from, Size: size})
		if err != nil || len(found.Documents) > maxSize || found.Total > 2 {
			t.Errorf("Search(%q) = %+v, %v", text, found, err)
		}
		q := parse(text)
		if len(q.words) > maxWords || len(q.must) > maxFilters || len(q.mustNot) > maxFilters || len(q.kinds) > len(Kinds()) {
			t.Errorf("parse(%q) = %+v", text, q)
		}
	})
}
