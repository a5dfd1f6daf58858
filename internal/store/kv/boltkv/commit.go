package boltkv

import (
	"context"
	"fmt"

	"github.com/org/registry-action/internal/store/kv"
)

// maxGroup is the number of bytes of keys and values after which a group takes
// no more batches.
const maxGroup = 8 << 20

// request is one call of Apply on its way through the committer.
type request struct {
	ops    []kv.Op
	answer chan error // holds one
}

// Apply hands the batch to the committer. ctx counts until it takes it up:
// after that the answer is what became of the batch.
func (db *DB) Apply(ctx context.Context, ops ...kv.Op) error {
	if err := kv.Validate(ops); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{ops: ops, answer: make(chan error, 1)}
	select {
	case db.queue <- r:
		return <-r.answer
	case <-ctx.Done():
		return ctx.Err()
	case <-db.closing:
		return kv.ErrClosed
	}
}

func (db *DB) commitLoop() {
	for {
		select {
		case <-db.closing:
			return
		case first := <-db.queue:
			db.commit(db.gather(first))
		}
	}
}

// gather takes up every request that waits already.
func (db *DB) gather(first *request) []*request {
	group, size := []*request{first}, first.size()
	for size < maxGroup {
		select {
		case r := <-db.queue:
			group = append(group, r)
			size += r.size()
		default:
			return group
		}
	}
	return group
}

func (r *request) size() (n int) {
	for _, op := range r.ops {
		n += op.Size()
	}
	return n
}

// commit answers every request of the group. If the transaction fails, that is
// the answer of all: a condition may have been lost to a write that now never was.
func (db *DB) commit(group []*request) {
	lost, err := db.transact(group)
	if err != nil {
		err = fmt.Errorf("committing to %s: %w", db.bolt.Path(), err)
	}
	for i, r := range group {
		if err != nil {
			r.answer <- err
		} else {
			r.answer <- lost[i]
		}
	}
}

// transact runs the group in one transaction; lost has each request's lost condition.
func (db *DB) transact(group []*request) (lost []error, err error) {
	tx, err := db.bolt.Begin(true)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit

	b := newBatch(tx, db.now().Unix())
	lost = make([]error, len(group))
	for i, r := range group {
		if lost[i], err = b.apply(r.ops); err != nil {
			return nil, err
		}
	}
	if b.written == 0 {
		return lost, nil
	}
	if err := b.purge(); err != nil {
		return nil, err
	}
	return lost, db.hot.commit(tx.Commit)
}
