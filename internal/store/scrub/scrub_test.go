package scrub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/kv/boltkv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/store/storetest"
)

// world is two stores of which every opening is counted, and a checker of one row for each split tarball.
type world struct {
	t     *testing.T
	db    *boltkv.DB
	blobs *counted
	life  *lifetime.Keeper
	split map[string]Split // by the row
}

type counted struct {
	blob.Store
	opened atomic.Int64
	fail   error
}

func (c *counted) Open(ctx context.Context, k blob.Key) (blob.Blob, blob.Info, error) {
	c.opened.Add(1)
	if c.fail != nil {
		return nil, blob.Info{}, c.fail
	}
	return c.Store.Open(ctx, k)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db := storetest.OpenDB(t, nil)
	w := &world{t: t, db: db, blobs: &counted{Store: storetest.OpenBlobs(t)}, split: map[string]Split{}}
	w.life = lifetime.New(db, w.blobs, lifetime.Options{})
	return w
}

// Check implements Checker.
func (w *world) Check(_ context.Context, r kv.Row, f *Finder) (bool, error) {
	s, ok := w.split[r.Sort]
	if !ok {
		return false, nil
	}
	f.Go(func(ctx context.Context) error {
		sum, ok, err := w.blobsOf(f).Split(ctx, f.About("test", r.Sort), s)
		if ok && sum.Version != npm.PreviewVersion(s.Commit) {
			w.t.Errorf("%s is the version %s", r.Sort, sum.Version)
		}
		return err
	})
	return true, nil
}

func (w *world) blobsOf(f *Finder) *Blobs { return f.run.opt.Blobs }

// add keeps the package of a commit, whose head and body are those of the other commits.
func (w *world) add(commit string, size int64) Split {
	w.t.Helper()
	var packer tarball.Packer
	var head, body bytes.Buffer
	h, err := packer.WriteHead(&head, fmt.Appendf(nil, `{"name":"a","version":%q}`, npm.PreviewVersion(commit)), commit)
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := packer.WriteBody(&body, []tarball.File{{Name: "x", Size: size, Mode: 0o644, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(noise{}, size)), nil
	}}})
	if err != nil {
		w.t.Fatal(err)
	}
	sum, recipe, err := tarball.CheckSplit(bytes.NewReader(tarball.FillHead(head.Bytes(), commit)), bytes.NewReader(body.Bytes()), tarball.Limits{})
	if err != nil {
		w.t.Fatal(err)
	}
	recipe.Head, recipe.Holes = h.Part, h.Holes
	until := time.Now().Add(time.Hour)
	for _, part := range []struct {
		tarball.Part
		text []byte
	}{{h.Part, head.Bytes()}, {b.Part, body.Bytes()}} {
		key := blob.Key{Space: blob.Commits, Digest: part.Digest}
		_, _, err := w.blobs.Put(w.t.Context(), key, bytes.NewReader(part.text))
		if err = errors.Join(err, w.life.Keep(w.t.Context(), key, until)); err != nil {
			w.t.Fatal(err)
		}
	}
	s := Split{Recipe: recipe, Space: blob.Commits, Commit: commit, Sums: sum.Sums, Size: sum.Size, Until: until}
	w.set(commit, s)
	return s
}

func (w *world) set(name string, s Split) {
	w.t.Helper()
	w.split[name] = s
	if err := w.db.Apply(w.t.Context(), kv.Put(kv.Row{Key: kv.Key{Partition: "test", Sort: name}})); err != nil {
		w.t.Fatal(err)
	}
}

// noise does not compress, and is the same each time.
type noise struct{}

func (noise) Read(p []byte) (int, error) {
	x := uint32(1)
	for i := range p {
		x = x*1664525 + 1013904223
		p[i] = byte(x >> 24)
	}
	return len(p), nil
}

func (w *world) run() (Result, error) {
	w.blobs.opened.Store(0)
	return New(Options{DB: w.db, Blobs: NewBlobs(w.blobs, w.life), Checkers: []Checker{w}, Spaces: []blob.Space{blob.Commits}, Settle: time.Millisecond}).Run(w.t.Context())
}

func commitOf(i int) string { return fmt.Sprintf("%08x%032x", i, i) }

// What many commits share is read once, and each of them is checked all the same.
func TestSharedBlobsAreReadOnce(t *testing.T) {
	w := newWorld(t)
	const commits = 100
	var last Split
	for i := range commits {
		last = w.add(commitOf(i), 2000)
	}
	v, err := w.run()
	if err != nil || len(v.Problems) > 0 || v.Blobs != 2 || v.Unreferenced != 0 {
		t.Fatalf("%+v, %v", v, err)
	}
	if n := w.blobs.opened.Load(); n != 2 {
		t.Errorf("%d blobs were opened for %d commits, want 2", n, commits)
	}
	for what, change := range map[string]func(s *Split){
		"integrity": func(s *Split) { s.Sums.Integrity = "sha512-AAAA" },
		"shasum":    func(s *Split) { s.Sums.Shasum = "00" },
		"checksum":  func(s *Split) { s.Sums.SHA256[3]++ },
		"crc":       func(s *Split) { s.CRC32++ },
		"raw":       func(s *Split) { s.Raw++ },
		"size":      func(s *Split) { s.Size++ },
		"commit":    func(s *Split) { s.Commit = commitOf(7) },
	} {
		changed := last
		change(&changed)
		name := "changed " + what
		w.set(name, changed)
		v, err := w.run()
		if err != nil || len(v.Problems) == 0 {
			t.Errorf("with another %s: %+v, %v", what, v.Problems, err)
		}
		for _, p := range v.Problems {
			if p.Name != name && what != "commit" {
				t.Errorf("with another %s of one commit %q is wrong: %+v", what, p.Name, p)
			}
		}
		delete(w.split, name)
	}
}

