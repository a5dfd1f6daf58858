// Package webtest is what the tests of the APIs share: real stores, a server in
// front of an API, and a client that shows its answers as they came.
package webtest

import (
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/org/registry-action/internal/store/blob/fsblob"
	"github.com/org/registry-action/internal/store/kv/boltkv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/store/storetest"
)

// Stores are what services keep their things in, all in folders of the test.
type Stores struct {
	DB    *boltkv.DB
	Blobs *fsblob.Store
	Life  *lifetime.Keeper
	Spool string // folder of uploads
	Log   *slog.Logger
	Lines *storetest.Transcript // of Log
}

// OpenStores opens stores that are closed at the end of the test.
func OpenStores(t *testing.T) *Stores {
	t.Helper()
	db := storetest.OpenDB(t, nil)
	blobs := storetest.OpenBlobs(t)
	s := &Stores{DB: db, Blobs: blobs, Spool: t.TempDir(), Lines: &storetest.Transcript{}}
	s.Log = slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), s.Lines), nil))
	s.Life = lifetime.New(db, blobs, lifetime.Options{Horizon: time.Hour, Log: s.Log})
	return s
}

// Spooled lists what is left of uploads.
func (s *Stores) Spooled(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(s.Spool)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
