package egress

import (
	"net/http"
	"strconv"
	"time"
)

// maxWait bounds how long a host may ask to be left alone.
const maxWait = 10 * time.Minute

// RetryAfter is how long an answer asks to be left alone (RFC 9110 §10.2.3): at least RestFor, at most ten minutes.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	text, wait := h.Get("Retry-After"), time.Duration(0)
	if n, err := strconv.Atoi(text); err == nil {
		wait = time.Duration(min(n, int(maxWait/time.Second))) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, RestFor), maxWait)
}
