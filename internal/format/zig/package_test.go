package zig

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

// zon is a manifest that every compiler from 0.14 on reads, with more fields.
func zon(more string) string {
	return fmt.Sprintf(".{ .name = .demo, .version = \"0.1.0\", .fingerprint = 0x%x, %s }", SuggestFingerprint("demo", 5), more)
}

// text is a manifest that compilers before 0.16 read.
func text(more string) string {
	return `.{ .name = "demo", .version = "0.1.0", ` + more + " }"
}

const all = `.paths = .{""},`

// of is a package with a manifest, a build.zig and more.
func of(manifest string, more ...item) []item {
	return append([]item{{name: "top/build.zig.zon", body: manifest}, {name: "top/build.zig"}}, more...)
}

// TestRefusals: what no compiler can use, and what is an attack on who unpacks it.
func TestRefusals(t *testing.T) {
	link := func(name, target string) item { return item{name: "top/" + name, link: target, kind: '2'} }
	tests := map[string][]item{
		"nothing included":       of(zon(`.paths = .{"other"},`)),
		"hard link":              of(zon(all), item{name: "top/h", link: "top/build.zig", kind: '1'}),
		"device":                 of(zon(all), item{name: "top/d", kind: '3'}),
		"twice":                  of(zon(all), item{name: "top/a"}, item{name: "top/a"}),
		"below a file":           of(zon(all), item{name: "top/a"}, item{name: "top/a/b"}),
		"below a link":           of(zon(all), link("a", "."), item{name: "top/a/b"}),
		"below a link, left out": of(zon(`.paths = .{"build.zig.zon"},`), link("a", "/tmp"), item{name: "top/a/b"}),
		"below a link, first":    of(zon(all), item{name: "top/a/b"}, link("a", "/tmp")),
		"absolute link":          of(zon(all), link("a", "/etc/passwd")),
		"link out":               of(zon(all), link("a", "../b")),
		"link out, deep":         of(zon(all), link("d/a", "../../b")),
		"link out and in":        of(zon(all), link("a", "../top/b")),
		"link by a drive":        of(zon(all), link("a", `C:\b`)),
		"link by backslashes":    of(zon(all), link("a", `..\b`)),
		"link through a link":    of(zon(all), link("s/t/u", "../.."), link("k", "s/t/u/../x")),
		"link without target":    of(zon(all), link("a", "")),
		"control in a link":      of(zon(all), link("a", "b\x1bc")),
		"control in a name":      of(zon(all), item{name: "top/a\x1bb"}),
		"newline in a name":      of(zon(all), item{name: "top/a\nb"}),
		"no UTF-8":               of(zon(all), item{name: "top/a\xff"}),
		"fingerprint of another": of(strings.Replace(zon(all), ".demo", ".demi", 1)),
		"fingerprint without id": of(`.{ .name = .demo, .version = "1.0.0", .fingerprint = 0xfa8cbba500000000, .paths = .{""} }`),
		"manifest is a link":     {{name: "top/build.zig.zon", link: "other", kind: '2'}, {name: "top/other", body: zon(all)}},
		"nobody reads it":        of(`.{ .name = .demo, .version = "1.0.0-` + strings.Repeat("a", 40) + `", ` + all + `}`),
		"only folders":           {{name: "top/", kind: '5'}},
	}
	for name, items := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := inspect(t, tarOf(t, items...))
			if err == nil {
				t.Fatalf("accepted with %v, want a refusal", p.Files)
			}
			wantFault(t, err, fault.Invalid, "bad_package")
		})
	}
}

func TestManifestRefused(t *testing.T) {
	for _, manifest := range []string{"", ".{", ".{}", `.{ .name = .demo }`, zon(`.paths = .{},`)} {
		if p, err := inspect(t, tarOf(t, of(manifest)...)); err == nil {
			t.Errorf("%s: accepted with %v, want a refusal", manifest, p.Files)
		} else if _, public := fault.Public(err); !public {
			t.Errorf("%s: error = %v, want one for the publisher", manifest, err)
		}
	}
}

// TestExcused: what is outside .paths may be anything, as long as it can't reach beyond the package.
func TestExcused(t *testing.T) {
	paths := `.paths = .{"build.zig.zon", "build.zig"},`
	want := mustInspect(t, tarOf(t, of(zon(paths))...)).Hashes
	for name, it := range map[string][]item{
		"hard link":     {{name: "top/h", link: "x", kind: '1'}},
		"fifo":          {{name: "top/h", kind: '6'}},
		"twice":         {{name: "top/h"}, {name: "top/h", body: "x"}},
		"below a file":  {{name: "top/h"}, {name: "top/h/i"}},
		"link out":      {{name: "top/h", link: "../../etc", kind: '2'}},
		"strange names": {{name: "top/a\x01\xff"}},
	} {
		if got := mustInspect(t, tarOf(t, of(zon(paths), it...)...)).Hashes; got != want {
			t.Errorf("%s: hashes = %+v, want those without it: %+v", name, got, want)
		}
	}
}

