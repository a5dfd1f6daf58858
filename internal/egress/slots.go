package egress

import (
	"context"
	"errors"
	"fmt"
)

// ErrNotSent: the host has nothing to do with it.
var ErrNotSent = errors.New("not sent")

// Slots bound how many requests are under way, and how many wait to be: those
// who asked for them may be gone.
type Slots struct {
	waiting     int
	free, queue chan struct{}
}

// NewSlots returns slots for so many requests at the same time, and so many that wait.
func NewSlots(requests, waiting int) Slots {
	return Slots{waiting, make(chan struct{}, requests), make(chan struct{}, requests+waiting)}
}

func (s Slots) take(ctx context.Context) error {
	select {
	case s.queue <- struct{}{}:
	default:
		return fmt.Errorf("%w: %d requests wait", ErrNotSent, s.waiting)
	}
	select {
	case s.free <- struct{}{}:
		return nil
	case <-ctx.Done():
		<-s.queue
		return fmt.Errorf("%w: waited for other requests: %w", ErrNotSent, context.Cause(ctx))
	}
}

func (s Slots) leave() { <-s.free; <-s.queue }
