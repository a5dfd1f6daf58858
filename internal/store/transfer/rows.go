package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/store/kv"
)

// The bounds of copying rows.
const (
	inFlight   = 32      // batches that are compared and written at a time
	batchBytes = 1 << 20 // of a batch, about
)

// Rows copies the rows of one store to another.
type Rows struct {
	From, To kv.Walker
	Of       func(kv.Key) bool // which rows; nil: all
	Batch    int               // rows that are written together; 0: one by one, which costs least where batches are transactions
	Progress *Progress
}

// has reports whether a row is copied.
func (r Rows) has(k kv.Key) bool { return !own(k) && (r.Of == nil || r.Of(k)) }

// Copy goes through all rows and writes those that the target lacks or has otherwise. Rows that were deleted stay there: see Prune.
func (r Rows) Copy(ctx context.Context) error {
	return r.each(ctx, r.From, r.Batch, func(ctx context.Context, rows []kv.Row) error { return r.put(ctx, rows) })
}

// each goes through the rows of a store, some at a time.
func (r Rows) each(ctx context.Context, db kv.Walker, most int, do func(context.Context, []kv.Row) error) error {
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	var rows []kv.Row
	size := 0
	flush := func() {
		batch := rows
		rows, size = nil, 0
		g.Go(func() error { return do(each, batch) })
	}
	var walked error
	for row, err := range db.Walk(each, kv.Key{}) {
		if err != nil {
			walked = fmt.Errorf("reading all rows: %w", err)
			break
		}
		if !r.has(row.Key) {
			continue
		}
		rows = append(rows, row)
		if size += len(row.Value); len(rows) >= most || size >= batchBytes {
			flush()
		}
	}
	if len(rows) > 0 && walked == nil {
		flush()
	}
	if err := g.Wait(); err != nil { // before walked, which may be its consequence
		return err
	}
	return walked
}

// put writes what the target does not have.
func (r Rows) put(ctx context.Context, rows []kv.Row) error {
	var ops []kv.Op
	for _, row := range rows {
		there, err := r.To.Get(ctx, row.Key)
		switch {
		case errors.Is(err, kv.ErrNotFound):
		case err != nil:
			return fmt.Errorf("looking at what is there already: %w", err)
		case equal(row, there):
			continue
		}
		ops = append(ops, kv.Put(row))
	}
	return r.apply(ctx, int64(len(rows)), ops)
}

// apply writes a batch, of so many rows that were looked at.
func (r Rows) apply(ctx context.Context, looked int64, ops []kv.Op) error {
	if len(ops) > 0 {
		if err := r.To.Apply(ctx, ops...); err != nil {
			return fmt.Errorf("writing rows: %w", err)
		}
	}
	r.Progress.rows.Add(looked)
	r.Progress.rowsCopied.Add(int64(len(ops)))
	return nil
}

// CopyKeys makes the rows of some keys at the target what they are here, absent ones too.
func (r Rows) CopyKeys(ctx context.Context, keys []kv.Key) error {
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	for _, k := range keys {
		if !r.has(k) {
			continue
		}
		g.Go(func() error {
			row, err := r.From.Get(each, k)
			switch {
			case errors.Is(err, kv.ErrNotFound):
				return r.apply(each, 1, []kv.Op{kv.Delete(k)})
			case err != nil:
				return fmt.Errorf("reading a row that was changed: %w", err)
			}
			return r.put(each, []kv.Row{row})
		})
	}
	return g.Wait()
}

// Prune removes the rows of the target that are not here.
func (r Rows) Prune(ctx context.Context) error {
	return r.each(ctx, r.To, 1, func(ctx context.Context, rows []kv.Row) error {
		_, err := r.From.Get(ctx, rows[0].Key)
		if errors.Is(err, kv.ErrNotFound) {
			return r.apply(ctx, 0, []kv.Op{kv.Delete(rows[0].Key)})
		}
		return err
	})
}

func equal(a, b kv.Row) bool {
	return bytes.Equal(a.Value, b.Value) && a.Expires.IsZero() == b.Expires.IsZero() && a.Expires.Unix() == b.Expires.Unix()
}
