package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
)

// host is what a stand-in of the tests needs of a test, where there is none.
type host struct {
	testing.TB // nil: the stand-in calls nothing else
	ctx        context.Context
	cleanups   []func()

	mu       sync.Mutex
	problems []error
}

// Helper implements testing.TB.
func (h *host) Helper() {}

// Context implements testing.TB.
func (h *host) Context() context.Context { return h.ctx }

// Cleanup implements testing.TB.
func (h *host) Cleanup(f func()) { h.cleanups = append(h.cleanups, f) }

// Errorf implements testing.TB.
func (h *host) Errorf(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.problems = append(h.problems, fmt.Errorf(format, args...))
}

// Fatal implements testing.TB: nothing that follows would make sense.
func (h *host) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// failed is what Errorf was told.
func (h *host) failed() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return errors.Join(h.problems...)
}

func (h *host) close() error {
	for _, f := range slices.Backward(h.cleanups) {
		f()
	}
	return h.failed()
}
