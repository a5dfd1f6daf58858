package lifetime

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
)

// The times of the protocol that keeps bytes alive (see the package comment).
const (
	holdFor    = 6 * time.Hour  // a hold's life
	holdMargin = 3 * time.Hour  // a hold that ends sooner is renewed
	keepAhead  = 24 * time.Hour // how much longer than asked blobs are kept, so that the day's others write nothing
	doomedFor  = time.Minute    // after this, whoever doomed a blob is taken for dead
)

// forever is when a pinned blob ends.
var forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// hold is the row that keeps a blob.
type hold struct {
	Until  time.Time `json:"until"`
	Since  time.Time `json:"since,omitzero"`  // the bytes are no older than this; zero: not known
	Doomed time.Time `json:"doomed,omitzero"` // set: the bytes are being removed
}

const holdTries = 8

// Hold keeps a blob for some hours, whether or not its bytes are there yet.
func (k *Keeper) Hold(ctx context.Context, b blob.Key) error {
	now := k.now()
	return k.keep(ctx, b, now.Add(holdMargin), now.Add(holdFor))
}

// HoldNew is Hold for bytes that are probably nobody's yet: it reads only if they are somebody's. pin is what Pin would
// return, and like that fails its batch if the hold has changed since.
func (k *Keeper) HoldNew(ctx context.Context, b blob.Key) (pin kv.Op, err error) {
	now := k.now()
	h := hold{Until: now.Add(holdFor), Since: now}
	row := kv.JSON(holdKey(b), h)
	err = k.db.Apply(ctx, kv.PutNew(row), k.dueFor(b, h.Until))
	if err == nil {
		return pinned(b, h, row.Value, true), nil
	}
	if !errors.Is(err, kv.ErrConflict) {
		return kv.Op{}, err
	}
	if err := k.Hold(ctx, b); err != nil {
		return kv.Op{}, err
	}
	return k.Pin(ctx, b)
}

// Keep keeps a blob until a time, or somewhat longer.
func (k *Keeper) Keep(ctx context.Context, b blob.Key, until time.Time) error {
	return k.keep(ctx, b, until, until.Add(keepAhead))
}

// inFlight bounds the rows that KeepAll reads and writes at a time.
const inFlight = 32

// KeepAll keeps each of the blobs until a time, or somewhat longer.
func (k *Keeper) KeepAll(ctx context.Context, blobs []blob.Key, until time.Time) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	seen := map[blob.Key]bool{}
	for _, b := range blobs {
		if !seen[b] {
			seen[b] = true
			g.Go(func() error { return k.Keep(ctx, b, until) })
		}
	}
	return g.Wait()
}

// keep keeps a blob until enough, at least. If it has to write, it does so until
// then, so that the next who asks has not.
func (k *Keeper) keep(ctx context.Context, b blob.Key, enough, until time.Time) error {
	for range holdTries {
		h, raw, found, err := k.living(ctx, b)
		if err != nil || found && !h.Until.Before(enough) {
			return err
		}
		since, err := k.since(ctx, b, h, found)
		if err != nil {
			return err
		}
		err = k.db.Apply(ctx, kv.Upsert(raw, found, kv.JSON(holdKey(b), hold{Until: until, Since: since})), k.dueFor(b, until))
		if !errors.Is(err, kv.ErrConflict) {
			return err
		}
	}
	return busy(b)
}

// living reads a blob's hold. One that a dead sweeper doomed is removed first;
// one that is just being removed is fault.Unavailable.
func (k *Keeper) living(ctx context.Context, b blob.Key) (h hold, raw []byte, found bool, err error) {
	for range holdTries {
		h, raw, found, err = kv.ReadJSON[hold](ctx, k.db, holdKey(b))
		switch {
		case err != nil || !found || h.Doomed.IsZero():
			return h, raw, found, err
		case k.now().Sub(h.Doomed) < doomedFor:
			return h, nil, false, fault.New(fault.Unavailable, "the bytes %s are just being removed; send the request again", b.Digest).WithCode("blob_busy")
		}
		if err := k.remove(ctx, b, h, raw); err != nil && !errors.Is(err, kv.ErrConflict) {
			return h, nil, false, err
		}
	}
	return h, nil, false, busy(b)
}

func busy(b blob.Key) error {
	return fault.New(fault.Unavailable, "too many publishes of the bytes %s at once; send the request again", b.Digest)
}

// Pin returns the op that keeps a blob for ever once the caller's batch has
// happened. The batch fails with kv.ErrConflict if the hold changed since; try again.
func (k *Keeper) Pin(ctx context.Context, b blob.Key) (kv.Op, error) {
	h, raw, found, err := k.living(ctx, b)
	if err != nil {
		return kv.Op{}, err
	}
	if found && h.Until.Equal(forever) {
		return kv.Check(raw, holdKey(b)), nil
	}
	return pinned(b, h, raw, found), nil
}

// pinned keeps a blob for ever whose hold is h, with the value raw.
func pinned(b blob.Key, h hold, raw []byte, found bool) kv.Op {
	return kv.Upsert(raw, found, kv.JSON(holdKey(b), hold{Until: forever, Since: h.Since}))
}

// dueFor has the sweeper look at a blob that is held until a time.
func (k *Keeper) dueFor(b blob.Key, until time.Time) kv.Op {
	return k.Due(until.Add(time.Hour), "blob", blobName(b))
}

// Release returns the ops that let a pinned blob go at a time, once the
// caller's batch has happened; kv.ErrConflict as with Pin.
func (k *Keeper) Release(ctx context.Context, b blob.Key, at time.Time) ([]kv.Op, error) {
	h, raw, found, err := k.living(ctx, b)
	if err != nil {
		return nil, err
	}
	return []kv.Op{kv.Upsert(raw, found, kv.JSON(holdKey(b), hold{Until: at, Since: h.Since})), k.dueFor(b, at)}, nil
}

// reap removes a blob whose time is over. It reports whether it did.
func (k *Keeper) reap(ctx context.Context, b blob.Key) (bool, error) {
	now := k.now()
	h, raw, found, err := kv.ReadJSON[hold](ctx, k.db, holdKey(b))
	if err != nil || !found {
		return false, err
	}
	if h.Until.After(now) || now.Sub(h.Doomed) < doomedFor {
		return false, nil // its time, or who is removing it, has a due row of its own
	}
	err = k.remove(ctx, b, h, raw)
	if errors.Is(err, kv.ErrConflict) {
		return false, nil // kept again, or taken over, in this moment
	}
	return err == nil, err
}

// remove dooms a blob, whose row is raw, deletes its bytes and then the row. A
// blob that a dead sweeper doomed is doomed anew: whoever deletes has won the
// row, so that nobody's delete comes after somebody else's new bytes. Losing is
// kv.ErrConflict.
func (k *Keeper) remove(ctx context.Context, b blob.Key, h hold, raw []byte) error {
	now := k.now()
	doomed := kv.JSON(holdKey(b), hold{Until: h.Until, Since: h.Since, Doomed: now})
	if err := k.db.Apply(ctx, kv.Swap(raw, doomed), k.dueFor(b, now)); err != nil {
		return err
	}
	// Bounded well below doomedFor, so that a delete can't come in after another has taken over.
	ctx, cancel := context.WithTimeout(ctx, doomedFor/2)
	defer cancel()
	if err := k.blobs.Delete(ctx, b); err != nil {
		return err
	}
	return k.db.Apply(ctx, kv.Drop(doomed.Value, holdKey(b)))
}
