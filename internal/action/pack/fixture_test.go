package pack_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/format/digest"
)

// tree unpacks a fixture into a new folder.
func tree(t testing.TB, name string) string {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", "txtar", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := txtar.Write(a, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// inline is tree of a fixture in the test's text.
func inline(t testing.TB, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := txtar.Write(txtar.Parse([]byte(text)), dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// run packs the public members of a workspace.
func run(t testing.TB, dir string, o pack.Options) ([]*pack.Package, error) {
	t.Helper()
	ws, err := workspace.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	members := slices.DeleteFunc(slices.Clone(ws.Members), func(m *workspace.Member) bool { return m.Manifest.Private })
	if o.TempDir == "" {
		o.TempDir = t.TempDir()
	}
	return pack.Run(t.Context(), ws, members, o)
}

func mustRun(t testing.TB, dir string, o pack.Options) []*pack.Package {
	t.Helper()
	packages, err := run(t, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

func byName(t testing.TB, packages []*pack.Package, name string) *pack.Package {
	t.Helper()
	for _, p := range packages {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no package %s was packed", name)
	return nil
}

// entry is a file of a tarball.
type entry struct {
	name, content string
	mode          fs.FileMode
}

// unpack reads a package's tarball with Go's own readers, and checks that the
// package's sums and size are those of these bytes.
func unpack(t testing.TB, p *pack.Package) []entry {
	t.Helper()
	r, err := p.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	whole, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	sums := digest.NewHasher()
	sums.Write(whole)
	if sums.Sums() != p.Sums || int64(len(whole)) != p.Size {
		t.Errorf("%s: sums %+v of %d bytes, but its stream has %+v of %d", p.Name, p.Sums, p.Size, sums.Sums(), len(whole))
	}
	if p.Split() {
		checkBody(t, p)
	}
	zip, err := gzip.NewReader(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	var entries []entry
	for tr := tar.NewReader(zip); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return entries
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry{strings.TrimPrefix(h.Name, "package/"), string(content), h.FileInfo().Mode()})
	}
}

// checkBody checks that the body is what the recipe says.
func checkBody(t testing.TB, p *pack.Package) {
	t.Helper()
	r, err := p.OpenBody()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil || digest.Of(body) != p.Recipe.Body.Digest || int64(len(body)) != p.Recipe.Body.Size {
		t.Errorf("%s: the body has %d bytes, %v, want %+v", p.Name, len(body), err, p.Recipe.Body)
	}
}

// names lists a package's entries as "mode name".
func names(t testing.TB, p *pack.Package) []string {
	t.Helper()
	var list []string
	for _, e := range unpack(t, p) {
		list = append(list, fmt.Sprintf("%o %s", e.mode, e.name))
	}
	return list
}

// packedManifest is the package.json in a package's tarball.
func packedManifest(t testing.TB, p *pack.Package) map[string]any {
	t.Helper()
	first := unpack(t, p)[0]
	if first.name != "package.json" {
		t.Fatalf("%s: the first entry is %s, want package.json", p.Name, first.name)
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(first.content), &m); err != nil {
		t.Fatalf("%s: %v in\n%s", p.Name, err, first.content)
	}
	return m
}

// fingerprint tells whether anything below a folder has changed.
func fingerprint(t testing.TB, dir string) map[string]string {
	t.Helper()
	prints := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var content []byte
		if d.Type().IsRegular() {
			if content, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		prints[path] = fmt.Sprint(info.Mode(), info.ModTime(), sha256.Sum256(content))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return prints
}
