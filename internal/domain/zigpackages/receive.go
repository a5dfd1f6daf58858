package zigpackages

import (
	"context"
	"errors"
	"io"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/store/spool"
)

// Upload is a package that arrived, checked and packed anew. The caller closes it.
type Upload struct {
	*zig.Package // its files can't be opened any more
	Artifact     Artifact
	file         *spool.File // the canonical archive
}

// Close removes the upload's file.
func (u *Upload) Close() error {
	if u.file == nil {
		return nil
	}
	return u.file.Close()
}

// Receive takes in an archive (tar, tar.gz, tar.xz, tar.zst or zip), checks it and packs it anew.
// What else it needs on disk for that is gone when it returns.
func (s *Service) Receive(ctx context.Context, who Principal, r io.Reader) (_ *Upload, err error) {
	if who.User() == "" {
		return nil, fault.New(fault.Unauthenticated, "Authorization required: sign in to publish")
	}
	u, whole := &Upload{}, false
	defer func() {
		if !whole {
			err = errors.Join(err, u.Close())
		}
	}()
	err = s.withFile(func(sent *spool.File) error {
		size, err := io.Copy(sent, s.spool.Bounded(r, "the archive"))
		if err != nil {
			return err
		}
		done, err := s.unpacking.Take(ctx)
		if err != nil {
			return err
		}
		defer done()
		return s.repack(ctx, u, sent, size)
	})
	if err != nil {
		return nil, err
	}
	whole = true
	return u, nil
}

// withFile lends f a file.
func (s *Service) withFile(f func(*spool.File) error) (err error) {
	file, err := s.spool.File()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return f(file)
}

// repack checks the archive that was sent and packs it anew into u.
func (s *Service) repack(ctx context.Context, u *Upload, sent io.ReaderAt, size int64) error {
	return s.withFile(func(scratch *spool.File) error {
		tree, err := zig.Unpack(ctx, sent, size, scratch.File, s.opt.Archive)
		if err != nil {
			return err
		}
		if u.Package, err = tree.Inspect(ctx); err != nil {
			return err
		}
		if u.file, err = s.spool.File(); err != nil {
			return err
		}
		h := digest.NewHasher()
		if err := u.Write(ctx, s.spool.BoundedWriter(io.MultiWriter(u.file, h), "the archive, packed anew,")); err != nil {
			return err
		}
		sums := h.Sums()
		u.Artifact = Artifact{
			Whole: tarball.Part{Digest: sums.SHA256, Size: h.Size()}, Sums: sums,
			Size: h.Size(), Unpacked: u.Unpacked, Files: len(u.Files),
		}
		return nil
	})
}
