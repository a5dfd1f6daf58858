package webui

import (
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/format/entrypoints"
	"github.com/org/registry-action/internal/format/manifestdiff"
)

// content renders what is between header and footer of a page.
func content(t *testing.T, page string, data any) string {
	t.Helper()
	u := New(Config{Site: "Test", BaseURL: publicURL})
	var b strings.Builder
	if err := u.pages[page].ExecuteTemplate(&b, "content", Page{Data: data}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var someDay = time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)

// Whatever names and refs say, pages show it as text.
func TestGoldenPreviews(t *testing.T) {
	const name = `"><script>alert(1)</script>`
	rows := []packageRow{
		{Name: "@acme/a", URL: "/commits/abc/@acme/a", Version: "0.0.0-commit.gabc", Size: "1.2 kB", Status: commits.Changed, Growth: "+3 B"},
		{Name: name, URL: "/commits/abc/" + escapePath(name), Kind: "Zig", Version: name, Size: "3 B"},
	}
	found := review{Left: 2, Findings: []finding{
		{Package: link{name, "/commits/abc/" + escapePath(name) + "/diff/0123456"}, Broken: []entrypoints.Entry{{Field: `exports["` + name + `"]`, Target: name}}, Scripts: []manifestdiff.Script{{Name: "install", Before: "x", After: name}, {Name: "postinstall", After: name}},
			Dependencies: []manifestdiff.Dependency{{Field: "dependencies", Name: name, After: name}, {Field: "peerDependencies", Name: "b", Before: "1", After: "2"}, {Field: "dependencies", Name: "c", Before: "1"}}},
		{Package: link{"@acme/new", "/commits/abc/@acme/new"}, More: true},
	}}
	lines := []command{{"npm", "npm i -E " + shellWord("a b'c") + " --registry x"}}
	list := commits.Listed{SHA: "abcdef0123", PublishedAt: someDay, ExpiresAt: someDay.AddDate(0, 0, 90), Packages: []string{"@acme/a"}}
	placed := commits.Placed{Ref: commits.Ref{Kind: commits.Branch, Name: name}, SHA: list.SHA, MovedAt: someDay, ExpiresAt: list.ExpiresAt}
	u := New(Config{BaseURL: publicURL})
	for page, data := range map[string]any{
		"commit": commitPage{SHA: list.SHA, Short: shortSHA(list.SHA), Published: someDay, Expires: list.ExpiresAt, Count: 2, Groups: []commitGroup{
			{Repository: "acme/ws", URL: "/acme/ws", Forge: "https://github.com/acme/ws/commit/abc", Refs: []link{{name, "/acme/ws/tree/" + escapePath(name)}}, Packages: rows, Findings: found, Install: lines, Settings: "registry=x"},
			{Packages: rows[:1]},
		}, Pager: newPager(0, 2, 300, 100)},
		"ref": refPage{History: commits.History{Placed: placed, Current: list}, Heading: refTitle(placed.Ref), Repository: "acme/ws", Home: "/acme/ws", Commit: commitLink(list.SHA),
			Base: &link{"0123456", "/x"}, Packages: rows, Removed: []string{name}, Install: lines, Earlier: []earlierRow{{list, commitLink(list.SHA), "/c"}}, Badge: u.badgeOf("acme/ws", placed.Ref)},
		"compare": comparePage{Repository: "acme/ws", Home: "/acme/ws", From: side{Listed: list, Name: name, Commit: commitLink(list.SHA)}, To: side{Listed: list, Name: "main", Commit: commitLink(list.SHA)},
			Changes: []changeRow{{Name: name, URL: "/x", Status: commits.Added, After: "3 B"}, {Name: "b", URL: "/y", Status: commits.Changed, Before: "1 B", After: "2 B", Grown: "+1 B", Diff: "/z"}}, Unchanged: 1},
		"repository": repositoryPage{Overview: commits.Overview{Owners: []string{"ada"}, Total: 1}, Path: "acme/ws", Forge: "https://github.com/acme/ws", Registry: "https://x/~/acme/ws/",
			Kinds: []refList{{"Branches", []refRow{{placed, link{name, "/b"}, commitLink(list.SHA), "branch-x"}}, 3}}, Commits: []commitRow{{list, commitLink(list.SHA), []link{{"main", "/m"}}}}, Install: lines, Badge: u.badgeOf("acme/ws", commits.Ref{})},
	} {
		t.Run(page, func(t *testing.T) {
			got := content(t, page, data)
			if strings.Contains(got, "<script") {
				t.Errorf("a name is HTML: %s", got)
			}
			golden(t, page, got)
		})
	}
	golden(t, "badge", drawBadge("previews", `pr-7 <&">`, true))
}

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{
		"@acme/a@pr-7": "@acme/a@pr-7", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "~/x": "'~/x'", "a\nb": "'a\nb'",
	} {
		if got := shellWord(in); got != want {
			t.Errorf("shellWord(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestWebURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://a.example/x": "https://a.example/x", "git+https://a.example/x": "https://a.example/x", "javascript:alert(1)": "", "//a.example": "", "https://u:p@a.example": "", "": "", "data:text/html,x": "",
	} {
		if got := webURL(in); got != want {
			t.Errorf("webURL(%q) = %q, want %q", in, got, want)
		}
	}
}
