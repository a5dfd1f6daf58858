package upstream

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// restFor is how long a failure is remembered: requests do without upstream
	// meanwhile, at once, in place of waiting for it one after another.
	restFor = 10 * time.Second
	// maxFailures in a row, of whatever requests, are an upstream that is down.
	maxFailures = 3
	logEvery    = time.Minute
)

// health knows whether upstream answers at all. What goes wrong with one name
// only is for Service.failed.
type health struct {
	now func() time.Time
	log *slog.Logger

	mu     sync.Mutex
	row    int       // failures without a success in between
	until  time.Time // upstream rests
	logged time.Time
}

// allow reports whether upstream may be asked. While it is down one request is
// let through every now and then.
func (h *health) allow() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.row < maxFailures {
		return true
	}
	if h.now().Before(h.until) {
		return false
	}
	h.until = h.now().Add(restFor)
	return true
}

// note takes in how a request went.
func (h *health) note(ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ok {
		h.row = 0
		return
	}
	h.row++
	h.until = h.now().Add(restFor)
}

// warn logs that something went wrong, now and then.
func (h *health) warn(ctx context.Context, message string, args ...any) {
	h.mu.Lock()
	now := h.now()
	quiet := !h.logged.IsZero() && now.Sub(h.logged) < logEvery
	if !quiet {
		h.logged = now
	}
	h.mu.Unlock()
	if !quiet {
		h.log.WarnContext(ctx, message, args...)
	}
}
