package zig

import (
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// pasted is the dependency that a manifest has after a snippet was pasted into it.
func pasted(t *testing.T, snippet string) Dependency {
	t.Helper()
	m, err := ParseManifest([]byte(".{\n.name = .foo,\n.version = \"1.0.0\",\n.dependencies = .{\n" + snippet + "\n.next = .{ .path = \"n\" },\n},\n}"))
	if err != nil {
		t.Fatalf("%s\n%v", snippet, err)
	}
	for _, d := range m.Dependencies {
		if d.Key != "next" {
			return d
		}
	}
	t.Fatalf("%s\nis no dependency: %+v", snippet, m.Dependencies)
	return Dependency{}
}

// TestSnippet checks the text; Zig 0.12.1, 0.13.0, 0.14.1, 0.15.2, 0.16.0 and 0.17.1 fetched such dependencies.
func TestSnippet(t *testing.T) {
	const want = ".my_zig_lib = .{\n    .url = \"https://r.example/zig/p.tar.gz\",\n    .hash = \"1220ab\",\n},"
	if got := Snippet("my_zig_lib", "https://r.example/zig/p.tar.gz", "1220ab"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	keys := map[string]string{
		"u8": ".u8 = ", "_": "._ = ", "dash-name": `.@"dash-name" = `, "test": `.@"test" = `, "async": `.@"async" = `, "7z": `.@"7z" = `,
		"": `.@"" = `, `a"b\c`: `.@"a\"b\\c" = `, "é\n\t\x7f": `.@"é\x0a\x09\x7f" = `, "\xff": `.@"\xff" = `, "\u2028": `.@"\xe2\x80\xa8" = `,
	}
	for key, want := range keys {
		got := Snippet(key, "u", "h")
		if len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("%q: %s, want %s", key, got, want)
		}
	}
}

// TestSnippetCannotBreakOut checks that no argument becomes more than a value.
func TestSnippetCannotBreakOut(t *testing.T) {
	for _, s := range []string{`a", .hash = "evil`, "a\\", `"},.evil=.{.path="x`, "a\n// b", "a\r\nb", "\x00", "\u0085", "${HOME}"} {
		want := Dependency{Key: s, URL: s, Hash: s}
		if diff := cmp.Diff(want, pasted(t, Snippet(s, s, s))); diff != "" {
			t.Error(diff)
		}
	}
}

// FuzzSnippet checks that a snippet says what it was given.
func FuzzSnippet(f *testing.F) {
	f.Add("dash-name", "https://r.example/p.tar.gz", "1220")
	f.Add("\u2028", "\"", "\\")
	f.Fuzz(func(t *testing.T, key, url, hash string) {
		if !utf8.ValidString(key) || !utf8.ValidString(url) || !utf8.ValidString(hash) || len(hash) > maxHash || url == "" || key == "next" || len(key+url) > 1000 {
			return
		}
		if got, want := pasted(t, Snippet(key, url, hash)), (Dependency{Key: key, URL: url, Hash: hash}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}
