package commits

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/blob"
)

// Missing returns the parts whose bytes the server does not have, and keeps
// those it has until they are referred to.
func (s *Service) Missing(ctx context.Context, who Principal, repo Repository, parts []tarball.Part) ([]tarball.Part, error) {
	if err := who.MayPublish(repo.String()); err != nil {
		return nil, err
	}
	if len(parts) > 2*s.opt.MaxPackages {
		return nil, s.tooMany(len(parts))
	}
	for _, p := range parts {
		if p.Size < 0 || p.Size > s.opt.MaxPackage {
			return nil, s.tooLarge(p.Digest.String())
		}
	}
	return s.missing(ctx, parts)
}

// inFlight bounds the store requests that one publish makes at a time.
const inFlight = 32

// missing holds every part and returns those whose bytes are not there, each once.
func (s *Service) missing(ctx context.Context, parts []tarball.Part) ([]tarball.Part, error) {
	slices.SortFunc(parts, func(a, b tarball.Part) int {
		return cmp.Or(bytes.Compare(a.Digest[:], b.Digest[:]), cmp.Compare(a.Size, b.Size))
	})
	parts = slices.Compact(parts) // the same digest with another size stays, to be refused
	absent := make([]bool, len(parts))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	for i, p := range parts {
		g.Go(func() error {
			has, err := s.has(gctx, p)
			absent[i] = !has
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	missing := []tarball.Part{}
	for i, p := range parts {
		if absent[i] {
			missing = append(missing, p)
		}
	}
	return missing, nil
}

// has holds a part and reports whether its bytes are there.
func (s *Service) has(ctx context.Context, p tarball.Part) (bool, error) {
	if err := s.hold(ctx, blobKey(p)); err != nil {
		return false, err
	}
	info, err := s.blobs.Stat(ctx, blobKey(p))
	if errors.Is(err, blob.ErrNotFound) {
		return false, nil
	}
	if err == nil && info.Size != p.Size {
		return false, fault.New(fault.Invalid, "%s has %d bytes, not %d as announced", p.Digest, info.Size, p.Size).WithCode("wrong_size")
	}
	return err == nil, err
}

// PutPart stores the bytes of a part; they must have its digest. created is
// false if the server had them. What no publish refers to is removed after some hours.
func (s *Service) PutPart(ctx context.Context, who Principal, d digest.SHA256, r io.Reader) (created bool, err error) {
	if err := who.MayPublish(""); err != nil {
		return false, err
	}
	if d.IsZero() { // would mean "not known" to the store
		return false, fault.New(fault.Invalid, "%s is the digest of no bytes", d).WithCode("invalid_digest")
	}
	key := blob.Key{Space: blob.Commits, Digest: d}
	if err := s.hold(ctx, key); err != nil {
		return false, err
	}
	_, created, err = s.blobs.Put(ctx, key, s.bounded(r, d.String()))
	if errors.Is(err, blob.ErrDigest) {
		return false, fault.Wrap(err, fault.Invalid, "the bytes sent are not those of %s; nothing was kept", d).WithCode("digest_mismatch")
	}
	return created, err
}

// Upload is a whole tarball that arrived with a publish and was checked on its
// way; it waits in a file of its own until the publish goes through.
type Upload struct {
	file    *os.File
	summary tarball.Summary
}

// Receive takes in a whole tarball of a publish that has brought some before
// it. label names it in errors. The caller closes the Upload.
func (s *Service) Receive(ctx context.Context, who Principal, before int, label string, r io.Reader) (*Upload, error) {
	if err := who.MayPublish(""); err != nil {
		return nil, err
	}
	if before >= s.opt.MaxPackages { // each keeps a file open
		return nil, s.tooMany(before + 1)
	}
	f, err := os.CreateTemp(s.opt.SpoolDir, "upload-*")
	if err != nil {
		return nil, err
	}
	u := &Upload{file: f}
	checked := tarball.NewCheckingReader(s.bounded(r, "the tarball"), s.opt.Archive)
	_, err = io.Copy(f, checked)
	if err == nil {
		err = ctx.Err()
	}
	if err = errors.Join(err, checked.Close()); err != nil {
		return nil, errors.Join(named(label, err), u.Close())
	}
	u.summary = checked.Summary()
	u.summary.Manifest = nil // a megabyte of each of a thousand is too much to keep
	return u, nil
}

// Close removes the upload's file.
func (u *Upload) Close() error {
	return errors.Join(u.file.Close(), os.Remove(u.file.Name()))
}

// named puts the package in front of what was wrong with its archive.
func named(label string, err error) error {
	e, ok := fault.Public(err)
	if !ok {
		return err
	}
	n := *e
	n.Message = label + ": " + e.Message
	return &n
}

// bounded fails with fault.TooLarge past the limit of a package.
func (s *Service) bounded(r io.Reader, label string) io.Reader {
	return &boundedReader{r: r, left: s.opt.MaxPackage, err: s.tooLarge(label)}
}

type boundedReader struct {
	r    io.Reader
	left int64
	err  error
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, b.err
	}
	return n, err
}

func (s *Service) tooLarge(what string) error {
	return fault.New(fault.TooLarge, "%s is larger than the %d bytes that this server accepts for a package (MAX_PACKAGE_SIZE)", what, s.opt.MaxPackage)
}

func (s *Service) tooMany(n int) error {
	return fault.New(fault.TooLarge, "%d packages are more than the %d that this server accepts in a publish", n, s.opt.MaxPackages)
}
