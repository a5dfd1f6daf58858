package pack_test

import (
	"archive/tar"
	"compress/gzip"
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
	"github.com/org/registry-action/internal/format/digest"
)

const zigTree = `
-- lib/build.zig.zon --
.{ .name = .lib, .version = "1.2.3", .paths = .{""} }
-- lib/build.zig --
pub fn build(_: anytype) void {}
-- lib/src/root.zig --
pub const x = 1;
-- lib/node_modules/x/index.js --
x
-- lib/.env --
secret
-- old/build.zig.zon --
.{ .name = "test", .version = "1.2.3", .paths = .{""},
   .dependencies = .{ .a = .{ .url = "https://h.test/a.tar.gz", .hash = "colon-0.1.0-eFY0EmoAAAB6m45I-_3v_f-Q9WFeN_IP_XaRyMD-MHnA" } } }
-- old/build.zig --
`

func zigPackage(t *testing.T, dir, of string, o pack.FolderOptions) (*pack.Package, error) {
	t.Helper()
	ws := &workspace.Workspace{Root: dir}
	if err := ws.Add([]string{of + "/" + workspace.Zig.Manifest()}); err != nil || len(ws.Packages) != 1 {
		t.Fatalf("%d packages, %v", len(ws.Packages), err)
	}
	o.TempDir = t.TempDir()
	return pack.Folder(t.Context(), ws, ws.Packages[0], o)
}

func entries(t *testing.T, p *pack.Package) []string {
	t.Helper()
	r, err := p.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	gz, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for tr := tar.NewReader(gz); ; {
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

func TestZigPackage(t *testing.T) {
	dir := inline(t, zigTree)
	tracked := []string{"build.zig", "build.zig.zon", "src/root.zig", "src/deleted.zig"}
	p, err := zigPackage(t, dir, "lib", pack.FolderOptions{Tracked: tracked})
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "zig:lib" || p.Version != "1.2.3" || p.Dir != "lib" || p.Filename() != "lib-1.2.3.tar.gz" || p.Split() || !strings.HasPrefix(p.Zig.Hash, "lib-1.2.3-") || len(p.Files) != 3 {
		t.Errorf("the package is %+v, %+v", p, p.Zig)
	}
	want := []string{"lib-1.2.3/build.zig", "lib-1.2.3/build.zig.zon", "lib-1.2.3/src/root.zig"}
	if got := entries(t, p); !slices.Equal(got, want) {
		t.Errorf("the archive has %q, want %q", got, want)
	}
	file := filepath.Join(t.TempDir(), p.Filename())
	if err := p.Save(file); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(file); err != nil || digest.Of(b) != p.Sums.SHA256 || int64(len(b)) != p.Size {
		t.Errorf("the saved file is not the one that was hashed: %v", err)
	}
	again, err := zigPackage(t, dir, "lib", pack.FolderOptions{Tracked: tracked})
	if err != nil || again.Sums != p.Sums {
		t.Errorf("packed again it has other bytes, %v", err)
	}
	all, err := zigPackage(t, dir, "lib", pack.FolderOptions{})
	if err != nil || len(all.Files) != 5 || all.Zig.Hash == p.Zig.Hash {
		t.Errorf("without a list it has %+v, %v; want all that is on disk", all, err)
	}
}

func TestRefusedZigPackages(t *testing.T) {
	dir := inline(t, zigTree)
	for name, c := range map[string]struct {
		of   string
		o    pack.FolderOptions
		want string
	}{
		"manifest not tracked": {"lib", pack.FolderOptions{Tracked: []string{"build.zig"}}, "zig:lib (lib) can't be published: its build.zig.zon is gone"},
		"no compiler":          {"old", pack.FolderOptions{}, "zig:test (old) can't be published: no version of Zig can fetch this package: "},
	} {
		_, err := zigPackage(t, dir, c.of, c.o)
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "leave the package out with --exclude zig:") {
			t.Errorf("%s: %v, want %q and how to leave it out", name, err, c.want)
		}
	}
}

// A folder that became a link out of the workspace since it was found is not packed.
func TestZigPackageOutside(t *testing.T) {
	dir, elsewhere := inline(t, zigTree), inline(t, zigTree)
	ws := &workspace.Workspace{Root: dir}
	if err := ws.Add([]string{"lib/build.zig.zon"}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, "lib")), os.Symlink(filepath.Join(elsewhere, "lib"), filepath.Join(dir, "lib"))); err != nil {
		t.Fatal(err)
	}
	if p, err := pack.Folder(t.Context(), ws, ws.Packages[0], pack.FolderOptions{TempDir: t.TempDir()}); err == nil {
		t.Errorf("packed %+v from outside of the workspace", p)
	}
}
