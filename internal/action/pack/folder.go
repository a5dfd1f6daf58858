package pack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
)

// FolderOptions say how to pack a package of a workspace.Kind. Only TempDir is required.
type FolderOptions struct {
	// Tracked are the files to choose from, slash-separated paths from the package's
	// folder: those of the commit. Nil means all that are on disk.
	Tracked []string
	TempDir string // an existing folder for the archive, which the package refers to
}

// Folder packs a package of a workspace.Kind as its clients do: of Zig, what the .paths of its manifest
// include of its folder, as the one archive that all compilers read, and a package that none could
// fetch is refused; of Lumen, the plain tar of its client's publish.
func Folder(ctx context.Context, ws *workspace.Workspace, p *workspace.Package, o FolderOptions) (*Package, error) {
	pkg, err := packFolder(ctx, ws, p, o)
	name := cmp.Or(p.Name, p.Dir)
	if e, ok := fault.Public(err); ok {
		n := *e
		n.Message = fmt.Sprintf("%s (%s) can't be published: %s; correct that, or leave the package out with --exclude %s", name, p.Dir, e.Message, name)
		return nil, &n
	}
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", name, err)
	}
	return pkg, nil
}

func packFolder(ctx context.Context, ws *workspace.Workspace, p *workspace.Package, o FolderOptions) (*Package, error) {
	root, err := openBelow(ws.Root, p.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	pkg := &Package{Dir: p.Dir}
	if p.Kind == workspace.Lumen {
		err = pkg.packLumen(ctx, root, o)
	} else {
		err = pkg.packZig(ctx, root, o)
	}
	pkg.OwnVersion = pkg.Version
	return pkg, err
}

// openBelow opens a folder of the workspace: not even a link leads out of it.
func openBelow(root, dir string) (*os.Root, error) {
	top, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	return top.OpenRoot(dir)
}

// errNoManifest refuses a folder whose manifest was there when the workspace was read.
func errNoManifest(k workspace.Kind) error {
	return fault.New(fault.Invalid, "its %s is gone, or not one of the commit's files", k.Manifest())
}

// fill makes a new file the package's archive, of what write gives.
func (p *Package) fill(temp, pattern string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(temp, pattern)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sums := digest.NewHasher()
	if err := write(io.MultiWriter(f, sums)); err != nil {
		return err
	}
	p.Sums, p.Size = sums.Sums(), sums.Size()
	p.whole = section{path: f.Name(), size: p.Size}
	return nil
}
