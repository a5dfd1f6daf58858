package pack

import (
	"context"
	"io"
	"os"

	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/format/zig"
)

// Zig is what only packages of Zig have.
type Zig struct {
	zig.Hashes
	Compilers []string // those that can fetch the package: "0.14", …
	Warnings  []zig.Warning
}

func (p *Package) packZig(ctx context.Context, root *os.Root, o FolderOptions) (err error) {
	var tree *zig.Tree
	if o.Tracked != nil {
		tree, err = zig.OpenFiles(ctx, root, o.Tracked, zig.Limits{})
	} else {
		tree, err = zig.OpenFolder(ctx, root, zig.Limits{})
	}
	if err != nil {
		return err
	}
	in, err := tree.Inspect(ctx)
	if err != nil {
		return err
	}
	if in.Manifest == nil {
		return errNoManifest(workspace.Zig)
	}
	p.Name, p.Version = workspace.Zig.Prefix()+in.Manifest.Name, in.Manifest.Version
	p.Zig = &Zig{Hashes: in.Hashes, Compilers: in.Zig, Warnings: in.Warnings}
	for _, e := range in.Files {
		p.add(e.Name, e.Size)
	}
	return p.fill(o.TempDir, "zig-*.tar.gz", func(w io.Writer) error { return in.Write(ctx, w) })
}
