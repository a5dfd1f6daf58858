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
	mu     sync.Mutex
	closed bool
	under  sync.WaitGroup
	life   context.Context // in the struct, since no caller's is the right one
	end    context.CancelFunc
}

// NewWork returns the work of a service, which closes it.
func NewWork() *Work {
	w := &Work{}
	w.life, w.end = context.WithCancel(context.Background())
	return w
}

// Begin registers work, which ends with the service or when its time is up, and calls done at its end. After Close it is
// fault.Unavailable.
func (w *Work) Begin(limit time.Duration) (ctx context.Context, done func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, nil, fault.New(fault.Unavailable, "this server is stopping; try again in a moment")
	}
	w.under.Add(1)
	ctx, cancel := context.WithTimeout(w.life, limit)
	return ctx, func() { cancel(); w.under.Done() }, nil
}

// Ended reports whether the service has ended: what fails then says nothing of a host.
func (w *Work) Ended() bool { return w.life.Err() != nil }

// Close ends what is under way and waits for it.
func (w *Work) Close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.end()
	w.under.Wait()
}