// A body that memory has no room for is streamed.
func TestLargeBodiesAreStreamed(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.add(commitOf(i), maxKept+1000)
	}
	blobs := NewBlobs(w.blobs, w.life)
	v, err := New(Options{DB: w.db, Blobs: blobs, Checkers: []Checker{w}}).Run(t.Context())
	if err != nil || len(v.Problems) > 0 || v.Blobs != 2 {
		t.Fatalf("%+v, %v", v, err)
	}
	if blobs.files.size > 16<<10 {
		t.Errorf("%d bytes are remembered", blobs.files.size)
	}
}

// What is remembered has a bound.
func TestMemoryIsBounded(t *testing.T) {
	r := recent[int, string]{max: 100}
	for i := range 1000 {
		r.put(i, "x", 30)
		r.put(i, "y", 30)
		if v, ok := r.get(i); !ok || v != "y" || r.size > 100 || len(r.byKey) > 3 {
			t.Fatalf("after %d: %q %t, %d bytes of %d", i, v, ok, r.size, len(r.byKey))
		}
	}
}

// A disk that can't read a file has damaged it; a store that is out of reach says nothing of what is in it.
func TestErrorsOfTheStore(t *testing.T) {
	w := newWorld(t)
	w.add(commitOf(1), 100)
	w.blobs.fail = &fs.PathError{Op: "read", Path: "/secret/place", Err: syscall.EIO}
	v, err := w.run()
	if err != nil || len(v.Problems) != 2 || v.Problems[0].Code != Unreadable {
		t.Errorf("of a file that can't be read: %+v, %v", v, err)
	}
	outage := errors.New("the bucket is out of reach")
	w.blobs.fail = outage
	if _, err := w.run(); !errors.Is(err, outage) {
		t.Errorf("of a store that is away: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(Options{DB: w.db, Blobs: NewBlobs(w.blobs, w.life), Checkers: []Checker{w}}).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("of a verification that is given up: %v", err)
	}
}

// flaky tells of a row that something is wrong with it, the first times.
type flaky struct{ times atomic.Int64 }

func (f *flaky) Check(_ context.Context, r kv.Row, found *Finder) (bool, error) {
	if f.times.Add(-1) >= 0 {
		found.About("test", r.Sort).Wrong(Reference, "half of a write")
	}
	return true, nil
}

// Only what is wrong when it is looked at again is reported; a row that is gone by then is not.
func TestOnlyWhatStaysWrongIsReported(t *testing.T) {
	w := newWorld(t)
	w.set("row", Split{})
	for times, want := range map[int64]int{0: 0, 1: 0, 2: 1} {
		c := &flaky{}
		c.times.Store(times)
		v, err := New(Options{DB: w.db, Blobs: NewBlobs(w.blobs, w.life), Checkers: []Checker{c}}).Run(t.Context())
		if err != nil || len(v.Problems) != want {
			t.Errorf("wrong %d times: %+v, %v", times, v.Problems, err)
		}
	}
	c := &flaky{}
	c.times.Store(100)
	vanishing := &vanishing{Walker: w.db}
	v, err := New(Options{DB: vanishing, Blobs: NewBlobs(w.blobs, w.life), Checkers: []Checker{c}}).Run(t.Context())
	if err != nil || len(v.Problems) != 0 {
		t.Errorf("of a row that is gone: %+v, %v", v.Problems, err)
	}
}

// vanishing has rows that are only there in a walk.
type vanishing struct{ kv.Walker }

func (*vanishing) Get(_ context.Context, _ kv.Key) (kv.Row, error) { return kv.Row{}, kv.ErrNotFound }

// A report does not grow without a bound, and says that there is more.
func TestReportIsBounded(t *testing.T) {
	w := newWorld(t)
	c := &flaky{}
	c.times.Store(1 << 40)
	var ops []kv.Op
	for i := range maxProblems + 50 {
		ops = append(ops, kv.Put(kv.Row{Key: kv.Key{Partition: "many", Sort: fmt.Sprint(i)}}))
		if len(ops) == kv.MaxBatch {
			if err := w.db.Apply(t.Context(), ops...); err != nil {
				t.Fatal(err)
			}
			ops = nil
		}
	}
	if err := w.db.Apply(t.Context(), ops...); err != nil {
		t.Fatal(err)
	}
	v, err := New(Options{DB: w.db, Blobs: NewBlobs(w.blobs, w.life), Checkers: []Checker{c}}).Run(t.Context())
	if err != nil || len(v.Problems) != maxProblems || !v.More {
		t.Errorf("%d problems, more %t, %v", len(v.Problems), v.More, err)
	}
}
