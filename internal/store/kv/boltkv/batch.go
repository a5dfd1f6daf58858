package boltkv

import (
	"bytes"
	"math"
	"strconv"

	"go.etcd.io/bbolt"

	"github.com/org/registry-action/internal/store/kv"
)

// purgeAtLeast bounds how many expired rows one transaction removes, together
// with twice the rows it writes: so they can't come faster than they go.
const purgeAtLeast = 64

// batch applies ops in one write transaction, at one moment.
type batch struct {
	rows, expiry *bbolt.Bucket
	now          int64
	written      int // rows put or removed
}

func newBatch(tx *bbolt.Tx, now int64) *batch {
	return &batch{
		rows:   tx.Bucket([]byte(rowsBucket)),
		expiry: tx.Bucket([]byte(expiryBucket)),
		now:    now,
	}
}

// change is what an op whose condition holds does to one row.
type change struct {
	key    []byte
	remove bool
	put    record
}

// apply does the ops of one Apply, or none if a condition is lost. err is a
// failure of the store, after which the transaction must not be committed.
func (b *batch) apply(ops []kv.Op) (lost, err error) {
	changes := make([]change, 0, len(ops))
	for _, op := range ops {
		key := storedKey(op.Row.Key)
		cur, live, err := b.read(key)
		if err != nil {
			return nil, err
		}
		if !holds(op, cur, live) {
			return &kv.ConflictError{Key: op.Row.Key}, nil
		}
		if op.Kind != kv.OpCheck {
			changes = append(changes, changeOf(op, key, cur, live))
		}
	}
	for _, c := range changes {
		if err := b.write(c); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// read returns the record under key; live is false if it is absent or expired.
func (b *batch) read(key []byte) (r record, live bool, err error) {
	stored := b.rows.Get(key)
	if stored == nil {
		return record{}, false, nil
	}
	r, err = decode(key, stored)
	return r, err == nil && r.liveAt(b.now), err
}

// holds reports whether the op's condition holds for the record there.
func holds(op kv.Op, cur record, live bool) bool {
	switch op.Kind {
	case kv.OpPutNew:
		return !live
	case kv.OpSwap, kv.OpDrop, kv.OpCheck:
		return live && bytes.Equal(cur.value, op.Old)
	case kv.OpAdd:
		_, ok := sum(op, cur, live)
		return ok
	default:
		return true
	}
}

// sum returns the counter after an OpAdd; ok is false if the row is no counter
// or the sum no int64.
func sum(op kv.Op, cur record, live bool) (n int64, ok bool) {
	if !live {
		return op.Delta, true
	}
	n, ok = kv.Row{Value: cur.value}.Counter()
	if op.Delta > 0 && n > math.MaxInt64-op.Delta || op.Delta < 0 && n < math.MinInt64-op.Delta {
		return 0, false
	}
	return n + op.Delta, ok
}

func changeOf(op kv.Op, key []byte, cur record, live bool) change {
	switch op.Kind {
	case kv.OpDelete, kv.OpDrop:
		return change{key: key, remove: true}
	case kv.OpAdd:
		n, _ := sum(op, cur, live)
		put := record{value: strconv.AppendInt(nil, n, 10)}
		switch {
		case !op.Row.Expires.IsZero():
			put.expires = recordOf(op.Row).expires
		case live:
			put.expires = cur.expires
		}
		return change{key: key, put: put}
	default:
		return change{key: key, put: recordOf(op.Row)}
	}
}

// write does a change and keeps the expiry index in step.
func (b *batch) write(c change) error {
	b.written++
	if stored := b.rows.Get(c.key); stored != nil {
		old, err := decode(c.key, stored)
		if err != nil {
			return err
		}
		if old.expires != 0 {
			if err := b.expiry.Delete(expiryKey(old.expires, c.key)); err != nil {
				return err
			}
		}
	}
	if c.remove {
		return b.rows.Delete(c.key)
	}
	if c.put.expires != 0 {
		if err := b.expiry.Put(expiryKey(c.put.expires, c.key), nil); err != nil {
			return err
		}
	}
	return b.rows.Put(c.key, c.put.encode())
}

// purge removes the rows that expired first, a bounded number of them.
func (b *batch) purge() error {
	limit := purgeAtLeast + 2*b.written
	var due [][]byte
	cursor := b.expiry.Cursor()
	end := expiryKey(b.now+1, nil)
	for k, _ := cursor.First(); k != nil && bytes.Compare(k, end) < 0 && len(due) < limit; k, _ = cursor.Next() {
		due = append(due, bytes.Clone(k))
	}
	for _, entry := range due {
		if err := b.write(change{key: entry[stampSize:], remove: true}); err != nil {
			return err
		}
	}
	return nil
}
