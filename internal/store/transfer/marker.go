package transfer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/org/registry-action/internal/store/kv"
)

// The times of the protocol by which all servers of a table stop to write. A server looks for the marker before a
// write unless it has looked within leaseFor; a write that it has begun ends within writeFor.
const (
	leaseFor = 5 * time.Second
	writeFor = 20 * time.Second // more than a driver tries a call

	// Settle is how long after a Mark nobody writes any more.
	Settle = leaseFor + writeFor
)

// Marker is a row that says what becomes of the store it is in.
type Marker struct {
	ID    string `json:"id"`    // of the move
	State State  `json:"state"` // of this store in it
}

// State of a store that a registry is moved from or to.
type State string

// The states.
const (
	Filling State = "filling" // a registry is copied here; no server may use it yet
	Leaving State = "leaving" // a registry is copied from here: no writes
	Left    State = "left"    // the registry is elsewhere: no writes
)

func markerKey() kv.Key { return kv.Key{Partition: Partition, Sort: "move"} }

// ReadMarker returns the marker of a store; the zero Marker if there is none.
func ReadMarker(ctx context.Context, db kv.DB) (Marker, error) {
	m, _, _, err := kv.ReadJSON[Marker](ctx, db, markerKey())
	return m, err
}

// Mark writes a marker over the one of the same move, or where none is; kv.ErrConflict tells of another one.
func Mark(ctx context.Context, db kv.DB, m Marker) error {
	old, raw, found, err := kv.ReadJSON[Marker](ctx, db, markerKey())
	switch {
	case err != nil:
		return err
	case found && old.ID != m.ID:
		return &kv.ConflictError{Key: markerKey()}
	case found && old == m:
		return nil
	}
	return db.Apply(ctx, kv.Upsert(raw, found, kv.JSON(markerKey(), m)))
}

// Unmark removes the marker of a move, if it is there.
func Unmark(ctx context.Context, db kv.DB, id string) error {
	old, raw, found, err := kv.ReadJSON[Marker](ctx, db, markerKey())
	if err != nil || !found || old.ID != id {
		return err
	}
	err = db.Apply(ctx, kv.Drop(raw, markerKey()))
	if errors.Is(err, kv.ErrConflict) {
		return nil // somebody else has removed it
	}
	return err
}

// MarkerOf returns what looks whether the marker of a store lets its servers write, for NewGate.
func MarkerOf(db kv.DB) func(context.Context) error {
	return func(ctx context.Context) error {
		m, err := ReadMarker(ctx, db)
		switch {
		case err != nil:
			return err
		case m.State == Left:
			return Moved()
		case m.State != "":
			return Moving()
		}
		return nil
	}
}

// lease lets a server write for some seconds after it has seen that nobody minds.
type lease struct {
	look func(context.Context) error

	mu    sync.Mutex
	until time.Time
}

// check returns what a write that begins now has to answer, or nil.
func (l *lease) check(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	begun := time.Now()
	if begun.Before(l.until) {
		return nil
	}
	if err := l.look(ctx); err != nil {
		return err
	}
	l.until = begun.Add(leaseFor)
	return nil
}
