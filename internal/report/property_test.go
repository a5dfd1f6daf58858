package report_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/report"
	"github.com/org/registry-action/internal/wire"
)

// check holds a comment to what must be true whatever the names are.
func check(t *testing.T, md string) {
	t.Helper()
	if n := utf8.RuneCountInString(md); n > report.MaxComment {
		t.Errorf("the comment has %d characters, want at most %d", n, report.MaxComment)
	}
	if !utf8.ValidString(md) || strings.ContainsAny(md, "\x00\x1b\r\u202e") {
		t.Errorf("the comment has control characters: %q", md)
	}
	prose := outsideCode(t, md)
	for _, bad := range []string{"<!--", "@", "`", "<img", "<b>", "](javascript:"} {
		if strings.Contains(prose, bad) {
			t.Errorf("outside of code there is %q:\n%s", bad, prose)
		}
	}
	if strings.Contains(md, "<!--") {
		t.Errorf("the comment has an HTML comment:\n%s", md)
	}
	if o, c := strings.Count(prose, "<details>"), strings.Count(prose, "</details>"); o != c {
		t.Errorf("%d folds are opened and %d closed", o, c)
	}
	cells := 0
	for line := range strings.Lines(prose) {
		n := strings.Count(line, "|")
		if cells > 0 && strings.HasPrefix(line, "|") && n != cells {
			t.Errorf("a table's row has %d cells, its head %d: %q", n, cells, line)
		}
		if cells = n; !strings.HasPrefix(line, "|") {
			cells = 0
		}
	}
}

// outsideCode drops code blocks and code spans as CommonMark reads them: a
// block from a fence to the next as long, a span between equal runs of
// backticks of one paragraph.
func outsideCode(t *testing.T, md string) string {
	t.Helper()
	var out strings.Builder
	fenced := false
	for line := range strings.Lines(md) {
		line = strings.ReplaceAll(line, `\|`, "") // of a table's code span
		switch {
		case fenced:
			fenced = strings.TrimRight(line, "\n ") != "```"
		case strings.HasPrefix(line, "```"):
			fenced = true
		default:
			parts := strings.Split(line, "`")
			if len(parts)%2 == 0 {
				t.Errorf("a code span is not closed: %q", line)
			}
			for i := 0; i < len(parts); i += 2 {
				out.WriteString(parts[i])
			}
		}
	}
	if fenced {
		t.Error("a code block is not closed")
	}
	return out.String()
}

// randomChange is one that a server that is no friend may answer.
func randomChange(rnd *rand.Rand, text func() string) *wire.PackageChange {
	n := func() *int64 {
		if rnd.IntN(3) == 0 {
			return nil
		}
		return new(rnd.Int64() - rnd.Int64())
	}
	texts := func() []string {
		return slices.Collect(func(yield func(string) bool) {
			for rnd.IntN(4) > 0 && yield(text()) {
			}
		})
	}
	c := &wire.PackageChange{
		Kind: []string{wire.Changed, wire.Added, wire.Removed, wire.Unchanged, text()}[rnd.IntN(5)],
		Size: &wire.SizeChange{Before: n(), After: n()}, UnpackedSize: &wire.SizeChange{Before: n(), After: n()}, Incomplete: rnd.IntN(2) == 0,
		Files: &wire.FileChanges{Added: texts(), Removed: texts(), Changed: texts(), AddedCount: rnd.IntN(9) - 4, RemovedCount: rnd.IntN(9) - 4, ChangedCount: rnd.IntN(9) - 4},
	}
	for range rnd.IntN(6) {
		c.Scripts = append(c.Scripts, wire.ScriptChange{Name: text(), Before: text(), After: text()})
		c.Dependencies = append(c.Dependencies, wire.DependencyChange{Field: text(), Name: text(), Before: text(), After: text()})
		c.Entries = append(c.Entries, wire.EntryChange{Field: text(), Before: text(), After: text()})
		c.Broken = append(c.Broken, wire.BrokenEntry{Field: text(), Target: text()})
	}
	return c
}

