package zigpackages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/storetest"
)

var errLost = errors.New("power is gone")

// A crash at any point leaves nothing visible; the bytes go some hours later,
// and the same request again succeeds.
func TestCrashPoints(t *testing.T) {
	files := lib("demo", "1.0.0", "x")
	text := files.tgz(t)
	for point := 0; ; point++ {
		w := newWorld(t, Options{})
		w.DB.FailFrom(point, errLost)
		_, err := w.send(alice, text, Release{})
		w.DB.BeforeApply = nil
		if err == nil {
			if point < 2 {
				t.Errorf("only %d writes were tried", point)
			}
			break
		}
		if !errors.Is(err, errLost) {
			t.Fatalf("point %d: %v", point, err)
		}
		w.nothingVisible(fmt.Sprint("point ", point), files)
		w.Pass(10 * time.Hour)
		w.sweep()
		if w.Stored() != 0 {
			t.Errorf("point %d: the bytes are still there", point)
		}
		if p, err := w.send(alice, text, Release{}); err != nil || p.Unchanged || !p.First {
			t.Errorf("point %d: the same again: %+v, %v", point, p, err)
		}
	}
}

func (w *world) nothingVisible(what string, files tree) {
	w.t.Helper()
	if _, err := w.Package(w.t.Context(), "demo"); !errors.Is(err, fault.NotFound) {
		w.t.Errorf("%s: the package is visible: %v", what, err)
	}
	if _, err := w.ByHash(w.t.Context(), files.legacy()); !errors.Is(err, fault.NotFound) {
		w.t.Errorf("%s: the hash is known: %v", what, err)
	}
	if found, _, err := w.Search(w.t.Context(), "", 0, 0); err != nil || len(found) > 0 {
		w.t.Errorf("%s: found %v, %v", what, found, err)
	}
}

// A write whose outcome the store can't tell may have happened (law 7 of kv). Whichever write of a change that is,
// the change can be made again and leads to the same.
func TestUnknownOutcomes(t *testing.T) {
	changes := map[string]func(w *world) error{
		"first publish": func(w *world) error {
			_, err := w.send(alice, lib("new", "1.0.0", "x").tgz(t), Release{})
			return err
		},
		"publish": func(w *world) error {
			_, err := w.send(alice, lib("demo", "3.0.0", "x").tgz(t), Release{})
			return err
		},
		"yank":    func(w *world) error { _, err := w.Yank(t.Context(), alice, "demo", "2.0.0", true, "bad"); return err },
		"un-yank": func(w *world) error { _, err := w.Yank(t.Context(), alice, "demo", "1.0.0", false, ""); return err },
		"owner":   func(w *world) error { _, err := w.SetOwner(t.Context(), alice, "demo", "bob", true); return err },
	}
	for name, do := range changes {
		t.Run(name, func(t *testing.T) {
			storetest.InDoubt(t, func(t *testing.T) storetest.Trial {
				w := newWorld(t, Options{})
				w.publish(alice, "demo", "1.0.0")
				w.publish(alice, "demo", "2.0.0")
				if _, err := w.Yank(t.Context(), alice, "demo", "1.0.0", true, "bad"); err != nil {
					t.Fatal(err)
				}
				return storetest.Trial{DB: w.DB, Make: func() error { return do(w) }, Seen: w.all}
			})
		})
	}
}

// all is what can be seen.
func (w *world) all() map[string]any {
	w.t.Helper()
	out := map[string]any{}
	for _, name := range []string{"demo", "new"} {
		p, err := w.Package(w.t.Context(), name)
		out[name], out[name+" is absent"] = p, errors.Is(err, fault.NotFound)
		for _, v := range p.Versions {
			text, err := w.read(v)
			if err != nil || int64(len(text)) != v.Artifact.Size {
				w.t.Errorf("%s %s has %d bytes, %v", name, v.Version, len(text), err)
			}
			for _, hash := range v.hashes() {
				got, err := w.ByHash(w.t.Context(), hash)
				if err != nil || got.Version != v.Version {
					w.t.Errorf("%s is %s, %v, want %s", hash, got.Version, err, v.Version)
				}
			}
		}
	}
	found, total, err := w.Search(w.t.Context(), "", 0, 0)
	if err != nil {
		w.t.Error(err)
	}
	out["search"], out["total"] = found, total
	return out
}

