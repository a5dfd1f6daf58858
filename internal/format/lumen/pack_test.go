package lumen

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
)

// folder writes files and opens their folder.
func folder(t *testing.T, files map[string]string) *os.Root {
	t.Helper()
	dir := t.TempDir()
	for name, body := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

func pack(t *testing.T, root *os.Root) ([]byte, error) {
	t.Helper()
	var out bytes.Buffer
	_, err := Pack(t.Context(), root, &out, Limits{})
	return out.Bytes(), err
}

// packed lists the names in a tar and checks what every header says.
func packed(t *testing.T, b []byte) (names []string) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Mode != 0o644 || !h.ModTime.Equal(time.Unix(0, 0)) || h.Uid != 0 || h.Uname != "" || h.Typeflag != tar.TypeReg {
			t.Errorf("header of %s = %+v", h.Name, h)
		}
		names = append(names, h.Name)
	}
}

func TestPack(t *testing.T) {
	b, err := pack(t, folder(t, map[string]string{
		"lumen.toml": demoTOML, "lumen.lock": "", "README.md": "", "README": "", "LICENSE": "", "COPYING": "", ".env": "SECRET=1", "other.lm": "", "docs/a.md": "",
		"src/main.lm": "x", "src/a/b.lm.md": "", "src/.hidden": "", "src/.git/config": "", "src/target/x": "", "src/dist/x": "", "src/a/ü.txt": "", "tests/a.lm": "",
		"src/" + strings.Repeat("long/", 30) + "a.lm": "",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"lumen.toml", "LICENSE", "README.md", "src/a/b.lm.md", "src/a/ü.txt", "src/" + strings.Repeat("long/", 30) + "a.lm", "src/main.lm"}
	if diff := cmp.Diff(want, packed(t, b)); diff != "" {
		t.Error(diff)
	}
	a, plain, err := check(t, b)
	if err != nil || !bytes.Equal(plain, b) || a.Files != len(want) {
		t.Errorf("Check refuses what Pack wrote: %+v, %v", a, err)
	}
}

// TestPackIncludeExclude: patterns of the manifest add files and take them away.
func TestPackIncludeExclude(t *testing.T) {
	files := map[string]string{"src/a.lm": "", "src/a.tmp": "", "src/gen/b.lm": "", "assets/x.png": "", "assets/deep/y.png": "", "assets/x.txt": "",
		"docs/d/e.md": "", "a.tmp": "", "README.md": "", ".secret/x.png": "", "gen/z": ""}
	for _, test := range []struct{ rules, want string }{
		{"", "README.md src/a.lm src/a.tmp src/gen/b.lm"},
		{`include = ["assets/*.png"]`, "README.md assets/x.png src/a.lm src/a.tmp src/gen/b.lm"},
		{`include = ["*.png"]`, "README.md assets/deep/y.png assets/x.png src/a.lm src/a.tmp src/gen/b.lm"},
		{`include = ["docs", "/assets/**/*.txt"]`, "README.md assets/x.txt docs/d/e.md src/a.lm src/a.tmp src/gen/b.lm"},
		{`include = ["src/**", "docs/**/e.md"]`, "README.md docs/d/e.md src/a.lm src/a.tmp src/gen/b.lm"},
		{`exclude = ["*.tmp"]`, "README.md src/a.lm src/gen/b.lm"},
		{`exclude = ["gen/", "./README.md"]`, "src/a.lm src/a.tmp"},
		{`exclude = ["/gen"]`, "README.md src/a.lm src/a.tmp src/gen/b.lm"},
		{`exclude = ["**"]`, ""},
		{`include = ["lumen.toml", "assets"]` + "\n" + `exclude = ["lumen.toml", "assets/x.*", "src"]`, "README.md assets/deep/y.png"},
	} {
		files["lumen.toml"] = demoTOML + test.rules
		b, err := pack(t, folder(t, files))
		if err != nil {
			t.Errorf("%s: %v", test.rules, err)
			continue
		}
		want := append([]string{"lumen.toml"}, strings.Fields(test.want)...)
		if got := packed(t, b); !slices.Equal(got, want) {
			t.Errorf("%s: packed %q, want %q", test.rules, got, want)
		}
	}
}

func TestPackPatternsRefused(t *testing.T) {
	for _, pattern := range []string{"", "/", "../x", "a/../b", "a//b", "!a", "[a"} {
		_, err := pack(t, folder(t, map[string]string{"lumen.toml": demoTOML + `include = ["` + pattern + `"]`}))
		wantFault(t, err, fault.Invalid, "bad_manifest")
	}
}

// TestPackIsPinned: the same files give these bytes on every machine; digests of what users publish depend on it.
func TestPackIsPinned(t *testing.T) {
	b, err := pack(t, folder(t, map[string]string{"lumen.toml": demoTOML, "src/b.lm": "b", "src/a.lm": "a", "src/" + strings.Repeat("n", 120) + "/ü": ""}))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := digest.Of(b).Hex(), "19da9f8ba5a78a7f9904b7bf1a316753da2b100f5f1eb9622b43858d93704e8c"; got != want {
		t.Errorf("digest = %s, want %s", got, want)
	}
}

// TestPackLinks: what lies outside of the folder can't get into a package.
func TestPackLinks(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lumen.toml", "README.md", "LICENSE", "src", "src/a.lm", "assets/x"} {
		root := folder(t, map[string]string{"lumen.toml": demoTOML + `include = ["assets"]`, "src/main.lm": "", "assets/y": ""})
		if err := os.RemoveAll(filepath.Join(root.Name(), name)); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(secret, filepath.Join(root.Name(), name)); err != nil {
			t.Fatal(err)
		}
		b, err := pack(t, root)
		wantFault(t, err, fault.Invalid, "bad_package")
		if bytes.Contains(b, []byte("secret")) {
			t.Errorf("%s: the package has what a link leads to", name)
		}
	}
	root := folder(t, map[string]string{"lumen.toml": demoTOML + `exclude = ["a.lm"]`, "src/main.lm": ""})
	for _, name := range []string{"src/a.lm", "elsewhere"} {
		if err := os.Symlink(secret, filepath.Join(root.Name(), name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pack(t, root); err != nil {
		t.Errorf("links that are not packed: %v", err)
	}
}

func TestPackRefused(t *testing.T) {
	_, err := pack(t, folder(t, nil))
	wantFault(t, err, fault.Invalid, "bad_package")
	_, err = pack(t, folder(t, map[string]string{"lumen.toml": "name = 1"}))
	wantFault(t, err, fault.Invalid, "bad_manifest")
	_, err = pack(t, folder(t, map[string]string{"lumen.toml": demoTOML + strings.Repeat("#", maxManifest)}))
	wantFault(t, err, fault.TooLarge, "")
	_, err = pack(t, folder(t, map[string]string{"lumen.toml": demoTOML, `src/a\b`: ""}))
	wantFault(t, err, fault.Invalid, "bad_package")
	_, err = pack(t, folder(t, map[string]string{"lumen.toml": demoTOML + `include = ["*.toml"]`, "LUMEN.toml": ""}))
	wantFault(t, err, fault.Invalid, "bad_package")

	root := folder(t, map[string]string{"lumen.toml": demoTOML, "src/a": "12345", "src/b": "12345"})
	for _, lim := range []Limits{{Entries: 2}, {Unpacked: int64(len(demoTOML)) + 9}} {
		if _, err := Pack(t.Context(), root, io.Discard, lim); !errors.Is(err, fault.TooLarge) {
			t.Errorf("%+v: error = %v, want too large", lim, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Pack(ctx, root, io.Discard, Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: error = %v", err)
	}
	broken := errors.New("broken")
	if _, err := Pack(t.Context(), root, failingWriter{broken}, Limits{}); !errors.Is(err, broken) {
		t.Errorf("writing fails: error = %v", err)
	}
}

// Of a list of files, nothing else that lies there is packed, nor stands in the way.
func TestPackFiles(t *testing.T) {
	root := folder(t, map[string]string{
		"lumen.toml": "[package]\nname = \"@a/b\"\nversion = \"1.0.0\"\ninclude = [\"data/**\"]\n", "src/a.lm": "a", "src/secret.lm": "s",
		"README.md": "not listed", "README.txt": "listed", "data/x": "x", "data/y": "y", "docs/z": "z",
	})
	if err := root.Symlink("/etc/passwd", "src/link.lm"); err != nil {
		t.Fatal(err)
	}
	files := []string{"lumen.toml", "src/a.lm", "README.txt", "data/x", "docs/z", "src/gone.lm", "../x", "/etc/passwd"}
	var out bytes.Buffer
	m, err := PackFiles(t.Context(), root, files, &out, Limits{})
	if err != nil || m.Name != "@a/b" {
		t.Fatalf("PackFiles = %+v, %v", m, err)
	}
	want := []string{"lumen.toml", "README.txt", "data/x", "src/a.lm"}
	if diff := cmp.Diff(want, packed(t, out.Bytes())); diff != "" {
		t.Errorf("packed (-want +got):\n%s", diff)
	}
	for name, files := range map[string][]string{"a link": {"lumen.toml", "src/link.lm"}, "no manifest": {"src/a.lm"}, "nothing": {}} {
		if _, err := PackFiles(t.Context(), root, files, io.Discard, Limits{}); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want fault.Invalid", name, err)
		}
	}
}