func TestHostileNames(t *testing.T) {
	pieces := []string{"@octocat", "`", "``", "```", "~~~", "\n", "\r", "|", "\\|", "\\", "<!--", "-->", "<b>", "</details>", "<img src=x>", "[x](http://e.test)",
		"](", ")", "(", "'", "\"", "$(x)", ";", "&amp;", "#1", "\x00", "\x1b[31m", "\u202e", "\xff", "é", "📦", "a", "-", "/", " ", "https://", "javascript:", "%", "%3C!--", "*", "_", "!"}
	rnd := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		var b strings.Builder
		for range rnd.IntN(8) {
			b.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		return b.String()
	}
	address := func() string { return "https://h.test/" + text() }
	for range 800 {
		r := base()
		r.Managers = []string{"npm", "pnpm", "yarn", "bun", text()}
		r.Repository, r.SHA, r.MergeSHA, r.JobURL, r.Tag = text(), text(), text(), address(), text()
		if rnd.IntN(2) == 0 { // one that the preview registry has
			r.Repository, r.RegistryURL = "a/"+r.Repository, []string{address(), "http://h.test:1/" + text()}[rnd.IntN(2)]
			r.Packages = append(r.Packages, report.Package{Name: "@acme/a", Version: npm.PreviewVersion(r.SHA), URL: address(), Bins: []string{text()}})
			r.Packages = append(r.Packages, report.Package{Name: "b", Version: npm.PreviewVersion(r.SHA)})
		}
		for range rnd.IntN(7) {
			r.Packages = append(r.Packages, report.Package{
				Name: text(), Version: text(), URL: address(), InstallURL: address(), Bins: []string{text()},
				Size: rnd.Int64N(1e10), Unchanged: rnd.IntN(3) == 0, Linked: rnd.IntN(3) == 0,
			})
			switch rnd.IntN(4) {
			case 0:
				r.Packages[len(r.Packages)-1].Lumen = &report.Lumen{Name: text(), Hash: text(), ContentHash: text()}
			case 1:
				r.Packages[len(r.Packages)-1].Zig = &report.Zig{Name: text(), Hash: text(), Legacy: text(), Compilers: []string{"0.11", "0.16", text()}}
			}
		}
		if rnd.IntN(2) == 0 {
			r.Base, r.Removed = &wire.Base{SHA: text(), Branch: text()}, []string{text(), text()}
			for i := range r.Packages {
				r.Packages[i].Change = randomChange(rnd, text)
			}
			if n := len(r.Packages); n > 0 {
				r.Packages, r.Skipped = r.Packages[:n-1], r.Packages[n-1:]
			}
		}
		check(t, report.Comment(r))
		if t.Failed() {
			t.Fatalf("of %+v", r)
		}
	}
	huge := base()
	huge.Repository, huge.JobURL = strings.Repeat("@", 1e5), "https://h.test/"+strings.Repeat("<", 1e5)
	for range 50 {
		long := strings.Repeat("<`|\n@é", 1e4)
		change := &wire.PackageChange{Kind: long, Scripts: slices.Repeat([]wire.ScriptChange{{Name: long, Before: long, After: long}}, 50), Broken: slices.Repeat([]wire.BrokenEntry{{Field: long, Target: long}}, 50)}
		huge.Base, huge.Removed = &wire.Base{SHA: sha, Branch: long}, append(huge.Removed, long)
		huge.Packages = append(huge.Packages, report.Package{Change: change, Name: strings.Repeat("<!--é", 1e4), Version: strings.Repeat("`", 1e5), URL: "https://h.test/" + strings.Repeat("@", 1e5)})
	}
	check(t, report.Comment(huge))
}

func FuzzComment(f *testing.F) {
	f.Add("@acme/core", "1.0.0", "https://h.test/x", "bin", "acme/ws")
	f.Add("a`|<!--", "@octocat", "javascript:x", "```\n", "a) [")
	f.Fuzz(func(t *testing.T, name, version, url, bin, repository string) {
		r := base()
		r.Managers = []string{"npm", "pnpm", "yarn", "bun"}
		r.Repository = repository
		for range 2 {
			r.Packages = append(r.Packages, report.Package{Name: name, Version: version, URL: url, Bins: []string{bin}},
				report.Package{Name: "zig:" + name, Version: version, URL: url, Zig: &report.Zig{Name: name, Hash: bin, Legacy: repository, Compilers: []string{"0.13", "0.14", bin}}},
				report.Package{Name: "lumen:" + name, Version: version, URL: url, Lumen: &report.Lumen{Name: name, Hash: bin, ContentHash: repository}})
		}
		check(t, report.Comment(r))
		r.Base, r.Removed, r.Skipped = &wire.Base{SHA: name, Branch: url}, []string{bin}, r.Packages[:1]
		for i := range r.Packages {
			r.Packages[i].Change = &wire.PackageChange{
				Kind: wire.Changed, Files: &wire.FileChanges{Added: []string{bin}, AddedCount: 1}, Scripts: []wire.ScriptChange{{Name: version, Before: bin, After: url}},
				Dependencies: []wire.DependencyChange{{Field: repository, Name: name, Before: version, After: bin}},
				Entries:      []wire.EntryChange{{Field: name, Before: bin, After: url}}, Broken: []wire.BrokenEntry{{Field: bin, Target: version}},
			}
		}
		check(t, report.Comment(r))
	})
}
