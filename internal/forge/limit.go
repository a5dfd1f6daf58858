package forge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// secondaryWait is what GitHub asks to wait after a secondary rate limit that
// names no time ("Best practices for using the REST API").
const secondaryWait = time.Minute

// limitError is a request that GitHub refused for its rate: it did not happen.
type limitError struct {
	status int
	after  time.Duration // until it may be tried again
}

func (e *limitError) Error() string {
	return fmt.Sprintf("GitHub limits the rate of requests (status %d): it may be tried again in %s", e.status, e.after)
}

// limited reports how long a refusal asks to wait, if it is one for the rate.
// A plain 403 is none. go-github v60 knows only 403 as rate limits.
func limited(resp *http.Response, body []byte, now time.Time) (time.Duration, bool) {
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusTooManyRequests {
		return 0, false
	}
	if d, ok := retryAfter(resp.Header, now); ok {
		return d, true
	}
	if resp.Header.Get("X-Ratelimit-Remaining") == "0" {
		if reset, err := strconv.ParseInt(resp.Header.Get("X-Ratelimit-Reset"), 10, 64); err == nil {
			// The reset is a whole second; the clocks may differ by one.
			return max(time.Unix(reset, 0).Sub(now)+time.Second, time.Second), true
		}
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		return secondaryWait, true
	}
	var refusal struct {
		DocumentationURL string `json:"documentation_url"`
	}
	_ = json.Unmarshal(body, &refusal) // no JSON: no sign of a limit either
	if strings.HasSuffix(refusal.DocumentationURL, "rate-limits") {
		return secondaryWait, true
	}
	return 0, false
}

// retryAfter reads the header, in seconds or as a date.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n >= 0 && n <= 1e6 {
		return time.Duration(n) * time.Second, true
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(at.Sub(now), 0), true
	}
	return 0, false
}
