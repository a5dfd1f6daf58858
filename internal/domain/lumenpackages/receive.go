package lumenpackages

import (
	"bufio"
	"context"
	"errors"
	"io"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/spool"
)

// Upload is an archive that arrived, checked, as a plain tar. The caller closes it.
type Upload struct {
	lumen.Archive
	tar      *spool.File
	sent     *spool.File // as it was sent, if compressed
	received time.Time   // when it began to arrive
}

// Close removes the upload's files.
func (u *Upload) Close() error {
	var errs []error
	for _, f := range []*spool.File{u.tar, u.sent} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// sentDigest is that of the bytes as they were sent.
func (u *Upload) sentDigest() digest.SHA256 {
	if u.Gzipped {
		return u.Sent
	}
	return u.Tar.SHA256
}

// Receive takes in an archive, a tar or a gzip-compressed one, and checks it.
func (s *Service) Receive(ctx context.Context, who Principal, r io.Reader) (_ *Upload, err error) {
	if who.User() == "" {
		return nil, fault.New(fault.Unauthenticated, "Authorization required: sign in to publish")
	}
	u, good := &Upload{received: s.now()}, false
	defer func() {
		if !good { // r may panic, as a request's body does that is cut off
			err = errors.Join(err, u.Close())
		}
	}()
	if err := s.receive(ctx, u, s.spool.Bounded(r, "the archive")); err != nil {
		return nil, err
	}
	good = true
	return u, nil
}

func (s *Service) receive(ctx context.Context, u *Upload, r io.Reader) (err error) {
	if u.tar, err = s.spool.File(); err != nil {
		return err
	}
	in := bufio.NewReader(r)
	begin, _ := in.Peek(2) // what is wrong with it, Check meets again
	var from io.Reader = in
	if string(begin) == "\x1f\x8b" { // of a plain tar one copy is enough
		if u.sent, err = s.spool.File(); err != nil {
			return err
		}
		from = io.TeeReader(in, u.sent)
	}
	u.Archive, err = lumen.Check(from, s.spool.BoundedWriter(u.tar, "the archive, unpacked to a plain tar,"), s.opt.Archive)
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// kept is an archive of an upload, to be stored.
type kept struct {
	artifact
	file *spool.File
}

// archives are the plain tar, which clients take, and what was sent if that is another.
func (u *Upload) archives() []kept {
	all := []kept{{artifact{"tar", part{u.Tar.SHA256, u.Size}}, u.tar}}
	if u.Gzipped {
		all = append(all, kept{artifact{"tgz", part{u.Sent, u.SentSize}}, u.sent})
	}
	return all
}

// artifacts are those of the version that the upload becomes.
func (u *Upload) artifacts() []artifact {
	var all []artifact
	for _, k := range u.archives() {
		all = append(all, k.artifact)
	}
	return all
}

// store makes archives durable. They stay for some hours, and for good once a batch pins them.
func (s *Service) store(ctx context.Context, all ...kept) error {
	for _, k := range all {
		if err := s.life.Hold(ctx, k.blobKey()); err != nil {
			return err
		}
		if _, err := k.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if _, _, err := s.blobs.Put(ctx, k.blobKey(), k.file); err != nil {
			return err
		}
	}
	return nil
}
