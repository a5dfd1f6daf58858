package storetest

import (
	"context"
	"io"

	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
)

// DB calls what is set around the store's own methods. It is set while nobody uses the store.
type DB struct {
	kv.DB
	BeforeApply func(ops []kv.Op) error // its error is Apply's, which does not happen
	AfterApply  func(ops []kv.Op) error // its error is Apply's, though it went well
}

// Apply implements kv.DB.
func (d *DB) Apply(ctx context.Context, ops ...kv.Op) error {
	if d.BeforeApply != nil {
		if err := d.BeforeApply(ops); err != nil {
			return err
		}
	}
	err := d.DB.Apply(ctx, ops...)
	if err == nil && d.AfterApply != nil {
		err = d.AfterApply(ops)
	}
	return err
}

// FailFrom lets so many more writes happen, and none after them: each fails with err, as after a crash.
func (d *DB) FailFrom(writes int, err error) {
	d.BeforeApply = func([]kv.Op) error {
		if writes--; writes < 0 {
			return err
		}
		return nil
	}
}

// Doubt lets a write, counted from 0, happen and fail with err all the same.
func (d *DB) Doubt(write int, err error) {
	d.AfterApply = func([]kv.Op) error {
		if write--; write == -1 {
			return err
		}
		return nil
	}
}

// Blobs does what is set around the store's own methods. It is set while nobody uses the store.
type Blobs struct {
	blob.Store
	PutErr   error  // Put takes some bytes and fails with it
	AfterPut func() // behind a Put that went well
}

// Put implements blob.Store.
func (b *Blobs) Put(ctx context.Context, k blob.Key, r io.Reader) (blob.Info, bool, error) {
	if b.PutErr != nil {
		_, _ = io.CopyN(io.Discard, r, 20)
		return blob.Info{}, false, b.PutErr
	}
	info, created, err := b.Store.Put(ctx, k, r)
	if err == nil && b.AfterPut != nil {
		b.AfterPut()
	}
	return info, created, err
}
