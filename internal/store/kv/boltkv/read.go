package boltkv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/org/registry-action/internal/store/kv"
)

// The bounds of what a Scan reads in one transaction. bbolt can't reuse pages
// that a transaction still reads, so none is held while the caller works.
const (
	pageRows  = 256     // rows looked at, expired ones too
	pageBytes = 1 << 20 // bytes of values after which no more is read
)

// Get reads one row.
func (db *DB) Get(ctx context.Context, k kv.Key) (kv.Row, error) {
	if err := errors.Join(ctx.Err(), k.Validate()); err != nil {
		return kv.Row{}, err
	}
	phase := db.hot.phase.Load()
	r, remembered := db.hot.get(k, phase)
	if !remembered {
		var err error
		if r, err = db.read(k); err != nil {
			return kv.Row{}, fmt.Errorf("reading %s: %w", k, err)
		}
		db.hot.put(k, phase, r)
	}
	if r.absent || !r.liveAt(db.now().Unix()) {
		return kv.Row{}, fmt.Errorf("reading %s: %w", k, kv.ErrNotFound)
	}
	return r.row(k), nil
}

// read reads the record of one row, expired or not, in a transaction of its own.
func (db *DB) read(k kv.Key) (r record, err error) {
	err = db.view(func(rows *bbolt.Bucket) error {
		key := storedKey(k)
		stored := rows.Get(key)
		if stored == nil {
			r.absent = true
			return nil
		}
		r, err = decode(key, stored)
		r.value = bytes.Clone(r.value) // what bbolt gives is good for the transaction only
		return err
	})
	return r, err
}

// view runs f in a read transaction.
func (db *DB) view(f func(rows *bbolt.Bucket) error) error {
	err := db.bolt.View(func(tx *bbolt.Tx) error { return f(tx.Bucket([]byte(rowsBucket))) })
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return kv.ErrClosed
	}
	return err
}

// Scan reads the partition page by page.
func (db *DB) Scan(ctx context.Context, partition string, q kv.Query) iter.Seq2[kv.Row, error] {
	return func(yield func(kv.Row, error) bool) {
		if err := q.Validate(partition); err != nil {
			yield(kv.Row{}, err)
			return
		}
		p := newPager(partition, q)
		for !p.done {
			rows, err := p.next(ctx, db)
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if err != nil {
				yield(kv.Row{}, fmt.Errorf("scanning %s: %w", partition, err))
				return
			}
		}
	}
}

// pager is the state of a Scan between its transactions.
type pager struct {
	partition string
	prefix    string // of the stored keys that match
	from      string // the stored key to go on from, itself included
	left      int    // rows still wanted; negative: all
	done      bool
}

func newPager(partition string, q kv.Query) *pager {
	p := &pager{partition: partition, prefix: partitionPrefix(partition) + q.Prefix, left: q.Limit}
	p.from = p.prefix
	if q.After != "" {
		p.from = max(p.from, successor(partitionPrefix(partition)+q.After))
	}
	if q.Limit == 0 {
		p.left = -1
	}
	return p
}

// successor returns the least text above key.
func successor(key string) string { return key + "\x00" }

// next reads one page. Rows that it has may come with an error.
func (p *pager) next(ctx context.Context, db *DB) (rows []kv.Row, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = db.view(func(bucket *bbolt.Bucket) error {
		now, size, seen := db.now().Unix(), 0, 0
		cursor, prefix := bucket.Cursor(), []byte(p.prefix)
		k, v := cursor.Seek([]byte(p.from))
		for ; k != nil && bytes.HasPrefix(k, prefix) && p.left != 0; k, v = cursor.Next() {
			if seen == pageRows || size >= pageBytes {
				p.from = string(k)
				return nil
			}
			seen++
			r, err := decode(k, v)
			if err != nil {
				return err
			}
			if !r.liveAt(now) {
				continue
			}
			rows = append(rows, r.row(kv.Key{Partition: p.partition, Sort: sortOf(k)}))
			size += len(r.value)
			p.left--
		}
		p.done = true
		return nil
	})
	return rows, err
}
