package pack

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/format/lumen"
)

func (p *Package) packLumen(ctx context.Context, root *os.Root, o FolderOptions) error {
	if o.Tracked != nil && !slices.Contains(o.Tracked, workspace.Lumen.Manifest()) {
		return errNoManifest(workspace.Lumen)
	}
	err := p.fill(o.TempDir, "lumen-*.tar", func(w io.Writer) (err error) {
		if o.Tracked != nil {
			_, err = lumen.PackFiles(ctx, root, o.Tracked, w, lumen.Limits{})
		} else {
			_, err = lumen.Pack(ctx, root, w, lumen.Limits{})
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.readLumen()
}

// readLumen checks what was packed as the server will, and takes over what it says.
func (p *Package) readLumen() (err error) {
	f, err := os.Open(p.whole.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	in, err := lumen.Check(f, io.Discard, lumen.Limits{})
	if err != nil {
		return err
	}
	p.Name, p.Version, p.Lumen = workspace.Lumen.Prefix()+in.Manifest.Name, in.Manifest.Version, &in.Integrity
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for entries := tar.NewReader(f); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading what was packed: %w", err)
		}
		p.add(h.Name, h.Size)
	}
}
