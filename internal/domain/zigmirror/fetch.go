package zigmirror

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"

	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/store/cache"
	"github.com/org/registry-action/internal/store/spool"
)

const maxValidator = 256 // bytes of an ETag

// fetch asks the forge and keeps what it sends. old is what is known of the copy there is, or nil.
func (s *Service) fetch(ctx context.Context, p Place, old *Info) error {
	// Encoded it would be another archive.
	header := http.Header{"Accept": {"*/*"}, "Accept-Encoding": {"identity"}, "User-Agent": {s.opt.UserAgent}}
	tries := maxTries
	if old != nil {
		tries = 1
		if old.ETag != "" {
			header.Set("If-None-Match", old.ETag)
		}
	}
	resp, err := s.send(ctx, p, header, tries)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was read to the end, or is not wanted
	switch resp.StatusCode {
	case http.StatusOK:
		return s.receive(ctx, p, resp)
	case http.StatusNotModified:
		if old == nil {
			return answered(resp, p)
		}
		err := s.confirm(p, *old, resp.Header)
		if errors.Is(err, cache.ErrNotFound) {
			_ = resp.Body.Close()
			return s.fetch(ctx, p, nil) // evicted meanwhile
		}
		return err
	case http.StatusNotFound, http.StatusGone, http.StatusUnavailableForLegalReasons:
		s.absent.Put(p.key(), struct{}{}, s.opt.NotFoundAge)
		if err := s.opt.Cache.Delete(p.key()); err != nil {
			return err
		}
		return notFound(p)
	case http.StatusTooManyRequests:
		e := unavailable(fmt.Errorf("status %d", resp.StatusCode), p)
		e.Wait = egress.RetryAfter(resp.Header, s.opt.Now())
		return e
	}
	return answered(resp, p)
}

// send makes the request. An error is a fault.
func (s *Service) send(ctx context.Context, p Place, header http.Header, tries int) (*http.Response, error) {
	health := s.health[p.Host]
	if !health.Allow() {
		return nil, unavailable(fmt.Errorf("%w: the last requests failed", egress.ErrNotSent), p)
	}
	u, err := url.Parse(p.URL())
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(ctx, egress.Request{URL: u, Header: header, Tries: tries, Slots: s.slots})
	refused, isRefused := errors.AsType[*egress.RefusedError](err)
	if ctx.Err() == nil && !isRefused && !errors.Is(err, egress.ErrNotSent) {
		health.Note(err == nil && !egress.Passing(resp.StatusCode) && resp.StatusCode != http.StatusTooManyRequests)
	}
	switch {
	case err == nil:
		return resp, nil
	case isRefused:
		return nil, fault.Wrap(refused, fault.Upstream, "%s leads to %s, which this server does not follow: only public hosts are asked, and https stays https", p.URL(), refused.Host)
	}
	return nil, unavailable(err, p)
}

// answered is the refusal for a status that an archive can't have.
func answered(resp *http.Response, p Place) error {
	if resp.StatusCode >= http.StatusInternalServerError {
		return unavailable(fmt.Errorf("status %d", resp.StatusCode), p)
	}
	return fault.New(fault.Upstream, "%s is answered with status %d by %s", p.URL(), resp.StatusCode, p.Host)
}

// confirm notes that a copy is still what the forge has.
func (s *Service) confirm(p Place, i Info, h http.Header) error {
	i.FetchedAt = s.opt.Now().UTC()
	i.validator(h)
	text, err := json.Marshal(i)
	if err != nil {
		return err
	}
	return s.opt.Cache.Touch(p.key(), text)
}

// validator takes over the ETag that an answer has.
func (i *Info) validator(h http.Header) {
	if etag := h.Get("ETag"); etag != "" && len(etag) <= maxValidator {
		i.ETag = etag
	}
}

// receive takes in the archive of an answer and packs it anew.
func (s *Service) receive(ctx context.Context, p Place, resp *http.Response) error {
	if resp.ContentLength > s.opt.MaxPackage {
		return wrong(s.spool.TooLarge("the archive"), p)
	}
	return s.withFile(func(sent *spool.File) error {
		size, err := io.Copy(sent, s.spool.Bounded(resp.Body, "the archive"))
		if err != nil {
			return broken(err, p)
		}
		select {
		case s.unpacking <- struct{}{}:
			defer func() { <-s.unpacking }()
		case <-ctx.Done():
			return unavailable(context.Cause(ctx), p)
		}
		err = s.withFile(func(scratch *spool.File) error { return s.repack(ctx, p, resp.Header, sent, size, scratch) })
		if err != nil && ctx.Err() != nil {
			return unavailable(context.Cause(ctx), p)
		}
		return wrong(err, p)
	})
}

// broken is the refusal for a body that did not come to its end. If it was our disk
// that failed, err is that.
func broken(err error, p Place) error {
	if _, disk := errors.AsType[*fs.PathError](err); disk {
		return err
	}
	if _, public := fault.Public(err); public {
		return wrong(err, p)
	}
	return unavailable(err, p)
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

// repack checks the archive that was sent and keeps it, packed anew.
func (s *Service) repack(ctx context.Context, p Place, h http.Header, sent io.ReaderAt, size int64, scratch *spool.File) error {
	tree, err := zig.Unpack(ctx, sent, size, scratch.File, s.opt.Archive)
	if err != nil {
		return err
	}
	pkg, err := tree.Inspect(ctx)
	if err != nil {
		return err
	}
	w, err := s.opt.Cache.Create(p.key())
	if err != nil {
		return err
	}
	defer w.Abort(nil) // does nothing after Commit
	sum := digest.NewHasher()
	if err := pkg.Write(ctx, s.spool.BoundedWriter(io.MultiWriter(w, sum), "the archive, packed anew,")); err != nil {
		return err
	}
	i := describe(pkg)
	i.Commit = commitOf(io.NewSectionReader(sent, 0, size))
	i.SHA256, i.FetchedAt = sum.Sums().SHA256, s.opt.Now().UTC()
	i.validator(h)
	if i.Commit == "" && !p.Fixed() {
		i.Warnings = append(i.Warnings, zig.Warning{Code: "moving_ref", Message: "what " + p.Ref + " names may change, and its hash with it; use the address of a commit, 40 hex digits"})
	}
	text, err := json.Marshal(i)
	if err != nil {
		return err
	}
	if err := w.Commit(text); err != nil {
		return err
	}
	s.absent.Forget(p.key())
	return nil
}

// The bounds of the warnings that are kept with an archive, so that they fit a cache's meta.
const (
	maxWarnings = 20
	maxWarning  = 500 // characters
)

// describe is what a package says of itself.
func describe(pkg *zig.Package) Info {
	i := Info{Hashes: pkg.Hashes, Zig: pkg.Zig}
	if pkg.Manifest != nil {
		i.Name, i.Version = pkg.Manifest.Name, pkg.Manifest.Version
	}
	for _, w := range pkg.Warnings[:min(len(pkg.Warnings), maxWarnings)] {
		w.Message = fmt.Sprintf("%.*s", maxWarning, w.Message)
		i.Warnings = append(i.Warnings, w)
	}
	return i
}

// commitOf is the commit that an archive made by Git is of: a comment in its first
// header. It is what the forge says, and binds nobody.
func commitOf(archive io.Reader) string {
	gz, err := gzip.NewReader(archive)
	if err != nil {
		return ""
	}
	h, err := tar.NewReader(gz).Next()
	if err != nil || h.Typeflag != tar.TypeXGlobalHeader || !commit.MatchString(h.PAXRecords["comment"]) {
		return ""
	}
	return h.PAXRecords["comment"]
}
