package metered_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/blob/blobtest"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/kv/boltkv"
	"github.com/org/registry-action/internal/store/kv/kvtest"
	"github.com/org/registry-action/internal/store/metered"
	"github.com/org/registry-action/internal/store/storetest"
)

// notes are what was told.
type notes struct {
	mu  sync.Mutex
	all []string
}

func (n *notes) note(op, outcome string, took time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, op+" "+outcome)
	if took < 0 {
		n.all = append(n.all, "in negative time")
	}
}

// told returns what was told since it was called last.
func (n *notes) told() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	text := strings.Join(n.all, ", ")
	n.all = nil
	return text
}

func openKV(t *testing.T, now func() time.Time, n *notes) kv.DB {
	t.Helper()
	db, err := boltkv.Open(filepath.Join(t.TempDir(), "kv.db"), boltkv.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // some laws close it themselves
	return metered.KV(db, n.note)
}

func openBlobs(t *testing.T, n *notes) blob.Store {
	t.Helper()
	s := storetest.OpenBlobs(t)
	return metered.Blobs(s, n.note)
}

func TestLaws(t *testing.T) {
	t.Run("kv", func(t *testing.T) {
		kvtest.Run(t, func(t *testing.T, now func() time.Time) kv.DB { return openKV(t, now, &notes{}) })
	})
	t.Run("blob", func(t *testing.T) {
		blobtest.Run(t, func(t *testing.T) blob.Store { return openBlobs(t, &notes{}) })
	})
}

func TestKVIsTold(t *testing.T) {
	n := &notes{}
	db := openKV(t, nil, n)
	row := kv.Row{Key: kv.Key{Partition: "p", Sort: "s"}, Value: []byte("1")}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		do   func() error
		want string
	}{
		{func() error { return db.Apply(t.Context(), kv.PutNew(row)) }, "apply ok"},
		{func() error { return db.Apply(t.Context(), kv.PutNew(row)) }, "apply conflict"},
		{func() error { _, err := db.Get(t.Context(), row.Key); return err }, "get ok"},
		{func() error { _, err := db.Get(t.Context(), kv.Key{Partition: "p", Sort: "x"}); return err }, "get not_found"},
		{func() error { _, err := db.Get(gone, row.Key); return err }, "get canceled"},
		{func() error { return ended(db.Scan(t.Context(), "p", kv.Query{})) }, "scan ok"},
		{func() error { return ended(db.Scan(gone, "p", kv.Query{})) }, "scan canceled"},
		{func() error { return db.Close() }, ""},
		{func() error { _, err := db.Get(t.Context(), row.Key); return err }, "get failed"},
	} {
		err := tt.do()
		if got := n.told(); got != tt.want {
			t.Errorf("%q is told of a call that ended with %v, want %q", got, err, tt.want)
		}
	}
}

// ended reads a sequence to its end.
func ended[T any](rows iter.Seq2[T, error]) error {
	for _, err := range rows {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestBlobsAreTold(t *testing.T) {
	n := &notes{}
	s := openBlobs(t, n)
	info, _, err := s.Put(t.Context(), blob.Key{Space: blob.Packages}, strings.NewReader("x"))
	if err != nil || n.told() != "put ok" {
		t.Fatal(err)
	}
	absent := blob.Key{Space: blob.Commits, Digest: info.Digest}
	for _, tt := range []struct {
		do   func() error
		want string
	}{
		{func() error { _, _, err := s.Put(t.Context(), absent, strings.NewReader("y")); return err }, "put refused"},
		{func() error {
			_, _, err := s.Put(t.Context(), blob.Key{Space: blob.Commits}, iotest.ErrReader(errors.New("the client has gone")))
			return err
		}, "put refused"},
		{func() error { _, err := s.Stat(t.Context(), info.Key); return err }, "stat ok"},
		{func() error { _, _, err := s.Open(t.Context(), absent); return err }, "open not_found"},
		{func() error { return ended(s.List(t.Context(), blob.Packages, digest.SHA256{})) }, "list ok"},
		{func() error { return s.Delete(t.Context(), absent) }, "delete ok"},
	} {
		err := tt.do()
		if got := n.told(); got != tt.want {
			t.Errorf("%q is told of a call that ended with %v, want %q", got, err, tt.want)
		}
	}
}

// The kernel can still send what is opened.
func TestOpensPlainFiles(t *testing.T) {
	s := openBlobs(t, &notes{})
	info, _, err := s.Put(t.Context(), blob.Key{Space: blob.Packages}, bytes.NewReader(make([]byte, 100)))
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := s.Open(t.Context(), info.Key)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, ok := b.(*os.File); !ok {
		t.Errorf("it is a %T", b)
	}
}

// signer is a store that signs.
type signer struct {
	blob.Store
	blob.Signer
}

func TestSignersSign(t *testing.T) {
	if _, ok := metered.Blobs(signer{}, (&notes{}).note).(blob.Signer); !ok {
		t.Error("a store that signs does not any more")
	}
	if _, ok := openBlobs(t, &notes{}).(blob.Signer); ok {
		t.Error("a store that does not sign does now")
	}
}

// slow yields rows, each after a second.
type slow struct{ kv.DB }

func (slow) Scan(context.Context, string, kv.Query) iter.Seq2[kv.Row, error] {
	return func(yield func(kv.Row, error) bool) {
		for range 3 {
			time.Sleep(time.Second)
			if !yield(kv.Row{}, nil) {
				return
			}
		}
	}
}

// Who reads slowly does not make the store slow.
func TestScanIsTheStoresTime(t *testing.T) {
	for stop, want := range map[int]time.Duration{2: 2 * time.Second, 3: 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var got time.Duration
			db := metered.KV(slow{}, func(_, _ string, took time.Duration) { got = took })
			rows := 0
			for range db.Scan(t.Context(), "p", kv.Query{}) {
				time.Sleep(time.Minute)
				if rows++; rows == stop {
					break
				}
			}
			if got != want {
				t.Errorf("a scan of %d rows took %s, want %s", stop, got, want)
			}
		})
	}
}
