package egress

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// RestFor is how long a failure is remembered: requests do without the host
	// meanwhile, at once, in place of waiting for it one after another.
	RestFor = 10 * time.Second
	// MaxFailures in a row, of whatever requests, are a host that is down.
	MaxFailures = 3
	logEvery    = time.Minute
)

// Health knows whether a host answers at all. What goes wrong with one of its
// pages only is for who asks for it.
type Health struct {
	now func() time.Time
	log *slog.Logger

	mu     sync.Mutex
	row    int       // failures without a success in between
	until  time.Time // the host rests
	logged time.Time
}

// NewHealth returns the Health of a host that is well.
func NewHealth(now func() time.Time, log *slog.Logger) *Health { return &Health{now: now, log: log} }

// Allow reports whether the host may be asked. While it is down one request is
// let through every now and then.
func (h *Health) Allow() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.row < MaxFailures {
		return true
	}
	if h.now().Before(h.until) {
		return false
	}
	h.until = h.now().Add(RestFor)
	return true
}

// Up reports whether the host has answered of late; it does not count as a request.
func (h *Health) Up() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.row < MaxFailures
}

// Note takes in how a request went.
func (h *Health) Note(ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ok {
		h.row = 0
		return
	}
	h.row++
	h.until = h.now().Add(RestFor)
}

// Warn logs that something went wrong, now and then.
func (h *Health) Warn(ctx context.Context, message string, args ...any) {
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
