package lumentree_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/lumentree"
)

func TestExport(t *testing.T) {
	from, to := signedTree(t), t.TempDir()
	first := export(t, from, to, lumentree.Options{})
	if first.Written != first.Files || first.Files != 3+3+1+3+2+1+1 || first.Bytes == 0 {
		t.Errorf("the first export: %+v", first)
	}
	sameTree(t, to, from)
	if v := sound(t, to); v.Versions != 3 || v.Signed != 3 || v.Packages != 2 || v.Artifacts != 3 || v.UnderWay {
		t.Errorf("the exported tree: %+v", v)
	}
	before := times(t, to)
	if again := export(t, from, to, lumentree.Options{}); again.Written != 0 || again.Deleted != 0 || again.Files != first.Files {
		t.Errorf("an export of what did not change: %+v", again)
	}
	if diff := cmp.Diff(before, times(t, to)); diff != "" {
		t.Errorf("it touched files: %s", diff)
	}
	publish(t, from, key, pack(t, "@acme/uri", "0.2.0", "four"))
	// artifact, signature, metadata, package index, checkpoint, index
	if one := export(t, from, to, lumentree.Options{}); one.Written != 6 {
		t.Errorf("an export of one new version: %+v, want 6 files", one)
	}
	sameTree(t, to, from)
	sound(t, to)
}

func times(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasSuffix(name, ".lock") {
			return err
		}
		info, err := e.Info()
		all[name] = info.ModTime().String()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// What goes from the registry goes from the export; what is not the export's stays.
func TestExportDeletes(t *testing.T) {
	from, to := signedTree(t), t.TempDir()
	export(t, from, to, lumentree.Options{Extras: map[string][]byte{".nojekyll": {}}})
	write(t, to, map[string]string{"CNAME": "lumen.example.com"})
	gone := "artifacts/sha256/00/extra.tar"
	write(t, from, map[string]string{gone: "x"})
	export(t, from, to, lumentree.Options{})
	if err := os.RemoveAll(filepath.Join(from, filepath.Dir(gone))); err != nil {
		t.Fatal(err)
	}
	if r := export(t, from, to, lumentree.Options{}); r.Deleted != 1 || r.Written != 0 {
		t.Errorf("report: %+v", r)
	}
	if _, err := os.Stat(filepath.Join(to, filepath.Dir(gone))); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of what is gone: %v", err)
	}
	for _, name := range []string{"CNAME", ".nojekyll"} {
		if _, err := os.Stat(filepath.Join(to, name)); err != nil {
			t.Error(err)
		}
	}
}

// Foreign edits are found when they are looked for, and put right.
func TestExportVerify(t *testing.T) {
	from, to := signedTree(t), t.TempDir()
	export(t, from, to, lumentree.Options{})
	tree, err := contents(to)
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range tree {
		if strings.HasPrefix(path, "artifacts/") {
			write(t, to, map[string]string{path: strings.Repeat("x", len(text))})
			break
		}
	}
	if r := export(t, from, to, lumentree.Options{}); r.Written != 0 {
		t.Errorf("without looking: %+v", r)
	}
	if r := export(t, from, to, lumentree.Options{Verify: true}); r.Written != 1 {
		t.Errorf("looking: %+v, want the one file", r)
	}
	sameTree(t, to, from)
}

// An export into a tree that another program copied there writes what differs only.
func TestExportAdopts(t *testing.T) {
	from, to := signedTree(t), t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if r := export(t, from, to, lumentree.Options{}); r.Written != 0 {
		t.Errorf("report: %+v", r)
	}
	if err := os.WriteFile(filepath.Join(to, lumentree.StatePath), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	publish(t, from, key, pack(t, "@acme/uri", "0.2.0", "four"))
	if r := export(t, from, to, lumentree.Options{}); r.Written != 6 {
		t.Errorf("with a broken state: %+v", r)
	}
	sound(t, to)
}

var errStopped = errors.New("stopped")

// dying is a sink that is killed after some operations: each after those fails, and nothing of it happens.
type dying struct {
	*lumentree.Disk
	left *atomic.Int64
}

func (d dying) step() error {
	if d.left.Add(-1) < 0 {
		return errStopped
	}
	return nil
}

func (d dying) Put(ctx context.Context, f lumentree.File, r io.Reader) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.Disk.Put(ctx, f, r)
}

func (d dying) Commit(ctx context.Context) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.Disk.Commit(ctx)
}

func (d dying) Delete(ctx context.Context, path string) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.Disk.Delete(ctx, path)
}

// exportUntil runs an export that dies after some operations; done reports that it did not.
func exportUntil(t *testing.T, from, to string, operations int) (done bool) {
	t.Helper()
	d, left := disk(t, to), &atomic.Int64{}
	left.Store(int64(operations))
	_, err := lumentree.Export(t.Context(), source(t, from), dying{d, left}, lumentree.Options{})
	if closed := d.Close(); closed != nil || err != nil && !errors.Is(err, errStopped) {
		t.Fatal(err, closed)
	}
	return err == nil
}

