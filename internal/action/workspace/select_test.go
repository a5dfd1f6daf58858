package workspace

import (
	"errors"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/manifest"
)

const monorepo = `
-- package.json --
{"name": "root", "workspaces": ["packages/*", "apps/*"]}
-- packages/a/package.json --
{"name": "@acme/a", "version": "1.0.0", "dependencies": {"b": "^2.0.0"}}
-- packages/b/package.json --
{"name": "b", "version": "2.0.0", "devDependencies": {"@acme/tools": "*"}}
-- packages/c/package.json --
{"name": "@acme/c", "version": "3.0.0", "peerDependencies": {"@acme/a": ">=1"}}
-- packages/tools/package.json --
{"name": "@acme/tools", "private": true, "dependencies": {"zz": "1.0.0"}}
-- packages/marker/package.json --
{"type": "commonjs"}
-- packages/zz/package.json --
{"name": "zz", "version": "1.0.0", "optionalDependencies": {"@acme/a": "workspace:^0"}}
-- apps/web/package.json --
{"name": "web", "private": true, "dependencies": {"@acme/a": "*"}}
`

func names(members []*Member) string {
	var all []string
	for _, m := range members {
		all = append(all, m.Manifest.Name)
	}
	return strings.Join(all, " ")
}

func TestSelect(t *testing.T) {
	w, root := openTree(t, monorepo)
	for _, c := range []struct{ include, exclude, want string }{
		{"", "", "@acme/a b @acme/c zz"},
		{"packages/*", "", "@acme/a b @acme/c zz"},
		{"./packages/*/", "b", "@acme/a @acme/c zz"},
		{"./packages/c ./packages/a", "", "@acme/a @acme/c"},
		{root + "/packages/a", "", "@acme/a"},
		{"@acme/*", "", "@acme/a @acme/c"},
		{"@acme/* !@acme/c", "", "@acme/a"},
		{"!@acme/c", "", "@acme/a b zz"},
		{"** !packages/*", "packages/tools", "error nothing is selected to publish: all packages in ROOT, 8 of them, are private or excluded"},
		{"b zz", "!zz", "b"},
		{"{a,b}", "", "b"},
		{"packages/{a,b}", "@acme/tools", "@acme/a b"},
		{"nope", "", `error no package of the workspace matches "nope"; the workspace has root, web, @acme/a, b, @acme/c, …`},
		{"@acme/tool", "", `error no package of the workspace matches "@acme/tool"; did you mean @acme/tools, @acme/a, @acme/c?`},
		{"./pakages/*", "", `error no package of the workspace matches "./pakages/*"; did you mean packages/a, packages/b, packages/c?`},
		{"", "packages/d", `error no package of the workspace matches "packages/d"; did you mean packages/a, packages/b, packages/c?`},
		{"./b", "", `error no package of the workspace matches "./b"; did you mean b, web, apps/web?`},
		{"web", "", `error "web" matches only packages that aren't published (web); their package.json says "private": true, or has no name and version`},
		{"apps/*", "", `error "apps/*" matches only packages that aren't published (web); their package.json says "private": true, or has no name and version`},
		{"packages/marker", "", `error packages/marker/package.json has no name; add one, or set "private": true if it isn't to be published`},
		{".", "", `error package.json: root has no version; add one, or set "private": true if it isn't to be published`},
		{"packages/[", "", `error "packages/[" is not a valid pattern`},
	} {
		selected, err := w.Select(strings.Fields(c.include), strings.Fields(c.exclude))
		got := names(selected.Members)
		if err != nil {
			got = "error " + strings.ReplaceAll(err.Error(), root, "ROOT")
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("Select(%q, %q): %v is not fault.Invalid", c.include, c.exclude, err)
			}
		}
		if got != c.want {
			t.Errorf("Select(%q, %q)\n got %s\nwant %s", c.include, c.exclude, got, c.want)
		}
	}
}

func TestSelectChecks(t *testing.T) {
	for text, want := range map[string]string{
		`{"name": "a"}`:                           `package.json: a has no version; add one, or set "private": true if it isn't to be published`,
		`{"version": "1.0.0"}`:                    `package.json has no name; add one, or set "private": true if it isn't to be published`,
		`{}`:                                      `package.json has no name; add one, or set "private": true if it isn't to be published`,
		`{"name": "a b", "version": "1.0.0"}`:     `package.json: package name "a b" is not valid: ' ' is not allowed; use letters, digits, "-", "_" and "."`,
		`{"name": "a", "version": "1.0"}`:         `package.json: the version of a is "1.0", which is not a semantic version like 1.2.3`,
		`{"name": "a", "version": "v1.0.0-rc.1"}`: "",
	} {
		w, _ := openTree(t, "-- package.json --\n"+text+"\n")
		got := ""
		if _, err := w.Select(nil, nil); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestOrder(t *testing.T) {
	w, _ := openTree(t, monorepo)
	all, err := w.Order(w.Members)
	// zz is first: tools needs it, b needs tools, a needs b. Its own
	// "workspace:^0" on a closes a cycle, which is cut where it is met again.
	if got := names(all); err != nil || got != "root zz @acme/tools b @acme/a web @acme/c " {
		t.Errorf("Order(all) = %q, %v", got, err)
	}
	some, err := w.Select([]string{"@acme/a", "zz"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ordered, err := w.Order(some.Members)
	if got := names(ordered); err != nil || got != "zz @acme/a" {
		t.Errorf("Order(a, zz) = %q, %v; zz is needed through b and tools", got, err)
	}
	if _, err := w.Order([]*Member{{Path: "elsewhere"}}); !errors.Is(err, fault.Invalid) {
		t.Errorf("Order(foreign) = %v", err)
	}
}

func TestSiblings(t *testing.T) {
	w, _ := openTree(t, `
-- pnpm-workspace.yaml --
packages: ["*"]
-- a/package.json --
{"name": "a", "version": "1.0.0", "publishConfig": {"name": "@pub/a"}}
-- fixture/package.json --
{"name": "a", "version": "9.0.0", "private": true}
-- 0/package.json --
{"name": "a", "version": "8.0.0", "private": true}
-- b/package.json --
{"name": "b"}
-- nameless/package.json --
{}
`)
	want := map[string]manifest.Sibling{
		"a": {Name: "a", Version: "1.0.0", Dir: "a", PublishName: "@pub/a"},
		"b": {Name: "b", Dir: "b"},
	}
	if d := gocmp.Diff(want, w.Siblings()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
