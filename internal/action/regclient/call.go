package regclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// call is one request with all its tries.
type call struct {
	c      *Client
	method string
	url    *url.URL
	own    bool // url has the registry's origin
	direct bool // url is that of the store behind the registry
	header http.Header
	body   any   // []byte or retryablehttp.ReaderFunc, which gives each try a reader of its own
	size   int64 // of the body
	into   any   // where a JSON answer goes; nil if none is expected
	token  string
	renews bool // the token can be renewed
	// bearer brings the token of each try, if it is not the client's; nil: it is.
	bearer func(context.Context) (string, error)

	retries int
	tries   int
	delay   time.Duration // before the next try
	waited  time.Duration
	reason  error // of the next try
}

func (c *Client) call(method string, u *url.URL) *call {
	l := &call{c: c, method: method, url: u, own: sameOrigin(u, c.base), header: http.Header{"User-Agent": {c.opt.UserAgent}}, retries: c.opt.Retries}
	if l.own {
		token, renew := c.authentication()
		l.show(token)
		l.renews = renew != nil
	}
	return l
}

// do sends the request until it succeeds, is refused or the tries are used up,
// and returns the status of the answer. A token that has ended is renewed once.
func (l *call) do(ctx context.Context) (int, error) {
	status, err := l.send(ctx)
	if !l.renewable(err) {
		return status, err
	}
	token, failed := l.c.renew(ctx, l.token)
	if failed != nil {
		return 0, fmt.Errorf("the registry takes this run's token no more, and there is no other: %w", failed)
	}
	l.show(token)
	l.tries, l.waited = 0, 0
	return l.send(ctx)
}

func (l *call) send(ctx context.Context) (int, error) {
	if err := l.showOwn(ctx); err != nil {
		return 0, err
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, l.method, l.url.String(), l.body)
	if err != nil {
		return 0, l.wrap(err)
	}
	req.ContentLength = l.size
	req.Header = l.header
	req.SetResponseHandler(l.read)
	client := &retryablehttp.Client{
		HTTPClient:   l.c.http,
		RetryMax:     l.retries,
		CheckRetry:   l.checkRetry,
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return 0 },
		PrepareRetry: l.pause,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	resp, err := client.Do(req)
	if resp != nil {
		defer resp.Body.Close()
	}
	if err == nil && !l.accepted(resp.StatusCode) {
		err = l.refusal(resp) // the last of too many tries
	}
	if err != nil {
		return 0, l.wrap(err)
	}
	return resp.StatusCode, nil
}

// accepted are the statuses of success. A store that has a blob already says that the condition of a new one failed.
func (l *call) accepted(status int) bool {
	return slices.Contains([]int{http.StatusOK, http.StatusCreated, http.StatusNoContent}, status) ||
		l.direct && status == http.StatusPreconditionFailed && l.header.Get("If-None-Match") != ""
}

// pause waits before a try, in place of the library, which cannot be told how.
func (l *call) pause(req *http.Request) error {
	l.c.opt.Logger.WarnContext(req.Context(), "registry: trying again",
		"method", l.method, "url", l.location(), "reason", clean(l.reason), "wait", l.delay.Round(100*time.Millisecond), "try", l.tries+1)
	l.waited += l.delay
	if err := l.c.opt.Wait(req.Context(), l.delay); err != nil {
		return err
	}
	if err := l.showOwn(req.Context()); err != nil {
		return err
	}
	req.Header = l.header
	return nil
}

// location is the URL without what may be secret in it: a presigned URL's query.
func (l *call) location() string {
	return (&url.URL{Scheme: l.url.Scheme, Host: l.url.Host, Path: l.url.Path}).String()
}

// wrap says what was tried. An *Error says so itself.
func (l *call) wrap(err error) error {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused
	}
	tries := ""
	if l.tries > 1 {
		tries = fmt.Sprintf(" (tried %d times)", l.tries)
	}
	wayOut := ""
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		wayOut = "; is a registry-server running there, and can this machine reach it?"
	}
	return fmt.Errorf("%s %s%s: %w%s", l.method, l.location(), tries, clean(err), wayOut)
}

// clean strips net/http's wrapper, whose text has the whole URL.
func clean(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// drain reads the rest of a short answer, so that its connection is used again.
func drain(body io.Reader) { _, _ = io.CopyN(io.Discard, body, 4<<10) }
