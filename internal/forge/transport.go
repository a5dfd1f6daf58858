package forge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/pause"
)

const (
	maxTries    = 5
	maxWait     = 2 * time.Minute  // of one pause; a longer one is an error
	tryTimeout  = 30 * time.Second // of one request with its answer
	maxResponse = 32 << 20         // bytes: a page of the longest comments
)

// transport authenticates, bounds and retries. Reads are retried here. Writes
// are not: what is right to write may have changed after a pause, so Upsert
// starts over. A write that was refused for its rate is a *limitError, one
// that may or may not have happened is the error or answer as it came.
type transport struct {
	base      http.RoundTripper
	host      string
	authority string // the Authorization header; "" for none
	now       func() time.Time
	wait      func(context.Context, time.Duration) error
}

func newTransport(o Options, api *url.URL) *transport {
	t := &transport{base: o.Transport, host: api.Host, now: o.Now, wait: o.Wait}
	if o.Token != "" {
		t.authority = "Bearer " + o.Token
	}
	if t.base == nil {
		t.base = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second,
			ForceAttemptHTTP2:   true,
			IdleConnTimeout:     30 * time.Second,
		}
	}
	if t.now == nil {
		t.now = time.Now
	}
	if t.wait == nil {
		t.wait = pause.For
	}
	return t
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.send(req, maxResponse)
}

// send is RoundTrip for an answer of at most limit bytes.
func (t *transport) send(req *http.Request, limit int64) (*http.Response, error) {
	read := req.Method == http.MethodGet || req.Method == http.MethodHead
	for try := 1; ; try++ {
		resp, body, err := t.once(req, limit)
		pause := backoff(try)
		if err == nil {
			after, isLimit := limited(resp, body, t.now())
			switch {
			case isLimit && (!read || try == maxTries || after > maxWait):
				return nil, &limitError{resp.StatusCode, after}
			case isLimit:
				pause = after
			case resp.StatusCode < 500 || !read || try == maxTries:
				return unaccounted(resp), nil
			default:
				if after, ok := retryAfter(resp.Header, t.now()); ok {
					pause = min(after, maxWait)
				}
			}
		} else if !read || try == maxTries || req.Context().Err() != nil || errors.Is(err, fault.TooLarge) {
			return nil, err
		}
		if err := t.wait(req.Context(), pause); err != nil {
			return nil, err
		}
	}
}

// once makes one request and reads the whole answer within the time of a try.
func (t *transport) once(req *http.Request, limit int64) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(req.Context(), tryTimeout)
	defer cancel()
	req = req.Clone(ctx)
	if req.URL.Host == t.host && t.authority != "" { // a redirect elsewhere does not get the token
		req.Header.Set("Authorization", t.authority)
	}
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, nil, fmt.Errorf("reading the answer: %w", err)
	}
	if int64(len(body)) > limit {
		return nil, nil, fault.New(fault.TooLarge, "the answer has more than %d bytes", limit)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, body, nil
}

// unaccounted drops the headers from which go-github keeps accounts of its
// own: by those it would refuse requests without asking, on its own clock.
func unaccounted(resp *http.Response) *http.Response {
	for name := range resp.Header {
		if strings.HasPrefix(name, "X-Ratelimit-") {
			resp.Header.Del(name)
		}
	}
	return resp
}

// backoff is the pause after a try that says nothing about when to come back.
func backoff(try int) time.Duration { return time.Second << (try - 1) }

// fetch reads what an address gives, of at most limit bytes. Another host than the API's does not get the token.
func (t *transport) fetch(ctx context.Context, from *url.URL, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := t.send(req, limit)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fault.New(fault.Upstream, "the forge's store answers %d", resp.StatusCode)
	}
	return io.ReadAll(resp.Body)
}
