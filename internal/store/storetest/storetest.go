// Package storetest gives the tests of domains what they stand on: real stores in folders of the test's own, which fail
// when they are told to, and a clock to turn. What a store must do itself is tested by kvtest and blobtest.
package storetest

import (
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/blob/fsblob"
	"github.com/org/registry-action/internal/store/kv/boltkv"
	"github.com/org/registry-action/internal/store/lifetime"
)

// horizon is longer than anything a test keeps for a while.
const horizon = 100 * 24 * time.Hour

// Stores are what one or more servers share. They are gone when the test ends.
type Stores struct {
	*Clock
	DB    *DB
	Blobs *Blobs
	Spool string // a folder for uploads
	t     testing.TB
}

// Open makes empty stores.
func Open(t testing.TB) *Stores {
	t.Helper()
	s := &Stores{Clock: NewClock(), Spool: t.TempDir(), t: t}
	s.DB, s.Blobs = &DB{DB: OpenDB(t, s.Now)}, &Blobs{Store: OpenBlobs(t)}
	return s
}

// OpenDB makes an empty store of rows, whose time is now's; nil: time.Now. It is closed when the test ends.
func OpenDB(t testing.TB, now func() time.Time) *boltkv.DB {
	t.Helper()
	db, err := boltkv.Open(filepath.Join(t.TempDir(), "db"), boltkv.Options{Now: now})
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

// OpenBlobs makes an empty store of blobs. It is closed when the test ends.
func OpenBlobs(t testing.TB) *fsblob.Store {
	t.Helper()
	blobs, err := fsblob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := blobs.Close(); err != nil {
			t.Error(err)
		}
	})
	return blobs
}

// Keeper is that of one more server.
func (s *Stores) Keeper() *lifetime.Keeper {
	return lifetime.New(s.DB, s.Blobs, lifetime.Options{Now: s.Now, Horizon: horizon, Log: s.Log()})
}

// Log is the test's own.
func (s *Stores) Log() *slog.Logger { return slog.New(slog.NewTextHandler(s.t.Output(), nil)) }

// Stored counts the blobs of both spaces.
func (s *Stores) Stored() int {
	s.t.Helper()
	n := 0
	for _, space := range []blob.Space{blob.Packages, blob.Commits} {
		for _, err := range s.Blobs.List(s.t.Context(), space, digest.SHA256{}) {
			if err != nil {
				s.t.Fatal(err)
			}
			n++
		}
	}
	return n
}

// SpoolIsEmpty fails the test unless every upload is gone.
func (s *Stores) SpoolIsEmpty() {
	s.t.Helper()
	files, err := os.ReadDir(s.Spool)
	if err != nil || len(files) > 0 {
		s.t.Errorf("the spool has %d files, %v, want none", len(files), err)
	}
}

// Clock stands still until it is turned.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock is a clock at half past noon of a day in 2026, UTC.
func NewClock() *Clock { return ClockAt(time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)) }

// ClockAt is a clock at a time.
func ClockAt(now time.Time) *Clock { return &Clock{now: now} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Pass turns the clock.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
