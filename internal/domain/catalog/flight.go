package catalog

import (
	"context"
	"sync"
)

// flights lets one caller do what many ask for at the same time; the others get its result.
type flights[K comparable, V any] struct {
	mu      sync.Mutex
	running map[K]*flight[V]
}

type flight[V any] struct {
	done      chan struct{}
	abandoned bool // the caller that did it was cancelled: its error is its own
	value     V
	err       error
}

// do runs work in the goroutine of one of its callers.
func (f *flights[K, V]) do(ctx context.Context, k K, work func() (V, error)) (V, error) {
	for {
		f.mu.Lock()
		c, ok := f.running[k]
		if !ok {
			c = &flight[V]{done: make(chan struct{}), abandoned: true}
			if f.running == nil {
				f.running = map[K]*flight[V]{}
			}
			f.running[k] = c
		}
		f.mu.Unlock()
		if !ok {
			return f.lead(ctx, k, c, work)
		}
		select {
		case <-ctx.Done():
			var none V
			return none, ctx.Err()
		case <-c.done:
		}
		if !c.abandoned {
			return c.value, c.err
		}
	}
}

func (f *flights[K, V]) lead(ctx context.Context, k K, c *flight[V], work func() (V, error)) (V, error) {
	defer func() { // also if work panics: then it stays abandoned, and the next one tries
		f.mu.Lock()
		delete(f.running, k)
		f.mu.Unlock()
		close(c.done)
	}()
	c.value, c.err = work()
	c.abandoned = c.err != nil && ctx.Err() != nil
	return c.value, c.err
}
