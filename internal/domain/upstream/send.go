package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/org/registry-action/internal/fault"
)

const (
	maxRequests = 64                     // at the same time, of documents and of tarballs
	maxWaiting  = 1000                   // for their turn
	maxTries    = 3                      // while there is no copy to fall back on
	firstWait   = 200 * time.Millisecond // between tries; it doubles
	idleTimeout = time.Minute            // in which no byte of a body comes
)

// errSlow ends a request that upstream does not answer, or stops answering.
var errSlow = errors.New("no answer in time")

// call is one request to upstream or to where it points.
type call struct {
	method string // "": GET
	url    *url.URL
	header http.Header
	body   []byte
	tries  int
	slots  slots
}

// errNotSent: upstream has nothing to do with it.
var errNotSent = errors.New("not sent")

// slots bound how many requests are under way, and how many wait to be: those
// who asked for them may be gone.
type slots struct{ free, queue chan struct{} }

func newSlots() slots {
	return slots{make(chan struct{}, maxRequests), make(chan struct{}, maxRequests+maxWaiting)}
}

func (s slots) take(ctx context.Context) error {
	select {
	case s.queue <- struct{}{}:
	default:
		return fmt.Errorf("%w: %d requests wait", errNotSent, maxWaiting)
	}
	select {
	case s.free <- struct{}{}:
		return nil
	case <-ctx.Done():
		<-s.queue
		return fmt.Errorf("%w: waited for other requests: %w", errNotSent, context.Cause(ctx))
	}
}

func (s slots) leave() { <-s.free; <-s.queue }

// send makes a request and returns its answer, whatever its status. The caller closes its
// body. Retried are GETs that got no answer or one of 502, 503 and 504. An error is a fault.
func (s *Service) send(ctx context.Context, c call) (*http.Response, error) {
	counted := s.guard.own(c.url) && c.method == "" // audits are slow for reasons of their own
	if counted && !s.health.allow() {
		return nil, s.unavailable(fmt.Errorf("%w: the last requests failed", errNotSent))
	}
	if err := c.slots.take(ctx); err != nil {
		return nil, s.unavailable(err)
	}
	resp, err := s.try(ctx, c)
	if counted && !errors.Is(err, context.Canceled) { // by who asked, or by Close
		s.health.note(err == nil && !passing(resp.StatusCode) && resp.StatusCode != http.StatusTooManyRequests)
	}
	if err == nil {
		return resp, nil
	}
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return nil, s.wrong(refused, "points to %s, which this server does not follow: only upstream itself may have a private address, and https stays https", refused.host)
	}
	return nil, s.unavailable(err)
}

// try sends the request, with its tries. It frees the slot in the end.
func (s *Service) try(ctx context.Context, c call) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	free := sync.OnceFunc(func() { cancel(nil); c.slots.leave() })
	timer := time.AfterFunc(s.opt.Timeout, func() { cancel(errSlow) })
	resp, err := s.roundTrips(ctx, c)
	timer.Stop()
	if err != nil {
		err = clean(ctx, err)
		free()
		return nil, err
	}
	resp.Body = &watched{ReadCloser: resp.Body, ctx: ctx, timer: timer, free: free}
	return resp, nil
}

func (s *Service) roundTrips(ctx context.Context, c call) (*http.Response, error) {
	var body any // a nil []byte would be a body
	if c.body != nil {
		body = c.body
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, c.method, c.url.String(), body)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, c.header)
	req.Header.Set("User-Agent", s.opt.UserAgent)
	req.Header.Set(HopHeader, s.id)
	if s.opt.Token != "" && sameOrigin(c.url, s.base) {
		req.Header.Set("Authorization", "Bearer "+s.opt.Token)
	}
	client := &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: s.guard, CheckRedirect: checkRedirect},
		RetryMax:     max(0, c.tries-1),
		CheckRetry:   checkRetry,
		Backoff:      func(_, _ time.Duration, i int, _ *http.Response) time.Duration { return firstWait << i },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	return client.Do(req)
}

// checkRetry decides about another try. go-retryablehttp's own policy is not
// used: it tells errors apart by their text.
func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if err == nil {
		return passing(resp.StatusCode), nil
	}
	_, refused := errors.AsType[*refusedError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	return !refused && !certificate && !notTLS, nil
}

// passing are the statuses of a server that is not there at the moment.
func passing(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

// clean replaces the error of a cancelled request by the reason, and strips
// net/http's wrapper, whose text has the whole URL.
func clean(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// watched is a body that ends if no byte comes for a while.
type watched struct {
	io.ReadCloser
	ctx   context.Context // of the request
	timer *time.Timer
	free  func()
}

func (w *watched) Read(p []byte) (int, error) {
	w.timer.Reset(idleTimeout)
	n, err := w.ReadCloser.Read(p)
	w.timer.Stop()
	if err != nil && err != io.EOF {
		err = clean(w.ctx, err)
	}
	return n, err
}

func (w *watched) Close() error {
	w.timer.Stop()
	defer w.free()
	return w.ReadCloser.Close()
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
