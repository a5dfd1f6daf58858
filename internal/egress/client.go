package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	firstWait   = 200 * time.Millisecond // between tries; it doubles
	idleTimeout = time.Minute            // in which no byte of a body comes
)

// ErrSlow ends a request that is not answered, or not to its end.
var ErrSlow = errors.New("no answer in time")

// Client sends requests.
type Client struct {
	Guard   *Guard
	Timeout time.Duration // until the first byte of an answer, all tries together
	Observe Observe       // nil: nobody
}

// Observe is told how a request went, and how long its answer's headers took, tries and the wait for a slot included.
type Observe func(outcome string, took time.Duration)

// Request is what a Client sends.
type Request struct {
	Method string // "": GET
	URL    *url.URL
	Header http.Header
	Body   []byte
	Tries  int // 0: one
	Slots  Slots
}

// Do sends a request and returns its answer, whatever its status. The caller closes its body, which ends with an error
// if no byte comes for a minute. Tried again are requests that got no answer or one of 502, 503 and 504. ErrNotSent if
// there was no slot; a RefusedError if the request, or a redirect, leads where none is sent.
func (c *Client) Do(ctx context.Context, req Request) (*http.Response, error) {
	began := time.Now()
	resp, err := c.do(ctx, req)
	if c.Observe != nil {
		c.Observe(outcome(resp, err), time.Since(began))
	}
	return resp, err
}

// outcome names how a request went, in one of a few words.
func outcome(resp *http.Response, err error) string {
	_, refused := errors.AsType[*RefusedError](err)
	switch {
	case err == nil:
		return strconv.Itoa(resp.StatusCode/100) + "xx"
	case refused:
		return "refused"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, ErrNotSent):
		return "not_sent"
	}
	return "no_answer"
}

func (c *Client) do(ctx context.Context, req Request) (*http.Response, error) {
	if err := req.Slots.take(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	free := sync.OnceFunc(func() { cancel(nil); req.Slots.leave() })
	timer := time.AfterFunc(c.Timeout, func() { cancel(ErrSlow) })
	resp, err := c.roundTrips(ctx, req)
	timer.Stop()
	if err != nil {
		err = clean(ctx, err)
		free()
		return nil, err
	}
	resp.Body = &watched{ReadCloser: resp.Body, ctx: ctx, timer: timer, free: free}
	return resp, nil
}

func (c *Client) roundTrips(ctx context.Context, r Request) (*http.Response, error) {
	var body any // a nil []byte would be a body
	if r.Body != nil {
		body = r.Body
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, r.Method, r.URL.String(), body)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, r.Header)
	client := &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: c.Guard, CheckRedirect: CheckRedirect},
		RetryMax:     max(0, r.Tries-1),
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
		return Passing(resp.StatusCode), nil
	}
	_, refused := errors.AsType[*RefusedError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	return !refused && !certificate && !notTLS, nil
}

// Passing reports whether a status is that of a server that is not there at the moment.
func Passing(status int) bool {
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
	if err != nil && (err != io.EOF || w.ctx.Err() != nil) { // a host that is hung up on may end the body in good order
		err = clean(w.ctx, err)
	}
	return n, err
}

func (w *watched) Close() error {
	w.timer.Stop()
	defer w.free()
	return w.ReadCloser.Close()
}
