package metered

import (
	"context"
	"iter"
	"time"

	"github.com/org/registry-action/internal/store/kv"
)

// KV returns db with its calls told to note.
func KV(db kv.DB, note Note) kv.DB { return &rows{db, note} }

type rows struct {
	kv.DB
	note Note
}

// Unwrap returns the store itself, for what it can do besides the contract.
func (r *rows) Unwrap() kv.DB { return r.DB }

func (r *rows) Get(ctx context.Context, k kv.Key) (kv.Row, error) {
	began := time.Now()
	row, err := r.DB.Get(ctx, k)
	r.note.since(began, "get", err)
	return row, err
}

func (r *rows) Apply(ctx context.Context, ops ...kv.Op) error {
	began := time.Now()
	err := r.DB.Apply(ctx, ops...)
	r.note.since(began, "apply", err)
	return err
}

// Scan counts the time of the store, without that of who reads the rows.
func (r *rows) Scan(ctx context.Context, partition string, q kv.Query) iter.Seq2[kv.Row, error] {
	return func(yield func(kv.Row, error) bool) {
		var took time.Duration
		var failure error
		began := time.Now()
		defer func() { r.note("scan", outcome(failure), took) }()
		for row, err := range r.DB.Scan(ctx, partition, q) {
			took += time.Since(began)
			failure = err
			if !yield(row, err) {
				return
			}
			began = time.Now()
		}
		took += time.Since(began)
	}
}
