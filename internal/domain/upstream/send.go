package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/fault"
)

const (
	maxRequests = 64   // at the same time, of documents and of tarballs
	maxWaiting  = 1000 // for their turn
	maxTries    = 3    // while there is no copy to fall back on
)

// call is one request to upstream or to where it points.
type call struct {
	method string // "": GET
	url    *url.URL
	header http.Header
	body   []byte
	tries  int
	slots  egress.Slots
}

// notFollowed says of a host why no request is sent there.
const notFollowed = "points to %s, which this server does not follow: only upstream itself may have a private address, and https stays https"

// send makes a request and returns its answer, whatever its status. The caller closes its
// body. Retried are GETs that got no answer or one of 502, 503 and 504. An error is a fault.
func (s *Service) send(ctx context.Context, c call) (*http.Response, error) {
	counted := s.client.Guard.Own(c.url) && c.method == "" // audits are slow for reasons of their own
	if counted && !s.health.Allow() {
		return nil, s.unavailable(fmt.Errorf("%w: the last requests failed", egress.ErrNotSent))
	}
	resp, err := s.client.Do(ctx, s.outgoing(ctx, c))
	if counted && ctx.Err() == nil && !errors.Is(err, egress.ErrNotSent) { // who asked, and did not wait to the end, says nothing of upstream
		s.health.Note(err == nil && !egress.Passing(resp.StatusCode) && resp.StatusCode != http.StatusTooManyRequests)
	}
	if err == nil {
		return resp, nil
	}
	if refused, ok := errors.AsType[*egress.RefusedError](err); ok {
		return nil, s.wrong(refused, notFollowed, refused.Host)
	}
	return nil, s.unavailable(err)
}

// outgoing is a call as it is sent: with our name, and the token where it belongs.
func (s *Service) outgoing(ctx context.Context, c call) egress.Request {
	header := http.Header{}
	maps.Copy(header, c.header)
	header.Set("User-Agent", s.opt.UserAgent)
	header.Set(hopHeader, strings.TrimPrefix(hopsOf(ctx)+", "+s.id, ", "))
	if s.opt.Token != "" && egress.SameOrigin(c.url, s.base) {
		header.Set("Authorization", "Bearer "+s.opt.Token)
	}
	return egress.Request{Method: c.method, URL: c.url, Header: header, Body: c.body, Tries: c.tries, Slots: c.slots}
}

// bounded reads at most max bytes of what; more is an error.
func (s *Service) bounded(r io.Reader, max int64, what string) io.Reader {
	return &boundedReader{r, max, s.wrong(nil, "%s is larger than the %d bytes that this server takes", what, max)}
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

// broken is the refusal for a body that did not come to its end. If it was our disk
// that failed, err is that.
func (s *Service) broken(err error) error {
	_, public := fault.Public(err)
	if _, disk := errors.AsType[*fs.PathError](err); public || disk {
		return err
	}
	return s.unavailable(err)
}
