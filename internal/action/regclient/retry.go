package regclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	firstWait     = 500 * time.Millisecond
	longestWait   = 15 * time.Second
	maxRetryAfter = time.Minute
	maxWaited     = 3 * time.Minute // all waits of one call together
)

// checkRetry decides about another try and its delay. go-retryablehttp's own
// policy is not used: it tells errors apart by their text and knows Retry-After
// for two statuses only.
func (l *call) checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if err != nil && (permanent(err) || l.direct && unreachable(err)) || err == nil && !passing(resp.StatusCode) {
		return false, nil
	}
	l.tries++
	l.delay, l.reason = delay(l.tries, resp), err
	if err == nil {
		l.reason = fmt.Errorf("answered %s", status(resp.StatusCode))
	}
	return l.waited+l.delay <= maxWaited, nil
}

// passing are the statuses that another try may change. 501 is not one of them.
func passing(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// permanent are the errors that another try cannot change.
func permanent(err error) bool {
	_, refused := errors.AsType[*Error](err)
	_, source := errors.AsType[*sourceError](err)
	_, redirect := errors.AsType[*redirectError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	return refused || source || redirect || certificate || notTLS || errors.Is(err, http.ErrSchemeMismatch)
}

// delay is what the server asks for (RFC 9110, Retry-After), or doubles from
// try to try, with jitter so that parallel uploads spread out.
func delay(tries int, resp *http.Response) time.Duration {
	if resp != nil {
		if d, ok := retryAfter(resp.Header); ok {
			return min(d, maxRetryAfter)
		}
	}
	d := min(firstWait<<min(tries-1, 10), longestWait)
	return d/2 + rand.N(d/2)
}

// retryAfter reads both forms of the header. A date counts from the server's
// own Date, if it sent one: its clock may differ from ours.
func retryAfter(h http.Header) (time.Duration, bool) {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return max(0, at.Sub(now)), true
}
