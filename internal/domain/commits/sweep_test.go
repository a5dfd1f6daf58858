package commits

import (
	"bytes"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"

	"github.com/org/registry-action/internal/store/lifetime"
)

const day = 24 * time.Hour

func (w *world) sweep() lifetime.Swept {
	w.t.Helper()
	s, err := w.life.Sweep(w.t.Context(), w.Tasks())
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func TestExpiry(t *testing.T) {
	w := newWorld(t, Options{Retention: 90 * day})
	shared := "bytes that a later commit uses again"
	old, young := pack(t, "a", "1.0.0", shared), pack(t, "a", "2.0.0", shared)
	only := pack(t, "b", "1.0.0", "bytes of the old commit alone")
	w.publish(sha1a, "acme/ws", old, only)
	w.Pass(60 * day)
	later := "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	w.publish(later, "acme/ws", young)
	w.sweep()
	if _, err := w.read(sha1a, "b"); err != nil {
		t.Errorf("60 days old and gone: %v", err)
	}

	w.Pass(31 * day)
	if _, err := w.Commit(t.Context(), sha1a); !errors.Is(err, fault.NotFound) {
		t.Errorf("an expired commit is listed before the sweep: %v", err)
	}
	if s := w.sweep(); s["commit"] != 1 {
		t.Errorf("Sweep removed %d commits, want 1", s["commit"])
	}
	w.Pass(day)
	w.sweep()
	if got, want := w.count(), 2; got != want { // head and shared body of the young commit
		t.Errorf("%d blobs are left, want %d", got, want)
	}
	if got, err := w.read(later, "a"); err != nil || got != shared {
		t.Errorf("the living commit holds %q, %v", got, err)
	}

	w.Pass(100 * day)
	w.sweep()
	if got := w.count(); got != 0 {
		t.Errorf("%d blobs are left, want none", got)
	}
}

func TestPublishingAgainKeepsACommitLonger(t *testing.T) {
	w := newWorld(t, Options{Retention: 90 * day})
	a := pack(t, "a", "1.0.0", "x")
	w.publish(sha1a, "acme/ws", a)
	w.Pass(80 * day)
	w.publish(sha1a, "acme/ws", a)
	w.Pass(80 * day)
	w.sweep()
	if got, err := w.read(sha1a, "a"); err != nil || got != "x" {
		t.Errorf("the commit holds %q, %v, want it kept from its last publish", got, err)
	}
}

func TestReplacedAndAbandonedBytesGo(t *testing.T) {
	w := newWorld(t, Options{Retention: 10 * day})
	a, b := pack(t, "a", "1.0.0", "old"), pack(t, "a", "1.0.0", "new")
	w.publish(sha1a, "acme/ws", a)
	p := publication(sha1a, "acme/ws", b)
	p.Replace = true
	if _, err := w.send(p, b); err != nil {
		t.Fatal(err)
	}
	if err := w.put(pack(t, "never", "1.0.0", "never published")); err != nil {
		t.Fatal(err)
	}
	w.Pass(9 * time.Hour)
	w.sweep()
	if got := w.count(); got != 3 { // the head is the same
		t.Errorf("%d blobs are left after a day, want those of both publishes and not those that were only uploaded", got)
	}
	if got, err := w.read(sha1a, "a"); err != nil || got != "new" {
		t.Errorf("the commit holds %q, %v", got, err)
	}
	w.Pass(12 * day)
	w.sweep()
	w.Pass(2 * time.Hour)
	w.sweep()
	if got := w.count(); got != 0 {
		t.Errorf("%d blobs are left after the commit's time, want none", got)
	}
}

// expired returns a world whose only commit has ended: the next sweep hides it and removes its bytes.
func expired(t *testing.T, a packed) *world {
	w := newWorld(t, Options{Retention: 10 * day})
	w.publish(sha1a, "acme/ws", a)
	w.Pass(12 * day)
	return w
}

const sha1b = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

// A publish that comes between the sweeper's look at a blob and its decision wins.
func TestPublishBeatsTheSweeper(t *testing.T) {
	a := pack(t, "a", "1.0.0", "x")
	w := expired(t, a)
	once := false
	w.db.before = func(ops []kv.Op) error {
		for _, op := range ops {
			if op.Kind == kv.OpSwap && bytes.Contains(op.Row.Value, []byte("doomed")) && !once {
				once = true
				if _, err := w.send(publication(sha1b, "acme/ws", a), a); err != nil {
					t.Errorf("Publish during the sweep: %v", err)
				}
			}
		}
		return nil
	}
	w.sweep()
	if !once {
		t.Fatal("the sweep never came to the point of dooming a blob")
	}
	if got, err := w.read(sha1b, "a"); err != nil || got != "x" {
		t.Errorf("the new commit holds %q, %v", got, err)
	}
}

// A publish that comes while the bytes are being removed is told to come again.
func TestPublishDuringRemoval(t *testing.T) {
	a := pack(t, "a", "1.0.0", "x")
	w := expired(t, a)
	asked := 0
	w.blobs.before = func() {
		asked++
		if _, err := w.send(publication(sha1b, "acme/ws", a), a); !errors.Is(err, fault.Unavailable) {
			t.Errorf("Publish during the removal = %v, want unavailable", err)
		}
	}
	w.sweep()
	w.blobs.before = nil
	if asked == 0 {
		t.Fatal("the sweep removed nothing")
	}
	w.publish(sha1b, "acme/ws", a)
	if got, err := w.read(sha1b, "a"); err != nil || got != "x" {
		t.Errorf("the new commit holds %q, %v", got, err)
	}
}

// A sweeper that died between its decision and the removal blocks nobody for long.
func TestDeadSweeper(t *testing.T) {
	a := pack(t, "a", "1.0.0", "x")
	w := expired(t, a)
	died := errors.New("killed")
	w.db.before = func(ops []kv.Op) error {
		for _, op := range ops {
			if op.Kind == kv.OpDrop && op.Row.Partition == "blob/"+blobKey(a.recipe.Body).String() {
				return died
			}
		}
		return nil
	}
	w.sweep()
	w.db.before = nil
	w.Pass(2 * time.Minute) // a sweeper that has not finished by now is taken for dead
	w.publish(sha1b, "acme/ws", a)
	if got, err := w.read(sha1b, "a"); err != nil || got != "x" {
		t.Errorf("the new commit holds %q, %v", got, err)
	}
}

// Of two that find a dead sweeper's work one finishes it; the other never
// deletes what came after.
func TestOneTakesOverFromADeadSweeper(t *testing.T) {
	a := pack(t, "a", "1.0.0", "x")
	w := expired(t, a)
	body := blobKey(a.recipe.Body)
	died := errors.New("killed")
	w.db.before = func(ops []kv.Op) error {
		for _, op := range ops {
			if op.Kind == kv.OpDrop && op.Row.Partition == "blob/"+body.String() {
				return died
			}
		}
		return nil
	}
	w.sweep()
	w.db.before = nil
	w.Pass(2 * time.Minute)   // a sweeper that has not finished by now is taken for dead
	w.blobs.before = func() { // the first has looked at the row and is about to delete
		w.blobs.before = nil
		if _, err := w.send(publication(sha1b, "acme/ws", a), a); !errors.Is(err, fault.Unavailable) {
			t.Errorf("Publish during the removal = %v, want unavailable", err)
		}
	}
	if err := w.life.Hold(t.Context(), body); err != nil {
		t.Fatal(err)
	}
	w.publish(sha1b, "acme/ws", a)
	if got, err := w.read(sha1b, "a"); err != nil || got != "x" {
		t.Errorf("the new commit holds %q, %v", got, err)
	}
}

// Many publishes of the same bytes against many sweeps: what was acknowledged is there.
func TestSweepRace(t *testing.T) {
	const rounds = 40
	a := pack(t, "a", "1.0.0", "x")
	w := newWorld(t, Options{Retention: 5 * time.Hour})
	for i := range rounds {
		sha := sha1a[:38] + string("0123456789abcdef"[i/16]) + string("0123456789abcdef"[i%16])
		var sweepers, publisher sync.WaitGroup
		for range 2 {
			sweepers.Go(func() { w.sweep() })
		}
		var err error
		var swept atomic.Bool
		publisher.Go(func() {
			for last := false; !last; { // once more when the sweepers are done: then nothing is in the way
				last = swept.Load()
				if _, err = w.send(publication(sha, "acme/ws", a), a); !errors.Is(err, fault.Unavailable) {
					return
				}
			}
		})
		sweepers.Wait()
		swept.Store(true)
		publisher.Wait()
		if err != nil {
			t.Fatalf("round %d: Publish: %v", i, err)
		}
		if got, err := w.read(sha, "a"); err != nil || got != "x" {
			t.Fatalf("round %d: an acknowledged package holds %q, %v", i, got, err)
		}
		w.sound()
		w.Pass(time.Duration(3+i%9) * time.Hour)
	}
}

// A machine that sleeps in the middle of a publish, for so long that the sweeper
// has removed its rows, must not make the commit visible without them.
func TestPublishAcrossASleep(t *testing.T) {
	w := newWorld(t, Options{})
	a := pack(t, "a", "1.0.0", "x")
	var slept atomic.Bool
	w.db.before = func(ops []kv.Op) error {
		for _, op := range ops {
			if op.Row.Partition == "blob/"+blobKey(a.recipe.Body).String() && w.rows(sha1a) > 0 && slept.CompareAndSwap(false, true) {
				w.Pass(2 * day) // the rows are staged, their bytes about to be kept
				w.sweep()
			}
		}
		return nil
	}
	if _, err := w.send(publication(sha1a, "acme/ws", a), a); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a publish that lasted two days: %v, want unavailable", err)
	}
	if w.db.before = nil; !slept.Load() {
		t.Fatal("the machine did not sleep")
	}
	if _, err := w.Commit(t.Context(), sha1a); !errors.Is(err, fault.NotFound) {
		t.Errorf("the commit is visible: %v", err)
	}
	w.publish(sha1a, "acme/ws", a)
	if got, err := w.read(sha1a, "a"); err != nil || got != "x" {
		t.Errorf("published again, the tarball holds %q, %v", got, err)
	}
}

// rows counts the package rows of a commit, visible or not.
func (w *world) rows(sha string) (n int) {
	w.t.Helper()
	for _, err := range w.db.Scan(w.t.Context(), commitPartition(sha), kv.Query{Prefix: packagePrefix}) {
		if err != nil {
			w.t.Fatal(err)
		}
		n++
	}
	return n
}
