package registry

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
)

// failing are stores that do what they are told.
type failing struct {
	kv.DB
	blob.Store
	get, open func(context.Context) error
}

func (f *failing) Get(ctx context.Context, _ kv.Key) (kv.Row, error) { return kv.Row{}, f.get(ctx) }

func (f *failing) Open(ctx context.Context, _ blob.Key) (blob.Blob, blob.Info, error) {
	return nil, blob.Info{}, cmp.Or(f.open(ctx), blob.ErrNotFound)
}

func absentRow(context.Context) error  { return kv.ErrNotFound }
func absentBlob(context.Context) error { return blob.ErrNotFound }

func TestReadiness(t *testing.T) {
	broken := func(context.Context) error { return errors.New("connection refused") }
	hangs := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	deaf := func(context.Context) error { time.Sleep(time.Hour); return nil } // as a dead network's file system
	for name, tt := range map[string]struct {
		get, open       func(context.Context) error
		metadata, blobs bool
		within          time.Duration
	}{
		"both work":       {absentRow, absentBlob, true, true, 0},
		"no metadata":     {broken, absentBlob, false, true, 0},
		"no blobs":        {absentRow, broken, true, false, 0},
		"both hang":       {hangs, hangs, false, false, probeTimeout},
		"metadata deaf":   {deaf, absentBlob, false, true, probeTimeout},
		"blobs deaf":      {absentRow, deaf, true, false, probeTimeout},
		"neither answers": {deaf, deaf, false, false, probeTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &failing{get: tt.get, open: tt.open}
				r := newReadiness(lookAt(f, f, t.TempDir()), slog.New(slog.DiscardHandler))
				defer r.close()
				began := time.Now()
				got, stopping := r.check(t.Context())
				if want := map[string]bool{"metadata": tt.metadata, "blobs": tt.blobs, "disk": true}; !maps.Equal(got, want) || stopping {
					t.Errorf("check = %v, %t; want %v", got, stopping, want)
				}
				if took := time.Since(began); took > tt.within {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// However many ask, each store is looked at once a second, and by one at a time.
func TestProbesAreNoLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var looks atomic.Int32
		f := &failing{open: absentBlob, get: func(context.Context) error {
			looks.Add(1)
			time.Sleep(100 * time.Millisecond)
			return kv.ErrNotFound
		}}
		r := newReadiness(lookAt(f, f, t.TempDir()), slog.New(slog.DiscardHandler))
		defer r.close()
		for range 4 {
			for range 50 {
				go r.check(t.Context())
			}
			time.Sleep(500 * time.Millisecond)
		}
		if n := looks.Load(); n != 2 {
			t.Errorf("in 2 s 200 probes looked %d times, want 2", n)
		}
	})
}

// A probe that goes away early does not make the store look bad to the next.
func TestProbeThatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &failing{open: absentBlob, get: func(ctx context.Context) error {
			select {
			case <-time.After(time.Second):
				return kv.ErrNotFound
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		r := newReadiness(lookAt(f, f, t.TempDir()), slog.New(slog.DiscardHandler))
		defer r.close()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r.check(ctx)
		if got, _ := r.check(t.Context()); !got["metadata"] {
			t.Error("the next probe is told that the metadata does not answer")
		}
	})
}

// A store that fails is logged once, with the cause, and again when it is back.
func TestReadinessIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		err := errors.New("connection refused")
		f := &failing{get: absentRow, open: func(context.Context) error { return err }}
		r := newReadiness(lookAt(f, f, t.TempDir()), slog.New(slog.NewTextHandler(&log, nil)))
		defer r.close()
		for range 3 {
			r.check(t.Context())
			time.Sleep(2 * probeShare)
		}
		err = blob.ErrNotFound
		for range 2 {
			r.check(t.Context())
			time.Sleep(2 * probeShare)
		}
		if got := log.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "store=blobs") || !strings.Contains(got, "connection refused") || !strings.Contains(got, "answers again") {
			t.Errorf("the log is:\n%s", got)
		}
	})
}

// A server whose disk takes no files any more is sent no requests, and takes them again when it does.
func TestReadyNeedsItsDisk(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "spool")
	if err := writable(folder); err == nil {
		t.Error("a folder that is gone is writable")
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writable(folder); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
}
