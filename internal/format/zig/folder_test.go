package zig

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

// folderOf writes a tree: a name that ends in '/' is a folder, content "-> x" a link.
func folderOf(t testing.TB, files map[string]string) *os.Root {
	t.Helper()
	dir := t.TempDir()
	for name, body := range files {
		full := filepath.Join(dir, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(full), 0o755)
		if target, ok := strings.CutPrefix(body, "-> "); ok {
			err = errors.Join(err, os.Symlink(target, full))
		} else {
			err = errors.Join(err, os.WriteFile(full, []byte(body), 0o644))
		}
		if err != nil {
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

func names(entries []Entry) string {
	var list []string
	for _, e := range entries {
		list = append(list, e.Name)
	}
	return strings.Join(list, " ")
}

func TestFolder(t *testing.T) {
	manifest := zon(`.paths = .{"build.zig.zon", "build.zig", "src"},`)
	root := folderOf(t, map[string]string{
		"build.zig.zon": manifest, "build.zig": "", "src/a.zig": "x", "src/l": "-> a.zig", "README": "left out",
		"node_modules/x/index.js": "", ".git/config": "", "zig-out/bin/x": "",
	})
	tree, err := OpenFolder(t.Context(), root, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(tree.Entries), "build.zig build.zig.zon src src/a.zig src/l"; got != want || tree.Format != "folder" {
		t.Errorf("entries = %s of a %s, want %s", got, tree.Format, want)
	}
	p, err := tree.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := mustInspect(t, tarOf(t, item{name: "top/build.zig.zon", body: manifest}, item{name: "top/build.zig"}, item{name: "top/src/a.zig", body: "x"},
		item{name: "top/src/l", link: "a.zig", kind: '2'}))
	if p.Hashes != want.Hashes || !bytes.Equal(canonical(t, p), canonical(t, want)) {
		t.Errorf("hashes = %+v, want those of the archive: %+v", p.Hashes, want.Hashes)
	}
}

// TestFolderWithoutPaths takes everything but what builds leave behind, and strips no root.
func TestFolderWithoutPaths(t *testing.T) {
	root := folderOf(t, map[string]string{"only/a": "x", ".git/config": "", ".zig-cache/x": "", "zig-cache/x": "", "zig-out/x": "", "zig-pkg/x": ""})
	tree, err := OpenFolder(t.Context(), root, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := tree.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(p.Files), "only/a"; got != want {
		t.Errorf("files = %s, want %s", got, want)
	}
}

// TestFolderOutside: nothing outside the folder is read, whatever links and paths say.
func TestFolderOutside(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"link":          {"build.zig.zon": zon(all), "l": "-> ../secret"},
		"link absolute": {"build.zig.zon": zon(all), "l": "-> /etc/passwd"},
		"manifest":      {"build.zig.zon": "-> /etc/passwd"},
		"paths":         {"build.zig.zon": zon(`.paths = .{"../secret", "/etc"},`)},
	} {
		tree, err := OpenFolder(t.Context(), folderOf(t, files), Limits{})
		if err == nil {
			_, err = tree.Inspect(t.Context())
		}
		if err == nil {
			t.Errorf("%s: accepted, want a refusal", name)
			continue
		}
		wantFault(t, err, fault.Invalid, "bad_package")
	}
	linked := map[string]string{"build.zig.zon": zon(`.paths = .{"build.zig.zon", "out/passwd"},`), "out": "-> /etc"}
	tree, err := OpenFolder(t.Context(), folderOf(t, linked), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(tree.Entries), "build.zig.zon"; got != want {
		t.Errorf("entries = %s, want %s: a link is never followed", got, want)
	}
}

func TestFolderSocket(t *testing.T) {
	root := folderOf(t, map[string]string{"build.zig.zon": zon(all)})
	t.Chdir(root.Name()) // a socket's path must be short
	l, err := net.Listen("unix", "socket")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tree, err := OpenFolder(t.Context(), root, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = tree.Inspect(t.Context())
	wantFault(t, err, fault.Invalid, "bad_package")
}

func TestFolderChanges(t *testing.T) {
	root := folderOf(t, map[string]string{"build.zig.zon": zon(all), "a": "x"})
	tree, err := OpenFolder(t.Context(), root, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := tree.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"", "longer"} {
		if err := root.WriteFile("a", []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := p.Write(t.Context(), &bytes.Buffer{}); !errors.Is(err, fault.Invalid) {
			t.Errorf("Write after a became %q: error = %v, want %v", body, err, fault.Invalid)
		}
		if _, err := tree.Inspect(t.Context()); !errors.Is(err, fault.Invalid) {
			t.Errorf("Inspect after a became %q: error = %v, want %v", body, err, fault.Invalid)
		}
	}
}

func TestFolderLimits(t *testing.T) {
	root := folderOf(t, map[string]string{"build.zig.zon": zon(all), "a": "x", "b": "yy"})
	for _, lim := range []Limits{{Entries: 2}, {Unpacked: 50}, {Manifest: 10}} {
		_, err := OpenFolder(t.Context(), root, lim)
		wantFault(t, err, fault.TooLarge, "")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := OpenFolder(ctx, root, Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
}

func TestOpenFiles(t *testing.T) {
	root := folderOf(t, map[string]string{"build.zig.zon": zon(`.paths = .{"build.zig.zon", "src"},`), "src/a": "", "src/unknown": "", "other": ""})
	tree, err := OpenFiles(t.Context(), root, []string{"build.zig.zon", "other", "src/a", "src/gone", "../x", "/etc/passwd"}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(tree.Entries), "build.zig.zon src/a"; got != want {
		t.Errorf("entries = %s, want %s", got, want)
	}
}
