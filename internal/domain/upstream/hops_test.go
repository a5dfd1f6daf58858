package upstream

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/fault"
)

// enter is the context of a request that comes through hops.
func (w *world) enter(hops ...string) context.Context {
	w.t.Helper()
	ctx, err := w.Enter(w.t.Context(), http.Header{hopHeader: hops})
	if err != nil {
		w.t.Fatalf("Enter(%q): %v", hops, err)
	}
	return ctx
}

func TestEnter(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		first := w.id
		w.restart(Options{})
		if w.id == first || len(first) < 20 {
			t.Errorf("ids %q and %q", first, w.id)
		}
		for _, hops := range [][]string{{w.id}, {"a", w.id}, {w.id, "a"}, {"a, " + w.id + ",b"}, {"a,,b", " " + w.id + " "}} {
			if _, err := w.Enter(t.Context(), http.Header{hopHeader: hops}); !errors.Is(err, fault.Loop) {
				t.Errorf("through %q, where this instance is: %v", hops, err)
			}
		}
		for _, hops := range [][]string{nil, {""}, {first}, {"a", "b"}, {strings.ToLower(w.id)}, {strings.Repeat("a,", maxHops-1) + "a"}} {
			if _, err := w.Enter(t.Context(), http.Header{hopHeader: hops}); err != nil {
				t.Errorf("through %q: %v", hops, err)
			}
		}
		for _, hops := range []string{strings.Repeat("a,", maxHops) + "a", strings.Repeat("a", 10_000)} {
			if _, err := w.Enter(t.Context(), http.Header{hopHeader: {hops}}); !errors.Is(err, fault.Loop) {
				t.Errorf("through %.100q: %v", hops, err)
			}
		}
	})
}

// Whatever is asked of upstream names who asks, and through whom.
func TestHopsAreSent(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		for what, ask := range map[string]func(context.Context) error{
			"packument": func(ctx context.Context) error {
				d, err := w.Packument(ctx, "a", full, true)
				if err == nil {
					err = d.Close()
				}
				return err
			},
			"search":       func(ctx context.Context) error { _, _, err := w.Search(ctx, "a", 0, 1); return err },
			"attestations": func(ctx context.Context) error { _, err := w.Attestations(ctx, "a", "1.0.0"); return err },
			"advisories": func(ctx context.Context) error {
				_, err := w.Advisories(ctx, map[string][]string{"a": {"1.0.0"}})
				return err
			},
			"tarball": func(ctx context.Context) error {
				tb, err := w.Tarball(ctx, "a", "a-1.0.0.tgz", false)
				if err == nil {
					err = tb.Close()
				}
				return err
			},
		} {
			for hops, want := range map[string]string{"": w.id, "one, two": "one, two, " + w.id} {
				ctx := t.Context()
				if hops != "" {
					ctx = w.enter("one", "two")
				}
				w.registry.took()
				_ = ask(ctx) // what there is none of is refused
				if len(w.registry.requests) == 0 {
					continue // the copy of the tarball
				}
				if got := w.registry.last().Header.Values(hopHeader); len(got) != 1 || got[0] != want {
					t.Errorf("%s: the hops are %q, want %q", what, got, want)
				}
			}
		}
	})
}

// Two registries whose clients ask both for the same name at the same time: each waits
// for the other, so the requests that go round must not wait for those.
func TestNoWaitInCircles(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		began := time.Now()
		w.registry.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			hops := r.Header.Get(hopHeader)
			if strings.HasPrefix(hops, "other, ") { // our own request, come back: other refuses it
				rw.WriteHeader(http.StatusLoopDetected)
				return true
			}
			// other's client has it waiting for us.
			if _, err := w.Packument(w.enter("other"), "a", full, false); !errors.Is(err, fault.Loop) {
				t.Errorf("for other: %v", err)
			}
			rw.WriteHeader(http.StatusLoopDetected)
			return true
		})
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, err := w.Packument(t.Context(), "a", full, false); !errors.Is(err, fault.Loop) {
					t.Errorf("for a client: %v", err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s to tell", took)
		}
		if got := w.registry.took(); len(got) != 2 {
			t.Errorf("upstream was asked %v, want once for our clients and once for other", got)
		}
	})
}

// Who makes up hops is refused alone.
func TestMadeUpHops(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		w.registry.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.Header.Get(hopHeader), "upstream's own") {
				return false
			}
			rw.WriteHeader(http.StatusLoopDetected)
			return true
		})
		if _, err := w.Packument(w.enter("upstream's own"), "a", full, false); !errors.Is(err, fault.Loop) {
			t.Errorf("Packument: %v", err)
		}
		if _, _, err := w.tarball("a", "a-1.0.0.tgz"); err != nil {
			t.Errorf("everybody else: %v", err)
		}
		if _, err := w.Attestations(w.enter("upstream's own"), "a", "1.0.0"); !errors.Is(err, fault.Loop) {
			t.Errorf("Attestations: %v", err)
		}
		if _, err := w.Keys(w.enter("upstream's own")); !errors.Is(err, fault.Loop) {
			t.Errorf("Keys: %v", err)
		}
		w.registry.intercept(text("", `{"keys":[]}`))
		if _, err := w.Keys(t.Context()); err != nil {
			t.Errorf("the keys, for everybody else: %v", err)
		}
	})
}

// A search that its caller gives up says nothing of upstream: packages are still asked for.
func TestImpatientSearch(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		w.registry.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
			slow := strings.HasSuffix(r.URL.Path, "/search")
			if slow {
				<-r.Context().Done()
			}
			return slow
		})
		for range 2 * egress.MaxFailures {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, _, err := w.Search(ctx, "a", 0, 1); !errors.Is(err, fault.Unavailable) {
				t.Errorf("Search: %v", err)
			}
			cancel()
		}
		w.doc("a", full, false)
	})
}
