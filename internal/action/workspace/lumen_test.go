package workspace

import (
	"errors"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

const lumenTree = `
-- lumen.toml --
[workspace]
members = ["packages/*"]
-- packages/utils/lumen.toml --
[package]
name = "@acme/utils"
version = "1.0.0"
-- packages/http/lumen.toml --
[package]
name = "@acme/http"
version = "2.0.0"
[dependencies]
"@acme/utils" = "^1.0.0"
-- packages/old/lumen.toml --
[package]
name = "old"
version = "0.1.0"
-- packages/internal/lumen.toml --
[package]
name = "@acme/internal"
version = "0.0.0"
publish = false
-- examples/one/lumen.toml --
[package]
name = "@acme/one"
version = "0.0.0"
[dependencies]
"@acme/utils" = { path = "../../packages/utils" }
-- examples/two/lumen.toml --
[package]
name = "@acme/two"
version = "0.0.0"
publish = false
[dependencies]
"@acme/two-inside" = { path = "inside" }
-- examples/three/lumen.toml --
[package]
name = "@acme/three"
version = "0.0.0"
[dependencies]
"@acme/far" = { git = "https://h.test/far" }
-- template/lumen.toml --
[package]
name = $NAME
-- packages/http/vendor/lib/lumen.toml --
[package]
name = "@other/vendored"
version = "1.0.0"
-- packages/http/target/lumen.toml --
[package]
name = "@acme/built"
version = "1.0.0"
-- .lumen/registry/lumen.toml --
[package]
name = "@acme/cached"
version = "1.0.0"
-- submodule/.git --
gitdir: ../.git/modules/submodule
-- submodule/lumen.toml --
[package]
name = "@acme/submodule"
version = "1.0.0"
`

func TestFindLumen(t *testing.T) {
	w, _ := openZig(t, lumenTree)
	want := ". examples/one examples/three examples/two packages/http packages/internal packages/old packages/utils template"
	if got := dirs(w.Packages); got != want {
		t.Errorf("found %s\n want %s", got, want)
	}
}

func TestSelectLumen(t *testing.T) {
	w, root := openZig(t, lumenTree)
	for _, c := range []struct{ include, exclude, want string }{
		{"", "", "packages/http packages/old packages/utils"},
		{"", "lumen:@acme/http", "packages/old packages/utils"},
		{"lumen:@acme/utils", "", "packages/utils"},
		{"lumen:@acme/*", "", "packages/http packages/utils"},
		{"lumen:*", "", "packages/http packages/old packages/utils"},
		{"lumen:o*", "", "packages/old"},
		{"", "lumen:*", "error nothing is selected to publish"},
		{"zig:*", "", `error no package of the workspace matches "zig:*"`},
		{"packages/*", "packages/h*", "packages/old packages/utils"},
		{root + "/packages/old", "", "packages/old"},
		{"@acme/utils", "", `error no package of the workspace matches "@acme/utils"; did you mean lumen:@acme/utils`},
		{"lumen:@acme/internal", "", `error lumen:@acme/internal can't be published: it says publish = false; `},
		{"examples/one", "", `error lumen:@acme/one can't be published: it depends on @acme/utils by path, git or workspace`},
		{"lumen:@acme/three", "", `error lumen:@acme/three can't be published: it depends on @acme/far by path, git or workspace`},
		{"lumen:@acme/two", "", `error lumen:@acme/two can't be published: it says publish = false`},
		{"examples/*", "", `error "examples/*" matches only packages that aren't published (lumen:@acme/one, `},
		{".", "", `error . can't be published: it has no [package], only a [workspace]`},
		{"template", "", "error template/lumen.toml, line 2, column 8: it is not valid TOML"},
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

// Only what can't be read is worth a warning.
func TestLumenLeftOut(t *testing.T) {
	w, _ := openZig(t, lumenTree)
	s, err := w.Select(nil, nil)
	if want := ". examples/one examples/three examples/two packages/internal template"; err != nil || dirs(s.LeftOut) != want {
		t.Errorf("left out are %s, %v; want %s", dirs(s.LeftOut), err, want)
	}
	for _, p := range s.LeftOut {
		if why, broken := p.LeftOut(); why == "" || broken != (p.Dir == "template") {
			t.Errorf("%s is left out: %q, broken %v", p.Dir, why, broken)
		}
	}
}

// A manifest that can't be read ends the publish if it says which package it is of, wherever it lies, unless that is excluded or
// others are named. One that does not say so is left out.
func TestBrokenManifests(t *testing.T) {
	const good = "\n-- good/lumen.toml --\n[package]\nname = \"@acme/good\"\nversion = \"1.0.0\"\n" +
		"-- zig/build.zig.zon --\n.{ .name = .good, .version = \"1.0.0\", .paths = .{\"\"} }\n"
	for what, tt := range map[string]struct{ file, text, name string }{
		"a constraint":             {"lumen.toml", "[package]\nname = \"@acme/x\"\nversion = \"1.0.0\"\n[dependencies]\n\"@a/b\" = \">=1.0.0, <2.0.0\"\n", "lumen:@acme/x"},
		"a version, below":         {"packages/x/lumen.toml", "[package]\nname = \"@acme/x\"\nversion = \"1.0\"\n", "lumen:@acme/x"},
		"no TOML":                  {"lumen.toml", "[package]\nversion = 1.0.0\nname = '@acme/x'\n[dependencies]\n", "lumen:@acme/x"},
		"no TOML, the last table":  {"lumen.toml", "[package]\nname = \"@acme/x\"\nversion =\n", "lumen:@acme/x"},
		"a field of Zig":           {"build.zig.zon", ".{ .name = .x, .version = 1 }\n", "zig:x"},
		"no ZON":                   {"sub/build.zig.zon", ".{\n    .name = \"x-y\",\n    .version = \"1.0.0\"\n    .paths = .{},\n}\n", "zig:x-y"},
		"a template":               {"lumen.toml", "[package]\nname = \"{{name}}\"\nversion = \"1.0.0\"\n", ""},
		"a template that is none":  {"lumen.toml", "[package]\nname = $NAME\n", ""},
		"another program's":        {"lumen.toml", "name = \"x\"\n[package]\n[x]\nname = \"y\"\nz = \n", ""},
		"another program's, valid": {"lumen.toml", "[light]\nname = \"@acme/x\"\n", ""},
		"a template of Zig":        {"build.zig.zon", ".{ .name = $NAME }\n", ""},
		"a comment":                {"build.zig.zon", "// .name = .x\n.{}\n", ""},
	} {
		t.Run(what, func(t *testing.T) {
			w, _ := openZig(t, "-- "+tt.file+" --\n"+tt.text+good)
			s, err := w.Select(nil, nil)
			if tt.name == "" {
				if err != nil || dirs(s.Packages) != "good zig" || len(s.LeftOut) != 1 {
					t.Fatalf("Select = %s, %v; want the others", dirs(s.Packages), err)
				}
				if why, broken := s.LeftOut[0].LeftOut(); why == "" || !broken {
					t.Errorf("it is left out: %q, broken %v; want a warning", why, broken)
				}
				return
			}
			if !errors.Is(err, fault.Invalid) || !strings.HasPrefix(err.Error(), tt.file) || !strings.Contains(err.Error(), "; correct it, or leave the package out with --exclude "+tt.name) {
				t.Fatalf("Select = %v, want what is wrong with %s and the way out", err, tt.file)
			}
			for _, how := range [][2][]string{{nil, {tt.name}}, {{"good", "zig"}, nil}, {{"lumen:@acme/good", "zig:good"}, nil}, {{"!" + tt.name}, nil}} {
				if s, err := w.Select(how[0], how[1]); err != nil || dirs(s.Packages) != "good zig" {
					t.Errorf("Select(%q) = %s, %v; want the others", how, dirs(s.Packages), err)
				}
			}
			if _, err := w.Select([]string{tt.name}, nil); err == nil || !strings.HasPrefix(err.Error(), tt.file) {
				t.Errorf("Select(%q) = %v, want what is wrong with it", tt.name, err)
			}
		})
	}
}

// What another package contains is not asked for by itself, broken or not.
func TestBrokenPart(t *testing.T) {
	w, _ := openZig(t, "-- build.zig.zon --\n.{ .name = .top, .version = \"1.0.0\", .paths = .{\"\"}, .dependencies = .{ .v = .{ .path = \"libs/v\" } } }\n"+
		"-- libs/v/build.zig.zon --\n.{ .name = .v, .version = 1 }\n")
	s, err := w.Select(nil, nil)
	if err != nil || dirs(s.Packages) != "." || dirs(s.LeftOut) != "libs/v" {
		t.Errorf("Select = %s, left out %s, %v", dirs(s.Packages), dirs(s.LeftOut), err)
	}
}

// One folder can hold a package of each kind, and two kinds may share a name.
func TestKindsTogether(t *testing.T) {
	w, _ := openTree(t, `
-- package.json --
{"name": "utils", "version": "1.0.0"}
-- build.zig.zon --
.{ .name = .utils, .version = "1.0.0", .paths = .{""} }
-- lumen.toml --
[package]
name = "utils"
version = "1.0.0"
-- twin/lumen.toml --
[package]
name = "utils"
version = "2.0.0"
`)
	if err := w.Add([]string{"lumen.toml", "build.zig.zon", "vendor/x/lumen.toml", "../lumen.toml", "gone/lumen.toml"}); err != nil {
		t.Fatal(err)
	}
	for include, want := range map[string]string{
		"": "utils zig:utils lumen:utils", "lumen:utils": "lumen:utils", "lumen:*": "lumen:utils", "!lumen:*": "utils zig:utils", ".": "utils zig:utils lumen:utils",
	} {
		s, err := w.Select(strings.Fields(include), nil)
		got := names(s.Members)
		for _, p := range s.Packages {
			got = strings.TrimSpace(got + " " + p.Name)
		}
		if err != nil || got != want {
			t.Errorf("Select(%q) = %q, %v; want %q", include, got, err, want)
		}
	}
	if err := w.Add([]string{"twin/lumen.toml"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Select(nil, nil); err == nil || !strings.Contains(err.Error(), "two packages are called lumen:utils: . and twin") {
		t.Errorf("Select = %v, want the twins named", err)
	}
}

// Whatever a manifest says, reading it ends, with a package that can be told of.
func FuzzReadLumen(f *testing.F) {
	f.Add("[package]\nname = \"@a/b\"\nversion = \"1.0.0\"\npublish = [false]\n[dependencies]\n\"a\" = { path = \"x\" }\n")
	f.Add("package = 1\n[workspace]\n")
	f.Fuzz(func(t *testing.T, text string) {
		p := &Package{Kind: Lumen, Dir: "a"}
		p.readLumen("a/lumen.toml", []byte(text))
		why, broken := p.LeftOut()
		if (p.refusal == nil) != (why == "" && !broken) || broken && (why == "") != (p.Name != "") || p.refusal == nil && p.Name == "" {
			t.Errorf("%q: %+v", text, p)
		}
	})
}
