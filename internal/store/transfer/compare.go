package transfer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/store/kv"
)

// compareBatch is how many rows of one store are looked for in the other at a time.
const compareBatch = 100

// differing collects keys, of which there may be maxChanged.
type differing struct {
	mu   sync.Mutex
	keys []kv.Key
}

func (d *differing) add(k kv.Key) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.keys) >= maxChanged {
		return fmt.Errorf("more than %d rows are not the same where they were copied to", maxChanged)
	}
	d.keys = append(d.keys, k)
	return nil
}

// Differing compares all rows of both stores, while the registry goes on. It returns the keys of those that are not the
// same in both; what was changed since it began may be among them, or not.
func (r Rows) Differing(ctx context.Context, until time.Time) ([]kv.Key, error) {
	var found differing
	for _, pair := range [][2]kv.Walker{{r.From, r.To}, {r.To, r.From}} {
		err := r.each(ctx, pair[0], compareBatch, func(ctx context.Context, rows []kv.Row) error {
			for _, row := range rows {
				there, err := pair[1].Get(ctx, row.Key)
				if err := missing(err); err != nil {
					return err
				}
				if lasts(row, until) && (err != nil || !equal(row, there)) {
					if err := found.add(row.Key); err != nil {
						return err
					}
				}
			}
			r.Progress.rows.Add(int64(len(rows)))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found.keys, nil
}

// DifferingOf compares the rows of some keys, which nobody changes meanwhile.
func (r Rows) DifferingOf(ctx context.Context, keys []kv.Key, until time.Time) ([]kv.Key, error) {
	var found differing
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	for _, k := range keys {
		if !r.has(k) {
			continue
		}
		g.Go(func() error {
			here, errHere := r.From.Get(ctx, k)
			there, errThere := r.To.Get(ctx, k)
			if err := errors.Join(missing(errHere), missing(errThere)); err != nil {
				return err
			}
			r.Progress.rows.Add(1)
			if same := errHere == nil && errThere == nil && equal(here, there); same || !lasting(here, errHere, until) && !lasting(there, errThere, until) {
				return nil
			}
			return found.add(k)
		})
	}
	err := g.Wait()
	return found.keys, err
}

// missing is err, unless it says that a row is not there.
func missing(err error) error {
	if err == nil || errors.Is(err, kv.ErrNotFound) {
		return nil
	}
	return fmt.Errorf("comparing rows: %w", err)
}

// lasting reports whether there is a row that lasts.
func lasting(r kv.Row, absent error, until time.Time) bool { return absent == nil && lasts(r, until) }

// lasts reports whether a row does not expire before a time. One that does may be gone in the one store while the other is
// still read.
func lasts(r kv.Row, until time.Time) bool { return r.Expires.IsZero() || r.Expires.After(until) }
