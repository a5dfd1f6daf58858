package lumenpackages

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/storetest"
)

var errLost = errors.New("power is gone")

// Two servers on one store publish and yank versions of one package: no entry is lost.
func TestWritersLoseNothing(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, utils, "0.0.1")
	servers := []*Service{w.Service, w.another(Options{})}
	const each = 8
	var wg sync.WaitGroup
	write := func(f func() error) {
		for range 20 { // a server gives up after some tries, and tells to send it again
			if err := f(); !errors.Is(err, fault.Unavailable) {
				if err != nil {
					t.Error(err)
				}
				return
			}
		}
		t.Error("a write never came through")
	}
	for i, s := range servers {
		for j := range each {
			version := fmt.Sprintf("1.%d.%d", i, j)
			text := lib(utils, version, version).tar(t)
			wg.Go(func() {
				write(func() error { _, err := sendTo(t.Context(), s, alice, text, Release{}); return err })
				if j%2 == 0 {
					write(func() error { return servers[1-i].Yank(t.Context(), alice, utils, version, true, "even") })
				}
			})
			wg.Go(func() {
				if _, err := s.Index(t.Context()); err != nil && !errors.Is(err, fault.Unavailable) {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	x := w.packageIndex(utils)
	if len(x.Versions) != 2*each+1 || len(x.Yanked) != each {
		t.Errorf("%d versions, %d yanked, want %d and %d", len(x.Versions), len(x.Yanked), 2*each+1, each)
	}
	w.verify()
}

// Of many first publishers of a scope one gets it.
func TestOneGetsTheScope(t *testing.T) {
	w := newWorld(t, Options{})
	servers := []*Service{w.Service, w.another(Options{})}
	got := make([]error, 6)
	var wg sync.WaitGroup
	for i := range got {
		text := lib(fmt.Sprintf("@acme/p%d", i), "1.0.0", "x").tar(t)
		wg.Go(func() {
			_, got[i] = sendTo(t.Context(), servers[i%2], user{Name: fmt.Sprint("user-", i)}, text, Release{})
		})
	}
	wg.Wait()
	won := 0
	for i, err := range got {
		if err == nil {
			won++
		} else {
			refused(t, fmt.Sprint("publisher ", i), err, fault.Forbidden, "not_owner")
		}
	}
	if n := w.index().PackageCount; won != 1 || n != 1 {
		t.Errorf("%d publishers got the scope, which has %d packages", won, n)
	}
}

// Servers that start at once agree on a key and a checkpoint, while keys are rotated too.
func TestKeysAreShared(t *testing.T) {
	w := newWorld(t, Options{})
	servers := []*Service{w.Service, w.another(Options{}), w.another(Options{})}
	var wg sync.WaitGroup
	for i, s := range servers {
		text := lib(fmt.Sprintf("@s%d/p", i), "1.0.0", "x").tar(t)
		wg.Go(func() {
			if _, err := sendTo(t.Context(), s, alice, text, Release{}); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if _, err := s.RotateKey(t.Context()); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() { must(t, s.Index) })
	}
	wg.Wait()
	w.verify()
	for _, s := range servers {
		if d := cmp.Diff(must(t, w.Checkpoint).Body, must(t, s.Checkpoint).Body); d != "" {
			t.Errorf("the servers' checkpoints differ: %s", d)
		}
	}
}

// A crash at any point leaves nothing visible; the bytes go some hours later, and the same request again succeeds.
func TestCrashPoints(t *testing.T) {
	text := gzipped(t, lib(utils, "1.0.0", "x").tar(t))
	for point := 0; ; point++ {
		w := newWorld(t, Options{})
		w.DB.FailFrom(point, errLost)
		_, err := w.send(alice, text, Release{})
		w.DB.BeforeApply = nil
		if err == nil {
			if point < 3 {
				t.Errorf("only %d writes were tried", point)
			}
			break
		}
		if !errors.Is(err, errLost) {
			t.Fatalf("point %d: %v", point, err)
		}
		if x := w.index(); len(x.Packages) != 0 {
			t.Errorf("point %d: %+v is visible", point, x.Packages)
		}
		w.Pass(10 * time.Hour)
		w.sweep()
		if w.Stored() != 0 {
			t.Errorf("point %d: the bytes are still there", point)
		}
		if p, err := w.send(alice, text, Release{}); err != nil || p.Unchanged || !p.First {
			t.Errorf("point %d: the same again: %+v, %v", point, p, err)
		}
		w.verify()
	}
}

// A write whose outcome the store can't tell may have happened (law 7 of kv). Whichever write of a change that is,
// the change can be made again and leads to the same.
func TestUnknownOutcomes(t *testing.T) {
	for name, do := range map[string]func(w *world) error{
		"first publish": func(w *world) error {
			_, err := w.send(alice, lib("@new/demo", "1.0.0", "x").tar(t), Release{})
			return err
		},
		"publish": func(w *world) error {
			_, err := w.send(alice, lib(utils, "3.0.0", "x").tar(t), Release{})
			return err
		},
		"yank":  func(w *world) error { return w.Yank(t.Context(), alice, utils, "1.0.0", true, "bad") },
		"owner": func(w *world) error { return w.SetOwner(t.Context(), alice, utils, "bob", RoleOwner) },
		"read":  func(w *world) error { _, err := w.Index(t.Context()); return err },
		"revocation": func(w *world) error {
			old, err := w.retired(t.Context())
			if err != nil {
				return err
			}
			current, err := w.signer(t.Context())
			if len(old) > 0 { // made again
				current.public = old[0].Key
			}
			if err == nil {
				_, err = w.RevokeKey(t.Context(), current.public.KeyID)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.InDoubt(t, func(t *testing.T) storetest.Trial {
				w := newWorld(t, Options{})
				w.publish(alice, utils, "1.0.0")
				return storetest.Trial{DB: w.DB, Make: func() error { return do(w) }, Seen: w.all}
			})
		})
	}
}

// all is what can be seen, but for digests and signatures: every world has a key of its own.
func (w *world) all() map[string]any {
	w.t.Helper()
	w.verify()
	out := map[string]any{}
	for _, p := range w.index().Packages {
		x := w.packageIndex(p.Name)
		out[p.Name] = []any{p.Latest, len(x.Versions), x.Yanked}
	}
	return out
}
