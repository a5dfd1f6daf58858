package pack_test

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
)

const lumenTree = `
-- lib/lumen.toml --
[package]
name = "@acme/utils"
version = "1.2.3"
-- lib/src/main.lm --
cell main() -> Int
-- lib/src/key.secret --
secret
-- lib/README.txt --
read me
-- lib/README.md --
not of the commit
`

func lumenPackage(t *testing.T, dir string, o pack.FolderOptions) (*pack.Package, error) {
	t.Helper()
	ws := &workspace.Workspace{Root: dir}
	if err := ws.Add([]string{"lib/lumen.toml"}); err != nil || len(ws.Packages) != 1 {
		t.Fatalf("%d packages, %v", len(ws.Packages), err)
	}
	o.TempDir = t.TempDir()
	return pack.Folder(t.Context(), ws, ws.Packages[0], o)
}

func plainEntries(t *testing.T, p *pack.Package) (names []string) {
	t.Helper()
	r, err := p.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
}

func TestLumenPackage(t *testing.T) {
	dir := inline(t, lumenTree)
	tracked := []string{"lumen.toml", "src/main.lm", "src/deleted.lm", "README.txt"}
	p, err := lumenPackage(t, dir, pack.FolderOptions{Tracked: tracked})
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "lumen:@acme/utils" || p.Version != "1.2.3" || p.OwnVersion != "1.2.3" || p.Dir != "lib" || p.Filename() != "acme-utils-1.2.3.tar" || p.Split() || p.Zig != nil {
		t.Errorf("the package is %+v", p)
	}
	want := []string{"lumen.toml", "README.txt", "src/main.lm"}
	if got := plainEntries(t, p); !slices.Equal(got, want) {
		t.Errorf("the archive has %q, want %q", got, want)
	}
	if len(p.Files) != 3 || p.Files[0].Path != "lumen.toml" || p.Unpacked != 49+8+19 {
		t.Errorf("its files are %+v, %d bytes", p.Files, p.Unpacked)
	}
	r, err := p.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	in, err := lumen.Check(r, io.Discard, lumen.Limits{})
	if err != nil || in.Gzipped || in.Tar != p.Sums || in.Size != p.Size || in.Integrity != *p.Lumen {
		t.Errorf("the archive is %+v, %v; the package says %+v, %+v", in, err, p.Sums, p.Lumen)
	}
	again, err := lumenPackage(t, dir, pack.FolderOptions{Tracked: tracked})
	if err != nil || again.Sums != p.Sums {
		t.Errorf("packed again it has other bytes, %v", err)
	}
	all, err := lumenPackage(t, dir, pack.FolderOptions{})
	if err != nil || len(all.Files) != 4 || all.Lumen.ContentHash == p.Lumen.ContentHash || all.Lumen.ManifestHash != p.Lumen.ManifestHash {
		t.Errorf("without a list it has %+v, %v; want the README.md and the untracked source", all, err)
	}
}

func TestRefusedLumenPackages(t *testing.T) {
	dir := inline(t, lumenTree)
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "lib", "src", "link.lm")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		tracked []string
		want    string
	}{
		"manifest not tracked": {[]string{"src/main.lm"}, "its lumen.toml is gone, or not one of the commit's files"},
		"link":                 {[]string{"lumen.toml", "src/link.lm"}, `"src/link.lm" is a link`},
	} {
		_, err := lumenPackage(t, dir, pack.FolderOptions{Tracked: c.tracked})
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "lumen:@acme/utils (lib) can't be published: ") ||
			!strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "--exclude lumen:@acme/utils") {
			t.Errorf("%s: %v, want %q and how to leave it out", name, err, c.want)
		}
	}
	if _, err := lumenPackage(t, dir, pack.FolderOptions{Tracked: []string{"lumen.toml", "src/main.lm"}}); err != nil {
		t.Errorf("a link that is not the commit's is in the way: %v", err)
	}
}
