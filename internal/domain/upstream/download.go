package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/cache"
)

const (
	// downloadTime is for a whole tarball; what ends a stuck one is egress.
	downloadTime = time.Hour
	copyBuffer   = 32 << 10
)

// download is a tarball on its way into the cache.
type download struct {
	users int // who holds it: the one who does it, and who is about to follow; guarded by Service.mu

	ready chan struct{} // closed when its first bytes may come, or at the end
	w     *cache.Writer // nil if there was no need for one
	hold  io.Closer     // keeps w open for who is about to follow
	size  int64         // -1 if not known
	done  chan struct{} // closed at the end
	err   error
}

// join returns a tarball as it comes; nil if it is in the cache by now.
func (s *Service) join(ctx context.Context, want goal) (*Tarball, error) {
	if err, ok := s.failing(want.failure()); ok {
		return nil, err
	}
	d := s.download(ctx, want)
	defer s.leave(d)
	select {
	case <-d.ready:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case <-d.done:
		if d.err != nil || d.w == nil {
			return nil, d.err
		}
	default:
	}
	r, err := d.w.Follow()
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = r.Close() }) // ends a Read that waits
	return &Tarball{Stream: &stream{r, stop}, Size: d.size, ID: want.id}, nil
}

// download returns the download under way of a tarball, or begins one. The caller leaves it.
func (s *Service) download(ctx context.Context, want goal) *download {
	s.mu.Lock()
	d, ok := s.downloads[want.flight]
	if !ok {
		d = &download{users: 1, ready: make(chan struct{}), done: make(chan struct{})}
		s.downloads[want.flight] = d
	}
	d.users++
	s.mu.Unlock()
	if ok {
		return d
	}
	ctx, done, err := s.begin(ctx, downloadTime)
	if err != nil {
		s.finish(d, want, err)
		return d
	}
	go func() {
		defer done()
		s.finish(d, want, s.fill(ctx, d, want))
	}()
	return d
}

func (s *Service) finish(d *download, want goal, err error) {
	s.unlist(d, want)
	d.err = err
	close(d.done)
	if d.w == nil {
		close(d.ready)
	}
	s.leave(d)
}

// unlist keeps others from joining a download. It comes before anybody learns how the
// download ended: who tries again then must not be given the same failure.
func (s *Service) unlist(d *download, want goal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.downloads[want.flight] == d {
		delete(s.downloads, want.flight)
	}
}

func (s *Service) leave(d *download) {
	s.mu.Lock()
	d.users--
	last := d.users == 0
	s.mu.Unlock()
	if last && d.hold != nil {
		_ = d.hold.Close() // it was only read
	}
}

// fill does the download.
func (s *Service) fill(ctx context.Context, d *download, want goal) error {
	if e, err := s.opt.Cache.Get(want.key); err == nil {
		return e.Close() // another download came to its end just before this one began
	}
	resp, err := s.request(ctx, want)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was read to the end, or is not wanted
	w, err := s.opt.Cache.Create(want.key)
	if err != nil {
		return err
	}
	hold, err := w.Follow()
	if err != nil {
		w.Abort(err)
		return err
	}
	d.w, d.hold, d.size = w, hold, resp.ContentLength
	close(d.ready)
	if err := s.receiveTarball(w, resp.Body, want); err != nil {
		if errors.Is(err, fault.Upstream) {
			s.remember(ctx, want.failure(), err)
			s.opt.Log.WarnContext(ctx, "a tarball of upstream is wrong", "url", location(want.from), "err", err)
		}
		s.unlist(d, want)
		w.Abort(err)
		return err
	}
	if err := w.Commit(nil); err != nil { // who follows has all bytes
		s.opt.Log.ErrorContext(ctx, "a tarball of upstream could not be kept", "file", want.file, "err", err)
	}
	return nil
}

// location is a URL without what may be secret in it.
func location(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// request asks for a tarball and returns the answer that has it.
func (s *Service) request(ctx context.Context, want goal) (*http.Response, error) {
	// Encoded it would have another integrity.
	header := http.Header{"Accept": {"*/*"}, "Accept-Encoding": {"identity"}}
	resp, err := s.send(ctx, call{url: want.from, header: header, tries: maxTries, slots: s.transfers})
	if err == nil {
		err = s.acceptable(resp, want.file)
		if err == nil {
			return resp, nil
		}
		_ = resp.Body.Close() // it is not wanted
	}
	if refused, ok := errors.AsType[*egress.RefusedError](err); ok {
		err = s.forbidden(refused, want.file+" "+notFollowed, refused.Host)
	}
	s.remember(ctx, want.failure(), err)
	return nil, err
}

func (s *Service) acceptable(resp *http.Response, file string) error {
	switch {
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone:
		return fault.New(fault.NotFound, "upstream %s lists %q but does not have it", s.URL(), file)
	case resp.StatusCode != http.StatusOK:
		return s.answered(resp, file)
	case resp.ContentLength > s.opt.MaxTarball:
		return s.wrong(nil, "%s has %d bytes, more than the %d that this server takes", file, resp.ContentLength, s.opt.MaxTarball)
	}
	return nil
}

// receiveTarball writes a body and checks it. The last bytes are held back until all
// have the integrity: who follows must not take a wrong tarball for a whole one
// because its length is right.
func (s *Service) receiveTarball(w io.Writer, body io.Reader, want goal) error {
	body = s.bounded(body, s.opt.MaxTarball, want.file)
	sum := want.new()
	held, next := make([]byte, 0, copyBuffer), make([]byte, copyBuffer)
	for {
		n, err := body.Read(next)
		if n > 0 {
			sum.Write(next[:n])
			if _, err := w.Write(held); err != nil {
				return err
			}
			held, next = next[:n], held[:cap(held)]
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return s.broken(err)
		}
	}
	if !want.matches(sum) {
		return s.wrong(nil, "the bytes of %s do not have the integrity that its packument gives", want.file)
	}
	_, err := w.Write(held)
	return err
}
