package lumentree_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/lumentree"
)

var (
	key      = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	otherKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))
	now      = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
)

func clock() time.Time { return now }

// pack makes a package of a manifest's lines and a source file.
func pack(t *testing.T, name, version, source string, more ...string) lumentree.Package {
	t.Helper()
	dir := t.TempDir()
	manifest := fmt.Sprintf("[package]\nname = %q\nversion = %q\n%s\n", name, version, strings.Join(more, "\n"))
	write(t, dir, map[string]string{"lumen.toml": manifest, "src/main.lm": source})
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	f, err := os.Create(filepath.Join(t.TempDir(), "package.tar"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := lumen.Pack(t.Context(), root, f, lumen.Limits{}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	a, err := lumen.Check(f, io.Discard, lumen.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return lumentree.Package{Archive: a, File: f}
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// publish adds packages to the tree in a folder.
func publish(t *testing.T, dir string, signer ed25519.PrivateKey, packages ...lumentree.Package) {
	t.Helper()
	for _, p := range packages {
		if _, err := tryPublish(t, dir, signer, p); err != nil {
			t.Fatal(err)
		}
	}
}

func tryPublish(t *testing.T, dir string, signer ed25519.PrivateKey, p lumentree.Package) (out lumentree.Published, err error) {
	t.Helper()
	d := disk(t, dir)
	defer func() { err = errors.Join(err, d.Close()) }()
	return lumentree.Publish(t.Context(), d, p, lumentree.PublishOptions{Key: signer, Now: clock})
}

func disk(t *testing.T, dir string) *lumentree.Disk {
	t.Helper()
	d, err := lumentree.OpenDisk(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// signedTree is a folder with two packages and three versions.
func signedTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	publish(t, dir, key,
		pack(t, "@acme/http", "1.0.0", "one"), pack(t, "@acme/http", "1.1.0", "two"),
		pack(t, "@acme/uri", "0.1.0", "three", "[dependencies]", `"@acme/http" = "^1.0.0"`))
	return dir
}

// folderSource lists a folder as a server lists its tree.
type folderSource struct {
	*lumentree.Folder
	dir string
}

func source(t *testing.T, dir string) *folderSource {
	t.Helper()
	f, err := lumentree.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &folderSource{Folder: f, dir: dir}
}

func (s *folderSource) Files(context.Context) (files []lumentree.File, err error) {
	tree, err := contents(s.dir)
	order := []string{"artifacts/", "signatures/", "keys.json", "packages/", "checkpoint.json", "index.json"}
	for _, prefix := range order {
		for _, path := range slices.Sorted(maps.Keys(tree)) {
			if strings.HasPrefix(path, prefix) {
				files = append(files, lumentree.File{Path: path, Digest: digest.Of([]byte(tree[path])), Size: int64(len(tree[path]))})
			}
		}
	}
	return files, err
}

// contents reads a folder, but for hidden files.
func contents(dir string) (map[string]string, error) {
	tree := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			if e != nil && name != "." && strings.HasPrefix(e.Name(), ".") {
				return fs.SkipDir
			}
			return err
		}
		if strings.HasPrefix(e.Name(), ".") {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		tree[name] = string(text)
		return err
	})
	return tree, err
}

// sameTree fails the test unless two folders have the same tree.
func sameTree(t *testing.T, got, want string) {
	t.Helper()
	a, errA := contents(got)
	b, errB := contents(want)
	if diff := cmp.Diff(b, a); diff != "" || errA != nil || errB != nil {
		t.Errorf("the trees differ (-want +got): %s %v %v", diff, errA, errB)
	}
}

func export(t *testing.T, from, to string, opt lumentree.Options) lumentree.Report {
	t.Helper()
	d := disk(t, to)
	r, err := lumentree.Export(t.Context(), source(t, from), d, opt)
	if err := errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	return r
}

func verify(t *testing.T, dir string, opt lumentree.VerifyOptions) lumentree.Verification {
	t.Helper()
	opt.Now = clock
	v, err := lumentree.Verify(t.Context(), source(t, dir), opt)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func sound(t *testing.T, dir string) lumentree.Verification {
	t.Helper()
	v := verify(t, dir, lumentree.VerifyOptions{})
	if len(v.Problems) > 0 {
		t.Errorf("problems: %v", v.Problems)
	}
	return v
}
