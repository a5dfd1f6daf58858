package zig

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/org/registry-action/internal/fault"
)

const wholeManifest = `// A library.
.{
    .name = .foo,
    .version = "1.2.3-rc.1+b",
    .fingerprint = 0x8c73_6521_0049_dc36,
    .minimum_zig_version = "0.14.0",
    .description = .{ .text = \\multi
        \\line
    , .n = -1.5 },
    .dependencies = .{
        .zlib = .{ .url = "https://example.com/z.tar.gz", .hash = "zlib-1.0.0-AAAAAGEAAAA2VyZN6eZgHw6aPD2Jik46ObpnGpDQnw3V", .lazy = true },
        .@"a-b" = .{ .path = "deps/a b", .since = 1 },
        .zlib = .{ .url = "https://example.com/z2.tar.gz" },
    },
    .paths = .{ "build.zig", "src" },
    .@"paths" = .{"\x62uild.zig.zon"},
}
`

func TestDependencyJSON(t *testing.T) {
	full := Dependency{Key: "a", URL: "https://example.com/a", Hash: "1220", Path: "deps/a", Lazy: true}
	tests := map[string]Dependency{
		`{"key":"a","url":"https://example.com/a","hash":"1220","path":"deps/a","lazy":true}`: full,
		`{"key":"b","path":"deps/b"}`: {Key: "b", Path: "deps/b"},
	}
	for want, d := range tests {
		if got, err := json.Marshal(d); err != nil || string(got) != want {
			t.Errorf("%+v = %s, %v, want %s", d, got, err, want)
		}
	}
	var old Dependency // rows that were stored before the names had tags
	err := json.Unmarshal([]byte(`{"Key":"a","URL":"https://example.com/a","Hash":"1220","Path":"deps/a","Lazy":true}`), &old)
	if err != nil || old != full {
		t.Errorf("an old row is %+v, %v, want %+v", old, err, full)
	}
}

func TestParseManifest(t *testing.T) {
	want := Manifest{
		Name: "foo", Version: "1.2.3-rc.1+b", Fingerprint: 0x8c7365210049dc36, MinimumZig: "0.14.0",
		Paths:        []string{"build.zig", "src", "build.zig.zon"},
		Dependencies: []Dependency{{Key: "a-b", Path: "deps/a b"}, {Key: "zlib", URL: "https://example.com/z2.tar.gz"}},
	}
	for _, text := range []string{wholeManifest, strings.ReplaceAll(wholeManifest, "\n", "\r\n"), "\xef\xbb\xbf" + wholeManifest} {
		got, err := ParseManifest([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Manifest{})); diff != "" {
			t.Error(diff)
		}
		if got.ID() != 0x49dc36 {
			t.Errorf("ID = %#x", got.ID())
		}
	}
}

// TestParseManifestNames checks both kinds of names and absent fields.
func TestParseManifestNames(t *testing.T) {
	got, err := ParseManifest([]byte(`.{ .name = "my.lib-2", .version = "0.0.0" }`))
	if err != nil || !got.NameText || got.Name != "my.lib-2" || got.Paths != nil || got.Dependencies != nil || got.Fingerprint != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = ParseManifest([]byte(`.{ .name = "old", .name = .new, .version = "0.0.0", .version = "0.0.1" }`))
	if err != nil || got.NameText || got.Name != "new" || got.Version != "0.0.1" {
		t.Errorf("of equal fields the last counts: %+v, %v", got, err)
	}
}

