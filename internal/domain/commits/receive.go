package commits

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/spool"
)

// Missing returns the parts whose bytes the server does not have, and keeps
// those it has until they are referred to.
func (s *Service) Missing(ctx context.Context, who Principal, repo Repository, parts []tarball.Part) ([]tarball.Part, error) {
	if err := s.admit(ctx, who, placed(who, repo)); err != nil {
		return nil, err
	}
	if len(parts) > 2*s.opt.MaxPackages {
		return nil, s.tooMany(len(parts))
	}
	var total int64
	for _, p := range parts {
		if p.Size < 0 || p.Size > s.opt.MaxPackage {
			return nil, s.spool.TooLarge(p.Digest.String())
		}
		total += p.Size
	}
	if total > s.opt.MaxPublish { // nothing is to be uploaded that can't be published
		return nil, s.tooLarge(total)
	}
	return s.missing(ctx, parts)
}

// Request is one that a client makes of the store itself.
type Request = blob.Request

// Direct returns the request that brings a missing part to the store itself; nil if it has to come by PutPart. The
// store refuses other bytes than those of the part, and Missing holds it for longer than the request is good. What forks
// upload is counted, so it comes by PutPart.
func (s *Service) Direct(ctx context.Context, who Uploader, p tarball.Part) (*Request, error) {
	if p.Digest.IsZero() || isFork(who) {
		return nil, nil
	}
	return s.opt.Links.Put(ctx, blobKey(p), p.Size)
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
	if err := s.life.Hold(ctx, blobKey(p)); err != nil {
		return false, err
	}
	info, err := s.blobs.Stat(ctx, blobKey(p))
	if errors.Is(err, blob.ErrNotFound) {
		return false, nil
	}
	if err == nil && info.Size != p.Size {
		return false, fault.New(fault.Invalid, "%s has %d bytes, not %d as announced", p.Digest, info.Size, p.Size).WithCode("wrong_size")
	}
	if err == nil {
		err = s.life.Reuse(ctx, info)
	}
	return err == nil, err
}

// PutPart stores the bytes of a part; they must have its digest. created is
// false if the server had them. What no publish refers to is removed after some hours.
func (s *Service) PutPart(ctx context.Context, who Uploader, d digest.SHA256, r io.Reader) (created bool, err error) {
	if err := who.MayUpload(); err != nil {
		return false, err
	}
	if d.IsZero() { // would mean "not known" to the store
		return false, fault.New(fault.Invalid, "%s is the digest of no bytes", d).WithCode("invalid_digest")
	}
	counted, err := s.counted(ctx, who, r)
	if err != nil {
		return false, err
	}
	key := blob.Key{Space: blob.Commits, Digest: d}
	if err := s.life.Hold(ctx, key); err != nil {
		return false, err
	}
	_, created, err = s.blobs.Put(ctx, key, s.spool.Bounded(counted, d.String()))
	if errors.Is(err, blob.ErrDigest) {
		return false, fault.Wrap(err, fault.Invalid, "the bytes sent are not those of %s; nothing was kept", d).WithCode("digest_mismatch")
	}
	return created, err
}

// Receive takes in a whole tarball of a publish that has brought some before
// it. label names it in errors. The caller closes the Upload.
func (s *Service) Receive(ctx context.Context, who Uploader, before int, label string, r io.Reader) (*Upload, error) {
	if err := who.MayUpload(); err != nil {
		return nil, err
	}
	if before >= s.opt.MaxPackages { // each keeps a file open
		return nil, s.tooMany(before + 1)
	}
	u, err := s.spool.Receive(ctx, label, r)
	if err == nil {
		u.Summary.Manifest, u.Summary.Readme = nil, nil // a megabyte of each of a thousand is too much to keep
	}
	return u, err
}

func (s *Service) tooLarge(total int64) error {
	return fault.New(fault.TooLarge, "the packages have %d bytes together, more than the %d that this server accepts in a publish (MAX_PUBLISH_SIZE)", total, s.opt.MaxPublish)
}

func (s *Service) tooMany(n int) error {
	return fault.New(fault.TooLarge, "%d packages are more than the %d that this server accepts in a publish", n, s.opt.MaxPackages)
}

// Upload is a whole tarball that arrived with a publish, checked.
type Upload = spool.Upload
