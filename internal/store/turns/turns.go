// Package turns keeps the writers of one server from losing against each other again and again: who writes to the same
// rows waits. It promises nothing between servers; there the conditions of a write decide.
package turns

import (
	"context"
	"hash/crc32"
	"slices"
)

// Turns lets those who name the same thing follow one another. Some that name others wait for each other too: there are
// only so many turns, whatever the names.
type Turns [64]Slots

// New returns turns that nobody has.
func New() *Turns {
	t := &Turns{}
	for i := range t {
		t[i] = NewSlots(1)
	}
	return t
}

// Take waits for the turn of all the names; done ends it. Turns are taken in one order, so that two who want the same
// ones never wait for each other. If ctx ends first, its error is returned and nothing is taken.
func (t *Turns) Take(ctx context.Context, names ...string) (done func(), err error) {
	var wanted []uint32
	for _, name := range names {
		wanted = append(wanted, crc32.ChecksumIEEE([]byte(name))%uint32(len(t)))
	}
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	release := func(n int) {
		for _, i := range wanted[:n] {
			<-t[i]
		}
	}
	for n, i := range wanted {
		if _, err := t[i].Take(ctx); err != nil {
			release(n)
			return nil, err
		}
	}
	return func() { release(len(wanted)) }, nil
}

// Slots are places for so many at the same time.
type Slots chan struct{}

// NewSlots returns n free places.
func NewSlots(n int) Slots { return make(Slots, n) }

// Take waits for a place; done gives it back. If ctx ends first, its error is returned and nothing is taken.
func (s Slots) Take(ctx context.Context) (done func(), err error) {
	select {
	case s <- struct{}{}:
		return func() { <-s }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
