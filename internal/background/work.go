// Package background is about work that outlives the request that asked for it, and not the service that does it.
package background

import (
	"context"
	"sync"
	"time"

	"github.com/org/registry-action/internal/fault"
)

// Work is what a service does for several who ask: it does not end with the one who asked first, but with the service.
type Work struct {
	mu      sync.Mutex // between Begin and Close
	running sync.WaitGroup
	ctx     context.Context // in the struct, since no caller's is the right one
	cancel  context.CancelFunc
}

// NewWork returns the work of a service, which closes it.
func NewWork() *Work {
	w := &Work{}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// Begin registers work. Its ctx ends with the service, or when limit is over; the work calls done at its end. After Close the
// error is fault.Unavailable.
func (w *Work) Begin(limit time.Duration) (ctx context.Context, done func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.Ended() {
		return nil, nil, fault.New(fault.Unavailable, "this server is stopping; try again in a moment")
	}
	w.running.Add(1)
	ctx, cancel := context.WithTimeout(w.ctx, limit)
	return ctx, func() { cancel(); w.running.Done() }, nil
}

// Ended reports whether the service has ended: what fails then says nothing of a host.
func (w *Work) Ended() bool { return w.ctx.Err() != nil }

// Close ends what is under way and waits for it.
func (w *Work) Close() {
	w.mu.Lock()
	w.cancel()
	w.mu.Unlock()
	w.running.Wait()
}