// Wherever an export is killed, the tree is whole; so it is if the registry changes before the next one, which is killed as well.
func TestKilledAnywhere(t *testing.T) {
	old := signedTree(t)
	newer := clone(t, old)
	publish(t, newer, key, pack(t, "@acme/http", "2.0.0", "new"), pack(t, "@acme/log", "1.0.0", "first"))
	newest := clone(t, newer)
	publish(t, newest, key, pack(t, "@acme/uri", "3.0.0", "newest"), pack(t, "@acme/http", "2.1.0", "newest"))
	start := t.TempDir()
	export(t, old, start, lumentree.Options{})

	done := false
	for n := 0; !done; n++ {
		to := clone(t, start)
		done = exportUntil(t, newer, to, n)
		sound(t, to)
		if n%3 != 0 {
			continue
		}
		for m := 2; ; m += 5 {
			again := clone(t, to)
			if ended := exportUntil(t, newest, again, m); ended {
				break
			}
			sound(t, again)
		}
		export(t, newest, to, lumentree.Options{})
		sameTree(t, to, newest)
		if v := sound(t, to); v.UnderWay {
			t.Errorf("after %d operations and another export it is said to be under way", n)
		}
	}
}

// Before its first export has come to its end a folder is no registry, and never a broken one.
func TestKilledFirst(t *testing.T) {
	from := signedTree(t)
	done := false
	for n := 0; !done; n++ {
		to := t.TempDir()
		done = exportUntil(t, from, to, n)
		v, err := lumentree.Verify(t.Context(), source(t, to), lumentree.VerifyOptions{Now: clock})
		if err != nil && !errors.Is(err, fault.NotFound) || len(v.Problems) > 0 {
			t.Fatalf("after %d operations: %v, %v", n, err, v.Problems)
		}
	}
}

func clone(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "tree")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// changing is a registry in which a version is published while it is listed and read.
type changing struct {
	*folderSource
	change func()
}

func (c *changing) Open(ctx context.Context, path string) (io.ReadCloser, error) {
	if c.change != nil && path == lumen.PackageIndexPath("@acme/http") {
		c.change()
		c.change = nil
	}
	return c.folderSource.Open(ctx, path)
}

func TestChangesMeanwhile(t *testing.T) {
	from, to := signedTree(t), t.TempDir()
	next := pack(t, "@acme/http", "1.2.0", "later")
	d := disk(t, to)
	s := &changing{source(t, from), func() { publish(t, from, key, next) }}
	_, err := lumentree.Export(t.Context(), s, d, lumentree.Options{})
	if err := errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	sameTree(t, to, from)
	sound(t, to)
}

// lying serves other bytes than it lists.
type lying struct{ *folderSource }

func (l lying) Open(_ context.Context, path string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("not " + path)), nil
}

// hostile lists paths that are none of a registry's.
type hostile struct {
	*folderSource
	path string
}

func (h hostile) Files(ctx context.Context) ([]lumentree.File, error) {
	files, err := h.folderSource.Files(ctx)
	return slices.Insert(files, 0, lumentree.File{Path: h.path, Digest: files[0].Digest, Size: files[0].Size}), err
}

func TestHostileSources(t *testing.T) {
	from := signedTree(t)
	try := func(s lumentree.Source) (string, error) {
		to := t.TempDir()
		d := disk(t, to)
		defer d.Close()
		_, err := lumentree.Export(t.Context(), s, d, lumentree.Options{})
		return to, err
	}
	to, err := try(lying{source(t, from)})
	if !errors.Is(err, fault.Unavailable) {
		t.Errorf("a registry that lies about its files: %v", err)
	}
	if tree, err := contents(to); err != nil || len(tree) > 0 {
		t.Errorf("it left %v, %v", tree, err)
	}
	for _, path := range []string{
		"../x", "/etc/passwd", ".git/hooks/post-checkout", "artifacts/../../x", "artifacts/sha256/.x/y", "packages/a/.htaccess", "index.php", "packages/x",
		"artifacts//x", "packages/a\\b/c.json", "C:/x", ".export.json", "checkpoint.next.json", "signatures/x\x00/y", "",
	} {
		if _, err := try(hostile{source(t, from), path}); !errors.Is(err, fault.Upstream) {
			t.Errorf("a registry that lists %q: %v", path, err)
		}
	}
}

// One process at a time writes to a folder; what a killed one left goes.
func TestLeftovers(t *testing.T) {
	from, to := signedTree(t), t.TempDir()
	write(t, to, map[string]string{".export-tmp/1": "left by a killed export"})
	export(t, from, to, lumentree.Options{})
	entries, err := os.ReadDir(to)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := []string{".export.json", ".export.lock", "artifacts", "checkpoint.json", "index.json", "keys.json", "packages", "signatures"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("the folder (-want +got): %s", diff)
	}
}
