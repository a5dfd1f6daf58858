// Package boltkv keeps the rows of the kv contract in one bbolt file: the
// embedded metadata store. It is not for several processes; a second one is
// refused with kv.ErrLocked.
//
// The file has two buckets. "rows" maps partition NUL sort to a record: 8
// bytes Expires (big-endian Unix seconds, 0 for never), then the value.
// "expiry" maps 8 bytes Expires and the row's key to nothing, so that each
// write can purge a few expired rows without looking for them.
package boltkv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/org/registry-action/internal/store/kv"
)

// lockWait is how long Open waits for the file's lock: a process that is just
// ending may still hold it.
const lockWait = 250 * time.Millisecond

// Options are what Open may be told; the zero value is fine.
type Options struct {
	Now func() time.Time // the clock that rows expire by; nil: time.Now
}

// DB is an open store. Its writes go through one goroutine, which commits all
// that wait with one fsync.
type DB struct {
	bolt    *bbolt.DB
	now     func() time.Time
	queue   chan *request // unbuffered: a request that was received is taken up
	closing chan struct{}
	writer  sync.WaitGroup
	close   func() error
	hot     hot
}

var _ kv.DB = (*DB)(nil)

// Open opens the store in the file path and makes the file if there is none;
// its folder must exist. kv.ErrLocked tells that another process has it open.
func Open(path string, opts Options) (*DB, error) {
	b, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType})
	if errors.Is(err, bolterrors.ErrTimeout) {
		err = kv.ErrLocked
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	if err := prepare(b); err != nil {
		return nil, errors.Join(fmt.Errorf("preparing %s: %w", path, err), b.Close())
	}
	db := &DB{
		bolt:    b,
		now:     opts.Now,
		queue:   make(chan *request),
		closing: make(chan struct{}),
	}
	if db.now == nil {
		db.now = time.Now
	}
	db.close = sync.OnceValue(db.shutdown)
	db.writer.Go(db.commitLoop)
	return db, nil
}

// prepare makes the buckets, and the file's entry in its folder durable.
func prepare(b *bbolt.DB) error {
	err := b.Update(func(tx *bbolt.Tx) error {
		for _, name := range []string{rowsBucket, expiryBucket} {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || runtime.GOOS == "windows" { // there a folder can't be synced
		return err
	}
	dir, err := os.Open(filepath.Dir(b.Path()))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Close answers the batches that were taken up, refuses all others with
// kv.ErrClosed and closes the file. Closing again returns the same.
func (db *DB) Close() error { return db.close() }

func (db *DB) shutdown() error {
	close(db.closing)
	db.writer.Wait()
	db.hot.phase.Add(1) // for ever odd: a closed store remembers nothing
	return db.bolt.Close()
}
