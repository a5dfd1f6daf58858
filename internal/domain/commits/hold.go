package commits

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
	holdFor    = 6 * time.Hour    // a hold's life
	holdMargin = 3 * time.Hour    // a hold that ends sooner is renewed
	keepAhead  = 24 * time.Hour   // how much longer than their commit blobs are kept, so that the day's other commits write nothing
	publishFor = 30 * time.Minute // a publish takes less, or fails
	doomedFor  = time.Minute      // after this, whoever doomed a blob is taken for dead
)

// hold is the row that keeps a blob.
type hold struct {
	Until  time.Time `json:"until"`
	Doomed time.Time `json:"doomed,omitzero"` // set: the bytes are being removed
}

const holdTries = 8

// hold keeps a blob for at least holdMargin from now, whether or not its bytes are there yet.
func (s *Service) hold(ctx context.Context, b blob.Key) error {
	now := s.now()
	return s.keep(ctx, b, now.Add(holdMargin), now.Add(holdFor))
}

// keep keeps a blob until enough, at least. If it has to write, it does so until
// then, so that the next who asks has not.
func (s *Service) keep(ctx context.Context, b blob.Key, enough, until time.Time) error {
	for range holdTries {
		now := s.now()
		h, raw, found, err := get[hold](ctx, s.db, holdKey(b))
		switch {
		case err != nil:
			return err
		case found && h.Doomed.IsZero() && !h.Until.Before(enough):
			return nil
		case found && !h.Doomed.IsZero() && now.Sub(h.Doomed) < doomedFor:
			return fault.New(fault.Unavailable, "the bytes %s are just being removed; send the request again", b.Digest).WithCode("blob_busy")
		case found && !h.Doomed.IsZero():
			if err := s.remove(ctx, b, h, raw); err != nil && !errors.Is(err, kv.ErrConflict) {
				return err
			}
			continue
		}
		err = s.db.Apply(ctx, upsert(raw, found, row(holdKey(b), hold{Until: until})), kv.Put(dueBlob(until.Add(time.Hour), b)))
		if !errors.Is(err, kv.ErrConflict) {
			return err
		}
	}
	return fault.New(fault.Unavailable, "too many publishes of the bytes %s at once; send the request again", b.Digest)
}

// keepAll keeps the blobs of packages for as long as their commit.
func (s *Service) keepAll(ctx context.Context, packages map[string]Package, expires time.Time) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	seen := map[blob.Key]bool{}
	for _, pkg := range packages {
		for _, part := range pkg.Artifact.parts() {
			b := blobKey(part)
			if seen[b] {
				continue
			}
			seen[b] = true
			g.Go(func() error { return s.keep(ctx, b, expires, expires.Add(keepAhead)) })
		}
	}
	return g.Wait()
}

// reap removes a blob whose time is over. It reports whether it did.
func (s *Service) reap(ctx context.Context, b blob.Key) (bool, error) {
	now := s.now()
	h, raw, found, err := get[hold](ctx, s.db, holdKey(b))
	if err != nil || !found {
		return false, err
	}
	if h.Until.After(now) || now.Sub(h.Doomed) < doomedFor {
		return false, nil // its time, or who is removing it, has a due row of its own
	}
	err = s.remove(ctx, b, h, raw)
	if errors.Is(err, kv.ErrConflict) {
		return false, nil // kept again, or taken over, in this moment
	}
	return err == nil, err
}

// remove dooms a blob, whose row is raw, deletes its bytes and then the row. A
// blob that a dead sweeper doomed is doomed anew: whoever deletes has won the
// row, so that nobody's delete comes after somebody else's new bytes. Losing is
// kv.ErrConflict.
func (s *Service) remove(ctx context.Context, b blob.Key, h hold, raw []byte) error {
	now := s.now()
	doomed := row(holdKey(b), hold{Until: h.Until, Doomed: now})
	if err := s.db.Apply(ctx, kv.Swap(raw, doomed), kv.Put(dueBlob(now.Add(time.Hour), b))); err != nil {
		return err
	}
	// Bounded well below doomedFor, so that a delete can't come in after another has taken over.
	ctx, cancel := context.WithTimeout(ctx, doomedFor/2)
	defer cancel()
	if err := s.blobs.Delete(ctx, b); err != nil {
		return err
	}
	return s.db.Apply(ctx, kv.Drop(doomed.Value, holdKey(b)))
}
