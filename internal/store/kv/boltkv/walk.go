package boltkv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/org/registry-action/internal/store/kv"
)

var _ kv.Walker = (*DB)(nil)

// Walk yields the rows by partition and sort, page by page.
func (db *DB) Walk(ctx context.Context, after kv.Key) iter.Seq2[kv.Row, error] {
	return func(yield func(kv.Row, error) bool) {
		from := ""
		if after != (kv.Key{}) {
			from = successor(string(storedKey(after)))
		}
		for done := false; !done; {
			var rows []kv.Row
			var err error
			rows, from, done, err = db.walkPage(ctx, from)
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if err != nil {
				yield(kv.Row{}, fmt.Errorf("walking through all rows: %w", err))
				return
			}
		}
	}
}

// walkPage reads the rows of a page that begins with the stored key from; next is where the one after it begins.
func (db *DB) walkPage(ctx context.Context, from string) (rows []kv.Row, next string, done bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, "", false, err
	}
	done = true
	err = db.view(func(bucket *bbolt.Bucket) error {
		now, size, seen := db.now().Unix(), 0, 0
		cursor := bucket.Cursor()
		for k, v := cursor.Seek([]byte(from)); k != nil; k, v = cursor.Next() {
			if seen == pageRows || size >= pageBytes {
				next, done = string(k), false
				return nil
			}
			seen++
			r, err := decode(k, v)
			if err != nil {
				return err
			}
			if r.liveAt(now) {
				rows = append(rows, r.row(keyOf(k)))
				size += len(r.value)
			}
		}
		return nil
	})
	return rows, next, done, err
}

// keyOf undoes storedKey.
func keyOf(stored []byte) kv.Key {
	partition, sort, _ := strings.Cut(string(stored), "\x00")
	return kv.Key{Partition: partition, Sort: sort}
}

// WriteTo writes the store as it is at this moment: a file that Open opens. Writes go on meanwhile; the pages that they
// change can't be used again until it is done, so that the store's own file may grow.
func (db *DB) WriteTo(w io.Writer) (n int64, err error) {
	err = db.bolt.View(func(tx *bbolt.Tx) error {
		n, err = tx.WriteTo(w)
		return err
	})
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		err = kv.ErrClosed
	}
	return n, err
}