func TestParseManifestRefuses(t *testing.T) {
	const head = `.{ .name = .foo, .version = "1.0.0", `
	tests := []struct{ text, want string }{
		{`.{ "foo" }`, "1:1: expected a struct such as .{ .name = .foo, … }, found a list"},
		{`"foo"`, "found a string"},
		{`.{}`, "the manifest has no .name"},
		{`.{ .name = .foo }`, "the manifest has no .version"},
		{head + ".paths = .{} }", ":1:47: expected .paths to be a list with a string in it"},
		{head + `.paths = "src" }`, "found a string"},
		{head + `.paths = .{ .src } }`, "expected .paths to be a string in quotes, found an enum literal"},
		{head + `.dependencies = .{ "a" } }`, "expected .dependencies to be a struct, found a list"},
		{head + `.dependencies = .{ .a = .{} } }`, `expected the dependency "a" to be a struct with .url or .path`},
		{head + `.dependencies = .{ .a = .{ .hash = "x" } } }`, `the dependency "a" needs one .url or one .path, not 0`},
		{head + `.dependencies = .{ .a = .{ .url = "x", .path = "y" } } }`, "not 2"},
		{head + `.dependencies = .{ .a = .{ .url = "x", .lazy = "true" } } }`, "expected .lazy to be true or false"},
		{head + `.dependencies = .{ .a = .{ .url = "x", .lazy = .{} } } }`, "expected .lazy to be true or false"},
		{head + `.dependencies = .{ .a = .{ .url = "x", .hash = "` + strings.Repeat("a", 111) + `" } } }`, "a hash has at most 110 bytes"},
		{head + `.dependencies = .{ .@"\q" = .{ .url = "x" } } }`, `this escape is none of`},
		{head + `.minimum_zig_version = "0.14" }`, `"0.14" is no semantic version`},
		{head + ".fingerprint = 0 }", "expected .fingerprint to be a 64-bit number"},
		{head + ".fingerprint = -1 }", "expected .fingerprint"},
		{head + ".fingerprint = 0x10000000000000000 }", "expected .fingerprint"},
		{head + `.fingerprint = "0x1" }`, "expected .fingerprint"},
		{".{ .name = .foo, .version = \\\\1.0.0\n }", "expected .version to be a string in quotes, found a multiline string"},
		{`.{ .version = "1.0.0", .name = .@"foo" }`, "not a bare identifier"},
		{`.{ .version = "1.0.0", .name = .` + strings.Repeat("f", 33) + ` }`, "not a bare identifier of at most 32 bytes"},
		{`.{ .version = "1.0.0", .name = 1 }`, "expected .name to be a name such as .foo"},
		{`.{ .version = "1.0.0", .name = .{} }`, "expected .name to be a name such as .foo"},
		{`.{ .version = "1.0.0", .@"\xff" = 1, .name = .foo }`, "not UTF-8"},
	}
	for _, name := range []string{"", ".", "..", "a/b", `a\\b`, "../a", "-a", ".a", "a.", "a b", "a\\x00", "é", "a:b", "a%2fb", strings.Repeat("a", 65)} {
		tests = append(tests, struct{ text, want string }{`.{ .version = "1.0.0", .name = "` + name + `" }`, "doesn't fit a registry"})
	}
	for _, v := range []string{"", "1", "1.0", "v1.0.0", "1.0.0.0", "01.0.0", "1.0.0-01", "1.0.0-", "1.0.0+", "1_0.0.0", " 1.0.0", "1.0.0-18446744073709551616", "1.0.0-a..b", "+1.0.0", "1.0.0-é"} {
		tests = append(tests, struct{ text, want string }{`.{ .name = .foo, .version = "` + v + `" }`, "is no semantic version"})
	}
	for _, tt := range tests {
		m, err := ParseManifest([]byte(tt.text))
		e, public := fault.Public(err)
		if !errors.Is(err, fault.Invalid) || !public || !strings.Contains(e.Message, tt.want) || !strings.HasPrefix(e.Message, "build.zig.zon:") {
			t.Errorf("%s\n%v, want %s", tt.text, err, tt.want)
		}
		if !reflect.DeepEqual(m, Manifest{}) {
			t.Errorf("%s\nis refused with a manifest: %+v", tt.text, m)
		}
	}
}

// TestParseManifestLinear checks that texts of the greatest size that invite quadratic work take next to no time.
func TestParseManifestLinear(t *testing.T) {
	const head = `.{ .name = .foo, .version = "1.0.0", `
	fill := func(s string) string { return strings.Repeat(s, (maxManifest-200)/len(s)) }
	for _, text := range []string{
		head + `.paths = .{"` + fill(`\u{41}`) + `"} }`,
		head + `.paths = .{"` + fill(`\u{0`) + `"} }`,
		head + `.paths = .{"\u{` + fill(`0`) + `41}"} }`,
		head + `.x = "` + fill(`\\`) + `" }`,
		fill("\n") + "#",
		fill("//\n") + ".{",
		head + ".x =\n" + fill("\\\\a\n") + "}",
		head + ".fingerprint = 0x" + fill("1_") + "}",
		head + `.version = "1.0.0-` + fill("1.") + `" }`,
		head + `.@"` + fill("a") + `" = 1 }`,
		head + fill(".a=1,") + "}",
		fill(".{"), fill("- "), fill("."), fill("'"), fill("\\\\"), fill("@\""), fill("/"), fill("1."), fill("1e+"),
	} {
		start := time.Now()
		_, _ = ParseManifest([]byte(text))
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("%.60q… took %v", text, took)
		}
	}
}

// FuzzManifest checks what holds of every manifest that is read.
func FuzzManifest(f *testing.F) {
	for _, c := range judgedManifests(f) {
		f.Add([]byte(c.text))
	}
	f.Add([]byte(wholeManifest))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseManifest(text)
		if err != nil {
			if !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.TooLarge) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		if !validName(m.Name) || !validVersion(m.Version) || m.MinimumZig != "" && !validVersion(m.MinimumZig) {
			t.Fatalf("%+v", m)
		}
		if m.Paths != nil && len(m.Paths) == 0 {
			t.Fatal("an empty list of paths")
		}
		if !slices.IsSortedFunc(m.Dependencies, func(a, b Dependency) int { return strings.Compare(a.Key, b.Key) }) {
			t.Fatalf("unsorted: %+v", m.Dependencies)
		}
		if h := hashesOf(&m, [32]byte{1}, 1); h.Hash != "" && !ValidHash(h.Hash) {
			t.Fatalf("no hash: %q", h.Hash)
		}
	})
}
