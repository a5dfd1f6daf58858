package boltkv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/org/registry-action/internal/store/crashtest"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/kv/kvtest"
)

func TestMain(m *testing.M) {
	crashtest.Main(m, func(path string, ack func(string)) error {
		db, err := Open(path, Options{})
		if err != nil {
			return err
		}
		return kvtest.WriteUntilKilled(context.Background(), db, ack)
	})
}

func TestLaws(t *testing.T) {
	kvtest.Run(t, func(t *testing.T, now func() time.Time) kv.DB {
		return openAt(t, filepath.Join(t.TempDir(), "kv.db"), now)
	})
}

func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kv.db")
	kvtest.RunKill(t, path, 50, func(t *testing.T) kv.DB { return openAt(t, path, nil) })
}

func openAt(t *testing.T, path string, now func() time.Time) *DB {
	t.Helper()
	db, err := Open(path, Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestSecondOpenIsLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kv.db")
	db := openAt(t, path, nil)
	_, err := Open(path, Options{})
	if !errors.Is(err, kv.ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Fatalf("second Open: got %v, want ErrLocked with the path", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, path, nil)
}

func TestOpenErrorsNameTheFile(t *testing.T) {
	dir := t.TempDir()
	noBolt := filepath.Join(dir, "text")
	if err := os.WriteFile(noBolt, []byte(strings.Repeat("not a database\n", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, noBolt, filepath.Join(dir, "no", "folder")} {
		if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%s): got %v, want an error with the path", path, err)
		}
	}
}

func TestReopenKeepsRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kv.db")
	r := kv.Row{Key: kv.Key{Partition: "p", Sort: "s"}, Value: []byte("v"), Expires: time.Now().Add(time.Hour)}
	db := openAt(t, path, nil)
	if err := db.Apply(t.Context(), kv.Put(r)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := openAt(t, path, nil).Get(t.Context(), r.Key)
	if err != nil || string(got.Value) != "v" || !got.Expires.Equal(r.Expires.Truncate(time.Second)) {
		t.Fatalf("after reopening: got %q until %v, %v", got.Value, got.Expires, err)
	}
}

// counts returns the number of stored rows and of entries in the expiry index.
func (db *DB) counts(t *testing.T) (rows, entries int) {
	t.Helper()
	err := db.bolt.View(func(tx *bbolt.Tx) error {
		rows = tx.Bucket([]byte(rowsBucket)).Stats().KeyN
		entries = tx.Bucket([]byte(expiryBucket)).Stats().KeyN
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, entries
}

func TestExpiredRowsArePurgedInBounds(t *testing.T) {
	var mu sync.Mutex
	now := time.Unix(1000, 0)
	db := openAt(t, filepath.Join(t.TempDir(), "kv.db"), func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	})
	apply := func(ops ...kv.Op) {
		t.Helper()
		if err := db.Apply(t.Context(), ops...); err != nil {
			t.Fatal(err)
		}
	}
	want := func(when string, wantRows, wantEntries int) {
		t.Helper()
		if rows, entries := db.counts(t); rows != wantRows || entries != wantEntries {
			t.Fatalf("%s: %d rows and %d index entries, want %d and %d", when, rows, entries, wantRows, wantEntries)
		}
	}
	const expiring = 3 * kv.MaxBatch
	for chunk := range 3 {
		var ops []kv.Op
		for i := range kv.MaxBatch {
			k := kv.Key{Partition: "p", Sort: fmt.Sprintf("%d.%d", chunk, i)}
			ops = append(ops, kv.Put(kv.Row{Key: k, Expires: now.Add(time.Minute)}))
		}
		apply(ops...)
		apply(ops...) // the same rows again: one index entry each
	}
	want("filled", expiring, expiring)
	other := kv.Row{Key: kv.Key{Partition: "other", Sort: "s"}}
	apply(kv.Put(other))
	want("before they expire", expiring+1, expiring)

	mu.Lock()
	now = now.Add(time.Minute)
	mu.Unlock()
	const purged = purgeAtLeast + 2
	apply(kv.Put(other))
	want("after one write", expiring+1-purged, expiring-purged)
	for range expiring / purged {
		apply(kv.Put(other))
	}
	want("after more writes", 1, 0)
}

// Readers get one transaction a page, so a page shows a batch whole.
func TestPageIsASnapshot(t *testing.T) {
	db := openAt(t, filepath.Join(t.TempDir(), "kv.db"), nil)
	write := func(gen int) error {
		var ops []kv.Op
		for i := range 10 {
			k := kv.Key{Partition: "p", Sort: fmt.Sprint(i)}
			ops = append(ops, kv.Put(kv.Row{Key: k, Value: fmt.Append(nil, gen)}))
		}
		return db.Apply(t.Context(), ops...)
	}
	if err := write(0); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() {
		for gen := range 50 {
			if err := write(gen); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	for {
		select {
		case err := <-written:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
		seen := map[string]int{}
		for r, err := range db.Scan(t.Context(), "p", kv.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			seen[string(r.Value)]++
		}
		if len(seen) != 1 {
			t.Fatalf("one page shows generations %v", seen)
		}
	}
}

// Batches that wait while another is committed share the next transaction.
func TestWaitingBatchesAreCommittedTogether(t *testing.T) {
	db := openAt(t, filepath.Join(t.TempDir(), "kv.db"), nil)
	before := db.lastTx(t)
	block, err := db.bolt.Begin(true) // holds up the committer while batches come
	if err != nil {
		t.Fatal(err)
	}
	const calls = 200
	var started, ended sync.WaitGroup
	started.Add(calls)
	for i := range calls {
		ended.Go(func() {
			k := kv.Key{Partition: "p", Sort: fmt.Sprint(i)}
			started.Done()
			if err := db.Apply(t.Context(), kv.Put(kv.Row{Key: k})); err != nil {
				t.Error(err)
			}
		})
	}
	started.Wait()
	if err := block.Rollback(); err != nil {
		t.Fatal(err)
	}
	ended.Wait()
	if commits := db.lastTx(t) - before; commits < 1 || commits > calls/2 {
		t.Fatalf("%d batches that waited took %d commits", calls, commits)
	}
}

// lastTx returns the number of the last commit.
func (db *DB) lastTx(t *testing.T) (id int) {
	t.Helper()
	if err := db.bolt.View(func(tx *bbolt.Tx) error { id = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return id
}
