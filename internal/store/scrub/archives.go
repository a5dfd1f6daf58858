package scrub

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/store/spool"
)

// Zig unpacks an archive of Zig's into files of its own, and hashes what is in it as the compilers do. What it returns has no files
// to open any more.
func Zig(ctx context.Context, r io.Reader, box spool.Spool, lim zig.Limits) (in *zig.Package, err error) {
	archive, err := box.File()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	size, err := io.Copy(archive, r)
	if err != nil {
		return nil, fmt.Errorf("copying an archive to unpack: %w", err)
	}
	scratch, err := box.File()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, scratch.Close()) }()
	tree, err := zig.Unpack(ctx, archive, size, scratch.File, lim)
	if err != nil {
		return nil, err
	}
	return tree.Inspect(ctx)
}

// Lumen is Check of an archive of Lumen's, whose README is left out.
func (b *Blobs) Lumen(ctx context.Context, s *Subject, w Want, lim lumen.Limits) (in lumen.Archive, ok bool, err error) {
	says, ok, err := b.Check(ctx, s, w, "lumen", func(_ context.Context, r io.Reader) (any, int64, error) {
		in, err := lumen.Check(r, io.Discard, lim)
		in.Readme = ""
		return in, perFile, err
	})
	if !ok {
		return in, false, err
	}
	return says.(lumen.Archive), true, nil
}
