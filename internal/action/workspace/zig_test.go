package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/org/registry-action/internal/fault"
)

const zigTree = `
-- build.zig.zon --
.{ .name = .top, .version = "1.0.0", .paths = .{ "build.zig", "build.zig.zon", "src", "libs/vendored" },
   .dependencies = .{ .v = .{ .path = "libs/vendored" }, .u = .{ .url = "https://h.test/u.tar.gz" }, .a = .{ .path = "packages/a" } } }
-- libs/vendored/build.zig.zon --
.{ .name = .vendored, .version = "0.1.0", .paths = .{""}, .dependencies = .{ .self = .{ .path = "." } } }
-- packages/a/build.zig.zon --
.{ .name = .a, .version = "2.0.0", .paths = .{""} }
-- packages/b/build.zig.zon --
.{ .name = "b-old", .version = "2.0.0", .paths = .{""} }
-- packages/b/example/build.zig.zon --
.{ .name = .example, .version = "0.0.0", .paths = .{""}, .dependencies = .{ .b = .{ .path = "../" } } }
-- examples/one/build.zig.zon --
.{ .name = .one, .version = "0.0.0", .paths = .{""}, .dependencies = .{ .top = .{ .path = "../.." }, .h = .{ .path = "helper" } } }
-- examples/one/helper/build.zig.zon --
.{ .name = .helper, .version = "0.0.0", .paths = .{""} }
-- template/build.zig.zon --
.{ .name = $NAME, .version = "0.0.0" }
-- node_modules/x/build.zig.zon --
.{ .name = .no, .version = "0.0.0" }
-- .zig-cache/p/x/build.zig.zon --
.{ .name = .no, .version = "0.0.0" }
-- packages/a/zig-pkg/x/build.zig.zon --
.{ .name = .no, .version = "0.0.0" }
-- submodule/.git --
gitdir: ../.git/modules/submodule
-- submodule/build.zig.zon --
.{ .name = .no, .version = "0.0.0" }
`

func openZig(t *testing.T, text string) (*Workspace, string) {
	t.Helper()
	root := write(t, txtar.Parse([]byte(text)))
	w, err := OpenAlone(root)
	if err != nil {
		t.Fatal(err)
	}
	found, err := w.Find()
	if err == nil {
		err = w.Add(found)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w, root
}

func dirs(packages []*Package) string {
	var all []string
	for _, z := range packages {
		all = append(all, z.Dir)
	}
	return strings.Join(all, " ")
}

func TestFindZig(t *testing.T) {
	w, _ := openZig(t, zigTree)
	want := ". examples/one examples/one/helper libs/vendored packages/a packages/b packages/b/example template"
	if got := dirs(w.Packages); got != want {
		t.Errorf("found %s\n want %s", got, want)
	}
}

func TestSelectZig(t *testing.T) {
	w, root := openZig(t, zigTree)
	for _, c := range []struct{ include, exclude, want string }{
		{"", "", ". packages/a packages/b"},
		{"", "zig:a", ". packages/b"},
		{"", "packages/*", "."},
		{"zig:*", "zig:top", "examples/one/helper libs/vendored packages/a packages/b"},
		{"zig:vendored", "", "libs/vendored"},
		{"libs/*", "", "libs/vendored"},
		{".", "", "."},
		{root + "/packages/b", "", "packages/b"},
		{"vendored", "", `error no package of the workspace matches "vendored"; did you mean zig:vendored, libs/vendored?`},
		{"", "zig:*", `error nothing is selected to publish: all packages in ROOT, 8 of them, are private or excluded; ` +
			`zig:one is left out: it depends on ../.. by .path, which is outside of its folder, so nobody else could build it; ` +
			`zig:helper is left out: it is part of the package in examples/one, which depends on it by .path; ` +
			`zig:vendored is left out: it is part of the package in ., which depends on it by .path; ` +
			`zig:example is left out: it depends on ../ by .path, which is outside of its folder, so nobody else could build it; ` +
			`template is left out: template/build.zig.zon:1:12: `},
		{"examples/one", "", `error zig:one can't be published: it depends on ../.. by .path, which is outside of its folder, so nobody else could build it; make that a dependency with an .url`},
		{"examples/*", "", `error "examples/*" matches only packages that aren't published (zig:one); zig:one is left out: it depends on ../.. by .path`},
		{"template", "", "error template/build.zig.zon:1:12: "},
	} {
		selected, err := w.Select(strings.Fields(c.include), strings.Fields(c.exclude))
		got := dirs(selected.Packages)
		if err != nil {
			got = "error " + strings.ReplaceAll(err.Error(), root, "ROOT")
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("Select(%q, %q): %v is not fault.Invalid", c.include, c.exclude, err)
			}
		}
		if got != c.want && (err == nil || !strings.HasPrefix(got, c.want)) {
			t.Errorf("Select(%q, %q)\n got %s\nwant %s", c.include, c.exclude, got, c.want)
		}
	}
}