// TestLinksInside: links that stay in the package are hashed by their target, there or not.
func TestLinksInside(t *testing.T) {
	for _, target := range []string{"src/a.zig", "./src/../build.zig", "nowhere", "src"} {
		p := mustInspect(t, tarOf(t, of(zon(all), item{name: "top/src/a.zig"}, item{name: "top/l", link: target, kind: '2'})...))
		if p.Unpacked != int64(len(p.Text)) {
			t.Errorf("%s: Unpacked = %d, want the manifest's %d: links have no size", target, p.Unpacked, len(p.Text))
		}
		if again := mustInspect(t, canonical(t, p)); again.Hashes != p.Hashes {
			t.Errorf("%s: the canonical archive has the hashes %+v, want %+v", target, again.Hashes, p.Hashes)
		}
	}
}

func TestInclude(t *testing.T) {
	names := []string{"build.zig", "src/a", "src/b/c", "srcfoo", "lib/x"}
	for paths, want := range map[string]string{
		`"src"`: "src/a src/b/c", `"./src/"`: "src/a src/b/c", `"src/b"`: "src/b/c", `"src/../lib"`: "lib/x", `"src/a", "build.zig"`: "build.zig src/a",
		`"."`: strings.Join(names, " "), `""`: strings.Join(names, " "), `"src/..", "x"`: strings.Join(names, " "), `"*.zig"`: "", `"../src"`: "", `"/src"`: "", `"sr"`: "",
	} {
		m, err := ParseManifest([]byte(zon(".paths = .{" + paths + "}")))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, name := range names {
			if newFilter(&m).includes(name) {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s includes %v, want %s", paths, got, want)
		}
	}
}

// TestLongPaths: a manifest with one endless path costs no more than others.
func TestLongPaths(t *testing.T) {
	m := zon(`.paths = .{"build.zig.zon", "` + strings.Repeat("a/", 500_000) + `"},`)
	if p := mustInspect(t, tarOf(t, of(m)...)); len(p.Files) != 1 {
		t.Errorf("files = %v, want the manifest", p.Files)
	}
}

// TestZig: the compilers that can fetch a package, as the real ones did with such packages, and the warnings.
func TestZig(t *testing.T) {
	const sub = `.paths = .{"build.zig"},`
	dep := func(d string) string { return ".dependencies = .{ .x = .{ " + d + " } }, " }
	const legacy = "1220218ffe097df5b383294f48a19ee11e854f3a3d95ab1e0c2afb4f4e01d3b9b7d7"
	const hash = "N-V-__8AAAwAAAAhj_4JffWzgylPSKGe4R6FTzo9laseDCr7"
	long := strings.Repeat("x", 90) + "/" + strings.Repeat("y", 90)
	tests := map[string]struct {
		items []item
		zig   string
		codes string
	}{
		"new":             {of(zon(all)), "14-17", "enum_name"},
		"old":             {of(text(all)), "11-15", "no_fingerprint string_name"},
		"no fingerprint":  {of(`.{ .name = .demo, .version = "0.1.0", ` + all + "}"), "14-15", "enum_name no_fingerprint"},
		"naked":           {[]item{{name: "top/build.zig"}}, "11-17", "no_manifest"},
		"no build file":   {[]item{{name: "top/build.zig.zon", body: text(all)}}, "12-15", "no_build_file no_fingerprint string_name"},
		"no paths":        {of(zon("")), "14-17", "enum_name no_paths"},
		"manifest out":    {of(zon(sub)), "14-15", "enum_name manifest_not_in_paths"},
		"manifest out, 2": {of(text(sub)), "12-15", "manifest_not_in_paths no_fingerprint string_name"},
		"dash":            {of(strings.Replace(text(all), "demo", "my-lib", 1)), "11-13", "name_not_bare no_fingerprint string_name"},
		"long name":       {of(strings.Replace(text(all), "demo", strings.Repeat("n", 33), 1)), "11-13", "name_not_bare no_fingerprint string_name"},
		"long version":    {of(strings.Replace(text(all), "0.1.0", "0.1.0-"+strings.Repeat("n", 33), 1)), "11-13", "long_version no_fingerprint string_name"},
		"links":           {of(text(all), item{name: "top/l", link: "x", kind: '2'}), "12-15", "links no_fingerprint string_name"},
		"names":           {of(text(all), item{name: "top/" + long + "/a"}), "11-15", "no_fingerprint string_name"},
		"long names":      {of(text(all), item{name: "top/" + long + "/" + strings.Repeat("z", 120)}), "12-15", "long_names no_fingerprint string_name"},
		"UTF-8":           {of(text(all), item{name: "top/ü/日本"}), "11-15", "no_fingerprint string_name"},
		"path":            {of(text(all + dep(`.path = "sub"`))), "12-15", "no_fingerprint path_dependency string_name"},
		"outside":         {of(text(all + dep(`.path = "../sub"`))), "12-15", "no_fingerprint outside_dependency path_dependency string_name"},
		"legacy hash":     {of(zon(all + dep(`.url = "https://e.org/a", .hash = "`+legacy+`"`))), "14-15", "enum_name legacy_dependency_hash"},
		"new hash":        {of(text(all + dep(`.url = "https://e.org/a", .hash = "`+hash+`"`))), "14-15", "new_dependency_hash no_fingerprint string_name"},
		"no hash":         {of(zon(all + dep(`.url = "https://e.org/a"`))), "14-17", "dependency_without_hash enum_name"},
		"branch":          {of(zon(all + dep(`.url = "https://e.org/a/b/archive/refs/heads/x.tar.gz", .hash = "`+hash+`"`))), "14-17", "enum_name moving_dependency"},
		"main":            {of(zon(all + dep(`.url = "https://e.org/a/b/archive/main.tar.gz", .hash = "`+hash+`"`))), "14-17", "enum_name moving_dependency"},
		"git":             {of(zon(all + dep(`.url = "git+https://e.org/a", .hash = "`+hash+`"`))), "14-17", "enum_name moving_dependency"},
		"git commit":      {of(zon(all + dep(`.url = "git+https://e.org/a#0123456", .hash = "`+hash+`"`))), "14-17", "enum_name"},
		"minimum":         {of(zon(all + `.minimum_zig_version = "0.16.0",`)), "14-17", "enum_name minimum_zig_version"},
		"minimum met":     {of(zon(all + `.minimum_zig_version = "0.14.0",`)), "14-17", "enum_name"},
		"case":            {of(zon(all), item{name: "top/Readme"}, item{name: "top/README"}), "14-17", "case_clash enum_name"},
		"case of folders": {of(zon(all), item{name: "top/src/a"}, item{name: "top/SRC/b"}), "14-17", "case_clash enum_name"},
		"composition":     {of(zon(all), item{name: "top/\u00e9"}, item{name: "top/e\u0301"}), "14-17", "case_clash enum_name"},
		"windows":         {of(zon(all), item{name: "top/aux.c"}), "14-17", "enum_name windows_names"},
		"windows, 2":      {of(zon(all), item{name: "top/what?"}), "14-17", "enum_name windows_names"},
		"backslash":       {of(zon(all), item{name: `top/a\b`}), "14-17", "enum_name windows_names"},
		"manifest's case": {[]item{{name: "top/build.zig"}, {name: "top/Build.zig.zon"}}, "11-17", "manifest_case no_manifest"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := mustInspect(t, tarOf(t, test.items...))
			if got := p.Zig[0][2:] + "-" + p.Zig[len(p.Zig)-1][2:]; got != test.zig {
				t.Errorf("Zig = %v, want %s", p.Zig, test.zig)
			}
			if got := strings.Join(codes(p), " "); got != test.codes {
				t.Errorf("warnings = %s, want %s", got, test.codes)
			}
			again := mustInspect(t, canonical(t, p))
			if again.Hashes != p.Hashes || !slices.Equal(again.Zig, p.Zig) {
				t.Errorf("the canonical archive has %+v for %v, want %+v for %v", again.Hashes, again.Zig, p.Hashes, p.Zig)
			}
		})
	}
}

// TestSomeNames: a warning about thousands of files names a few.
func TestSomeNames(t *testing.T) {
	if got, want := some([]string{"a", "b"}), `"a", "b"`; got != want {
		t.Errorf("some(2 names) = %s, want %s", got, want)
	}
	if got, want := some([]string{"a", "b", "c", "d", "e"}), `"a", "b", "c" and 2 more`; got != want {
		t.Errorf("some(5 names) = %s, want %s", got, want)
	}
}

// TestMessages: the messages name what is wrong and the way out.
func TestMessages(t *testing.T) {
	_, err := inspect(t, tarOf(t, of(strings.Replace(zon(all), ".demo", ".demi", 1))...))
	if want := fmt.Sprintf("0x%x", SuggestFingerprint("demi", 5)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error = %v, want it to suggest %s", err, want)
	}
	_, err = inspect(t, tarOf(t, of(`.{ .name = .demo, .version = "1.0.0-`+strings.Repeat("a", 40)+`", `+all+`}`)...))
	for _, want := range []string{"no version of Zig", "0.13 and before", "32 bytes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %q in it", err, want)
		}
	}
}
