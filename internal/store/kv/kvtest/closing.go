package kvtest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/org/registry-action/internal/store/kv"
)

func testCancelledContext(t *testing.T, s *suite) {
	s.apply(t, kv.Put(row("p", "s", "v")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Apply(ctx, kv.Put(row("p", "s", "w"))); !errors.Is(err, context.Canceled) {
		t.Errorf("Apply: got %v, want context.Canceled", err)
	}
	if _, err := s.Get(ctx, key("p", "s")); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: got %v, want context.Canceled", err)
	}
	if rows, err := collect(ctx, s.DB, "p", kv.Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Scan: got %d rows, %v, want context.Canceled", len(rows), err)
	}
	s.value(t, key("p", "s"), "v")

	s.fill(t, "many", manyRows, func(int) kv.Row { return kv.Row{} })
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range s.Scan(ctx, "many", kv.Query{}) {
		n, last = n+1, err
		cancel()
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("Scan cancelled at its first row went on for %d rows: %v", n, last)
	}
}

func testClosed(t *testing.T, s *suite) {
	s.apply(t, kv.Put(row("p", "s", "v")))
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
	if err := s.Apply(t.Context(), kv.Put(row("p", "s", "w"))); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("Apply: got %v, want ErrClosed", err)
	}
	if err := s.Apply(t.Context()); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("Apply of nothing: got %v, want ErrClosed", err)
	}
	if _, err := s.Get(t.Context(), key("p", "s")); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("Get: got %v, want ErrClosed", err)
	}
	if _, err := collect(t.Context(), s.DB, "p", kv.Query{}); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("Scan: got %v, want ErrClosed", err)
	}
}

// Every call under way when the store closes is answered: done or ErrClosed.
func testCloseDuringWrites(t *testing.T, s *suite) {
	var closed atomic.Bool
	errs := race(func(i int) error {
		if i == 0 {
			defer closed.Store(true)
			if err := s.Apply(t.Context(), kv.Add(key("p", "n"), 1)); err != nil {
				return err
			}
			return s.Close()
		}
		for {
			last := closed.Load()
			err := s.Apply(t.Context(), kv.Add(key("p", "n"), 1))
			if errors.Is(err, kv.ErrClosed) {
				return nil
			}
			if err != nil {
				return err
			}
			if last {
				return errors.New("a batch was applied after Close")
			}
		}
	})
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