// npm's packages and Zig's stand beside each other.
func TestSelectBoth(t *testing.T) {
	w, _ := openTree(t, `
-- package.json --
{"name": "root", "version": "1.0.0", "workspaces": ["packages/*"]}
-- packages/a/package.json --
{"name": "a", "version": "1.0.0"}
-- packages/a/build.zig.zon --
.{ .name = .native, .version = "1.0.0", .paths = .{""} }
-- zig/build.zig.zon --
.{ .name = .lib, .version = "1.0.0", .paths = .{""} }
-- packages/tool/package.json --
{"name": "tool", "private": true}
-- packages/tool/build.zig.zon --
.{ .name = .tool, .version = "1.0.0", .paths = .{""} }
`)
	if err := w.Add([]string{"zig/build.zig.zon", "packages/a/build.zig.zon", "packages/tool/build.zig.zon", "gone/build.zig.zon", "../x/build.zig.zon"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ include, want string }{
		{"", "root a | packages/a packages/tool zig"},
		{"packages/a", "a | packages/a"},
		{"zig", "| zig"},
		{"packages/tool", "| packages/tool"},
		{"a", "a |"},
		{"!zig:*", "root a |"},
	} {
		s, err := w.Select(strings.Fields(c.include), nil)
		got := strings.TrimSpace(names(s.Members) + " | " + dirs(s.Packages))
		if err != nil || got != c.want {
			t.Errorf("Select(%q) = %q, %v; want %q", c.include, got, err, c.want)
		}
	}
}

// Who excludes a package need not be told that it is left out.
func TestLeftOut(t *testing.T) {
	w, _ := openZig(t, zigTree)
	for _, c := range []struct{ include, exclude, want string }{
		{"", "", "examples/one examples/one/helper libs/vendored packages/b/example template"},
		{"", "template examples/**", "libs/vendored packages/b/example"},
		{"!template", "", "examples/one examples/one/helper libs/vendored packages/b/example"},
		{"packages/a", "", ""},
	} {
		s, err := w.Select(strings.Fields(c.include), strings.Fields(c.exclude))
		if got := dirs(s.LeftOut); err != nil || got != c.want {
			t.Errorf("Select(%q, %q) leaves out %q, %v; want %q", c.include, c.exclude, got, err, c.want)
		}
	}
}

func TestSameZigName(t *testing.T) {
	const manifest = ".{ .name = .twin, .version = \"1.0.0\", .paths = .{\"\"} }\n"
	w, _ := openZig(t, "-- a/build.zig.zon --\n"+manifest+"-- b/build.zig.zon --\n"+manifest)
	_, err := w.Select(nil, nil)
	if err == nil || !strings.Contains(err.Error(), "two packages are called zig:twin: a and b") {
		t.Errorf("Select = %v, want the twins named", err)
	}
	if s, err := w.Select(nil, []string{"a"}); err != nil || dirs(s.Packages) != "b" {
		t.Errorf("without one of the twins: %s, %v", dirs(s.Packages), err)
	}
}

// A repository of nothing but a manifest that can't be read is told what is wrong with it.
func TestBrokenZigRoot(t *testing.T) {
	w, _ := openZig(t, "-- build.zig.zon --\n.{ .name = $NAME }\n")
	if _, err := w.Select(nil, nil); err == nil || !strings.Contains(err.Error(), "build.zig.zon:1:12: ") {
		t.Errorf("Select = %v, want what is wrong with build.zig.zon", err)
	}
}

// What lies outside of the workspace is no package of it, not even through a link.
func TestZigLinks(t *testing.T) {
	w, root := openZig(t, "-- a/build.zig.zon --\n.{ .name = .a, .version = \"1.0.0\" }\n")
	elsewhere := t.TempDir()
	if err := os.WriteFile(filepath.Join(elsewhere, Zig.Manifest()), []byte(".{ .name = .out, .version = \"1.0.0\" }"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	found, err := w.Find()
	if d := gocmp.Diff([]string{"a/build.zig.zon"}, found); err != nil || d != "" {
		t.Errorf("found %v (-want +got)\n%s", err, d)
	}
	w.Packages = nil
	if err := w.Add([]string{"link/build.zig.zon"}); err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(w.Packages, func(z *Package) bool { return z.Name == "zig:out" }) {
		t.Error("a manifest behind a link out of the workspace was read")
	}
}

func TestOpenZigRoot(t *testing.T) {
	root := write(t, txtar.Parse([]byte("-- lib/build.zig.zon --\n.{}\n-- lib/src/x.zig --\n\n-- other/x --\n\n")))
	for dir, want := range map[string]string{"": "", "lib": "lib", "lib/src": "lib", "other": "other"} {
		w, err := OpenAlone(filepath.Join(root, dir))
		if err != nil || w.Root != filepath.Join(root, want) {
			t.Errorf("OpenAlone(%q) = %+v, %v; want the root %q", dir, w, err, want)
		}
	}
}
