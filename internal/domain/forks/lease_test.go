package forks_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/forks"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge/forgetest"
)

// One server at a time comments on a pull request, and one that dies does not keep the others from it.
func TestAlone(t *testing.T) {
	w := newWorld(t, forks.Options{}, forgetest.Token)
	turns := make(chan struct{}, 100)
	wait := func(ctx context.Context, _ time.Duration) error { // until somebody is done
		select {
		case <-turns:
		case <-ctx.Done():
			return ctx.Err()
		}
		return nil
	}
	var at, most, all atomic.Int32
	var done sync.WaitGroup
	for range 3 {
		s := w.another()
		done.Go(func() {
			err := s.Alone(t.Context(), "acme/ws", 7, wait, func(context.Context) error {
				most.Store(max(most.Load(), at.Add(1)))
				all.Add(1)
				at.Add(-1)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			for range 10 {
				turns <- struct{}{}
			}
		})
	}
	done.Wait()
	if most.Load() != 1 || all.Load() != 3 {
		t.Errorf("%d at a time and %d in all, want 1 and 3", most.Load(), all.Load())
	}

	never := func(context.Context, time.Duration) error { return nil }
	inside := func(ctx context.Context) error {
		if err := w.another().Alone(ctx, "Acme/ws", 7, never, nil); !errors.Is(err, fault.Unavailable) {
			t.Errorf("another server while one is at it: %v, want fault.Unavailable", err)
		}
		if err := w.another().Alone(ctx, "acme/ws", 8, never, func(context.Context) error { return nil }); err != nil {
			t.Errorf("another pull request: %v", err)
		}
		w.Pass(3 * time.Minute) // as if this one had died
		return w.another().Alone(ctx, "acme/ws", 7, never, func(context.Context) error { return nil })
	}
	if err := w.Alone(t.Context(), "acme/ws", 7, never, inside); err != nil {
		t.Error(err)
	}
}