// Bytes that can't be stored leave nothing visible, and the same upload may be tried again.
func TestBlobsThatFail(t *testing.T) {
	w := newWorld(t, Options{})
	full := errors.New("the disk is full")
	w.Blobs.PutErr = full
	files := lib("demo", "1.0.0", "x")
	u, err := w.Receive(t.Context(), alice, bytes.NewReader(files.tgz(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if _, err := w.Publish(t.Context(), alice, Release{Upload: u}); !errors.Is(err, full) {
		t.Fatalf("Publish = %v, want the store's error", err)
	}
	w.nothingVisible("a full disk", files)
	w.Blobs.PutErr = nil
	p, err := w.Publish(t.Context(), alice, Release{Upload: u})
	if err != nil {
		t.Fatal(err)
	}
	checkArchive(t, w, p.Version, files)
}

// A machine that sleeps in the middle of a publish, for so long that the sweeper
// has taken its bytes for abandoned, must not make them visible when it wakes.
func TestPublishAcrossASleep(t *testing.T) {
	w := newWorld(t, Options{})
	w.Blobs.AfterPut = func() { w.Pass(40 * day); w.sweep() }
	files := lib("demo", "1.0.0", "x")
	_, err := w.send(alice, files.tgz(t), Release{})
	refused(t, "a publish that lasted 40 days", err, fault.Unavailable, "")
	w.nothingVisible("a sleep", files)
	w.Blobs.AfterPut = nil
	if _, err := w.send(alice, files.tgz(t), Release{}); err != nil {
		t.Errorf("the same again: %v", err)
	}
}

func TestPublishedBytesStay(t *testing.T) {
	w := newWorld(t, Options{})
	v := w.publish(alice, "demo", "1.0.0").Version
	for range 4 {
		w.Pass(90 * day)
		w.sweep()
	}
	if _, err := w.read(v); err != nil {
		t.Errorf("after a year: %v", err)
	}
}

// Of many publishes of one version with different content, on two servers, one wins.
func TestRacersForOneVersion(t *testing.T) {
	w := newWorld(t, Options{})
	servers := []*Service{w.Service, w.another(Options{})}
	errs := make([]error, 10)
	texts := make([][]byte, len(errs))
	for i := range texts {
		texts[i] = lib("demo", "1.0.0", fmt.Sprint("content of ", i)).tgz(t)
	}
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = sendTo(t.Context(), servers[i%2], alice, texts[i], Release{}) })
	}
	wg.Wait()
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won >= 0:
			t.Errorf("%d and %d have both won", won, i)
		case err == nil:
			won = i
		default:
			refused(t, fmt.Sprint("racer ", i), err, fault.Exists, "version_exists")
		}
	}
	checkArchive(t, w, w.get("demo").Versions[0], lib("demo", "1.0.0", fmt.Sprint("content of ", won)))
	w.Pass(10 * time.Hour)
	w.sweep()
	if w.Stored() != 1 {
		t.Errorf("%d blobs are left, want the winner's", w.Stored())
	}
}

// Of many who publish a new name at once, one owns it.
func TestRacersForOneName(t *testing.T) {
	w := newWorld(t, Options{})
	servers := []*Service{w.Service, w.another(Options{})}
	errs := make([]error, 8)
	names := []string{"demo_lib", "Demo_Lib", "DEMO_LIB", "demo_LIB"}
	texts := make([][]byte, len(errs))
	for i := range texts {
		texts[i] = tree{"build.zig.zon": zon(names[i%len(names)], fmt.Sprintf("1.0.%d", i), uint32(i+1)), "src/root.zig": "x"}.tgz(t)
	}
	firsts := make([]bool, len(errs))
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			var p Published
			p, errs[i] = sendTo(t.Context(), servers[i%2], user{Name: fmt.Sprint("user-", i)}, texts[i], Release{})
			firsts[i] = p.First
		})
	}
	wg.Wait()
	p := w.get("demo-lib")
	won := 0
	for i, err := range errs {
		if err != nil {
			refused(t, fmt.Sprint("user ", i), err, fault.Forbidden, "not_owner")
			continue
		}
		won++
		if owner := fmt.Sprint("user-", i); len(p.Owners) != 1 || p.Owners[0] != owner || !firsts[i] || p.ID != uint32(i+1) {
			t.Errorf("the owners are %v, the id %#x, want %s", p.Owners, p.ID, owner)
		}
	}
	if won != 1 || len(p.Versions) != 1 {
		t.Errorf("%d have won, %d versions are there", won, len(p.Versions))
	}
}

// Many versions at once, and other changes among them, all come to be.
func TestParallelChanges(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "demo", "0.1.0")
	servers := []*Service{w.Service, w.another(Options{})}
	const n = 12
	errs := make([]error, 2*n)
	texts := make([][]byte, n)
	for i := range texts {
		texts[i] = lib("demo", fmt.Sprintf("1.0.%d", i), "x").tgz(t)
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { _, errs[2*i] = sendTo(t.Context(), servers[i%2], alice, texts[i], Release{}) })
		wg.Go(func() {
			_, errs[2*i+1] = servers[i%2].SetOwner(t.Context(), alice, "demo", fmt.Sprint("user-", i), true)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	p := w.get("demo")
	if len(p.Versions) != n+1 || len(p.Owners) != n+1 || p.Latest().Version != fmt.Sprintf("1.0.%d", n-1) {
		t.Errorf("%d versions, %d owners, latest %s", len(p.Versions), len(p.Owners), p.Latest().Version)
	}
	v, err := w.Version(t.Context(), "demo", "latest")
	if err != nil || v.Version != p.Latest().Version {
		t.Errorf("latest is %s, %v, want %s", v.Version, err, p.Latest().Version)
	}
}

// Who gives up while others' archives are unpacked gets no turn, and leaves nothing.
func TestReceiveIsCancelled(t *testing.T) {
	text := lib("demo", "1.0.0", "x").tgz(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		for range cap(w.unpacking) {
			w.unpacking <- struct{}{}
		}
		ctx, cancel := context.WithCancel(t.Context())
		var err error
		ended := false
		go func() {
			_, err = w.Receive(ctx, alice, bytes.NewReader(text))
			ended = true
		}()
		synctest.Wait()
		if ended {
			t.Error("one more than allowed was unpacked")
		}
		cancel()
		synctest.Wait()
		if !ended || !errors.Is(err, context.Canceled) {
			t.Errorf("ended %t, %v, want canceled", ended, err)
		}
	})
}
