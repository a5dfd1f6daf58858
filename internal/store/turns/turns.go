// Package turns is how rows are written that others write too. The writers of one server take turns, so that they don't
// lose against each other again and again; between servers the conditions of a write decide, and who loses reads again.
package turns

import (
	"context"
	"errors"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// ErrUnchanged ends a write, successfully, with nothing written.
var ErrUnchanged = errors.New("nothing to change")

const tries = 20

// Retry calls write, which reads, decides and applies, anew each time it loses with kv.ErrConflict, as it also may say of
// rows that it has read and that don't go together. what is, in the refusal (fault.Unavailable), that which too many change.
func Retry(what string, write func() error) error {
	for range tries {
		err := write()
		if errors.Is(err, ErrUnchanged) {
			return nil
		}
		if !errors.Is(err, kv.ErrConflict) {
			return err
		}
	}
	return fault.New(fault.Unavailable, "too many changes of %s at once; send the request again", what)
}

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

// Write is Retry in the turn of all the names.
func (t *Turns) Write(ctx context.Context, names []string, write func() error) error {
	done, err := t.Take(ctx, names...)
	if err != nil {
		return err
	}
	defer done()
	return Retry(strings.Join(names, ", "), write)
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
