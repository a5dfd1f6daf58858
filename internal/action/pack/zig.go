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
	"github.com/org/registry-action/internal/format/zig"
)

// Zig is what only packages of Zig have.
type Zig struct {
	zig.Hashes
	Compilers []string // those that can fetch the package: "0.14", …
	Warnings  []zig.Warning
}

// ZigOptions say how to pack a package of Zig. Only TempDir is required.
type ZigOptions struct {
	// Tracked are the files to choose from, slash-separated paths from the package's
	// folder: those of the commit. Nil means all that are on disk.
	Tracked []string
	TempDir string // an existing folder for the archive, which the package refers to
	Limits  zig.Limits
}

// ZigPackage packs a package of Zig: what the .paths of its manifest include of its
// folder, as the one archive that all compilers read. A package that none could fetch
// is refused.
func ZigPackage(ctx context.Context, ws *workspace.Workspace, z *workspace.ZigPackage, o ZigOptions) (*Package, error) {
	pkg, err := packZig(ctx, ws, z, o)
	name := cmp.Or(z.Name(), z.Dir)
	if e, ok := fault.Public(err); ok {
		n := *e
		n.Message = fmt.Sprintf("%s (%s) can't be published: %s; correct that, or leave the package out with --exclude %s", name, z.Dir, e.Message, name)
		return nil, &n
	}
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", name, err)
	}
	return pkg, nil
}

func packZig(ctx context.Context, ws *workspace.Workspace, z *workspace.ZigPackage, o ZigOptions) (*Package, error) {
	root, err := openBelow(ws.Root, z.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var tree *zig.Tree
	if o.Tracked != nil {
		tree, err = zig.OpenFiles(ctx, root, o.Tracked, o.Limits)
	} else {
		tree, err = zig.OpenFolder(ctx, root, o.Limits)
	}
	if err != nil {
		return nil, err
	}
	in, err := tree.Inspect(ctx)
	if err != nil {
		return nil, err
	}
	if in.Manifest == nil {
		return nil, fault.New(fault.Invalid, "its %s is gone, or not one of the commit's files", workspace.ZigManifest)
	}
	return writeZig(ctx, in, z.Dir, o.TempDir)
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

func writeZig(ctx context.Context, in *zig.Package, dir, temp string) (_ *Package, err error) {
	f, err := os.CreateTemp(temp, "zig-*.tar.gz")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sums := digest.NewHasher()
	if err := in.Write(ctx, io.MultiWriter(f, sums)); err != nil {
		return nil, err
	}
	m := in.Manifest
	pkg := &Package{
		Name: workspace.ZigPrefix + m.Name, Version: m.Version, OwnVersion: m.Version, Dir: dir,
		whole: section{path: f.Name(), size: sums.Size()}, Sums: sums.Sums(), Size: sums.Size(),
		Zig: &Zig{Hashes: in.Hashes, Compilers: in.Zig, Warnings: in.Warnings},
	}
	for _, e := range in.Files {
		pkg.add(e.Name, e.Size)
	}
	return pkg, nil
}
