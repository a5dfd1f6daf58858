// Package webtest is what the tests of the APIs share: real stores, a server in
// front of an API, and a client that shows its answers as they came.
package webtest

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/store/blob/fsblob"
	"github.com/org/registry-action/internal/store/kv/boltkv"
	"github.com/org/registry-action/internal/store/lifetime"
)

// Stores are what services keep their things in, all in folders of the test.
type Stores struct {
	DB    *boltkv.DB
	Blobs *fsblob.Store
	Life  *lifetime.Keeper
	Spool string // folder of uploads
	Log   *slog.Logger
	Lines *Transcript // of Log
}

// OpenStores opens stores that are closed at the end of the test.
func OpenStores(t *testing.T) *Stores {
	t.Helper()
	db, err := boltkv.Open(filepath.Join(t.TempDir(), "db"), boltkv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	blobs, err := fsblob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	s := &Stores{DB: db, Blobs: blobs, Spool: t.TempDir(), Lines: &Transcript{}}
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

// Transcript is a log that handlers write while the test reads.
type Transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (l *Transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is what was written so far.
func (l *Transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
