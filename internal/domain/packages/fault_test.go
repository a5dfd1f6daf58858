package packages

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/storetest"
)

// A write whose outcome the store can't tell may have happened (law 7 of kv).
// Whichever write of a change that is, the change can be made again and leads to
// the same.
func TestUnknownOutcomes(t *testing.T) {
	type change func(w *world) error
	publish := func(name, version string, tags ...string) change {
		return func(w *world) error {
			_, err := w.send(alice, tgz(w.t, name, version, "x"), Release{Tags: tags})
			return err
		}
	}
	changes := map[string]change{
		"first publish": publish("@new/a", "1.0.0"),
		"publish":       publish("a", "3.0.0", "next"),
		"same bytes":    publish("a", "2.0.0", "again"),
		"publish all": func(w *world) error {
			_, err := sendAll(t, w.Service, alice, "5.0.0", "x", "@b/a", "@b/b")
			return err
		},
		"tag":        func(w *world) error { return w.Tag(w.t.Context(), alice, "a", "beta", "1.0.0") },
		"tag latest": func(w *world) error { return w.Tag(w.t.Context(), alice, "a", latest, "1.0.0") },
		"untag": func(w *world) error {
			err := w.Untag(w.t.Context(), alice, "a", "old")
			if errors.Is(err, fault.NotFound) {
				err = nil // it says that the tag is not there, which a mistyped one needs
			}
			return err
		},
		"unpublish":      func(w *world) error { return w.Unpublish(w.t.Context(), alice, "a", "", "2.0.0") },
		"unpublish all":  func(w *world) error { return w.UnpublishAll(w.t.Context(), alice, "a", "") },
		"deprecate":      func(w *world) error { return w.Deprecate(w.t.Context(), alice, "a", map[string]string{"1.0.0": "old"}) },
		"owners":         func(w *world) error { return w.SetOwners(w.t.Context(), alice, "a", "", []string{"alice", "bob"}) },
		"scope owners":   func(w *world) error { return w.SetScopeOwners(w.t.Context(), alice, "@s", []string{"alice", "bob"}) },
		"access":         func(w *world) error { return w.SetAccess(w.t.Context(), alice, "a", restricted) },
		"star":           func(w *world) error { return w.Star(w.t.Context(), bob, "a", true) },
		"of a tombstone": publish("gone", "1.0.0"),
	}
	for name, do := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.InDoubt(t, func(t *testing.T) storetest.Trial {
				w := inUse(t)
				return storetest.Trial{DB: w.DB, Make: func() error { return do(w) }, Seen: w.all}
			})
		})
	}
}

// inUse is a world with packages of alice.
func inUse(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, Options{})
	w.publish(alice, "a", "1.0.0", latest, "old")
	w.Pass(time.Second)
	if _, err := w.send(alice, tgz(t, "a", "2.0.0", "x"), Release{}); err != nil {
		t.Fatal(err)
	}
	w.publish(alice, "@s/a", "1.0.0")
	if _, err := w.send(alice, tgz(t, "gone", "1.0.0", "x"), Release{}); err != nil {
		t.Fatal(err)
	}
	if err := w.UnpublishAll(t.Context(), alice, "gone", ""); err != nil {
		t.Fatal(err)
	}
	return w
}

// all is what can be seen, but for revisions and signatures.
func (w *world) all() map[string]any {
	w.t.Helper()
	out := map[string]any{}
	for _, name := range []string{"a", "@s/a", "@new/a", "@b/a", "@b/b", "gone"} {
		p, err := w.Package(w.t.Context(), name)
		if err != nil {
			out[name] = errors.Is(err, fault.NotFound)
			continue
		}
		versions := map[string]string{}
		for _, v := range p.Versions {
			version := v.Version.Version
			text, err := w.read(name, version)
			if err != nil || int64(len(text)) != v.Artifact.Size {
				w.t.Errorf("%s@%s has %d bytes, %v", name, version, len(text), err)
			}
			versions[version] = v.Dist.Integrity + v.Deprecated
		}
		out[name] = []any{versions, p.Tags, p.Owners, p.Restricted, p.Stars, p.Created, p.Modified}
	}
	found, total, err := w.Search(w.t.Context(), "", 0, 0)
	if err != nil {
		w.t.Error(err)
	}
	out["search"], out["total"] = found, total
	for _, user := range []string{"alice", "bob"} {
		if out[user], err = w.Owned(w.t.Context(), user); err != nil {
			w.t.Error(err)
		}
	}
	if out["@s"], err = w.ScopeOwners(w.t.Context(), "@s"); err != nil {
		w.t.Error(err)
	}
	return out
}

// Bytes that can't be stored leave nothing visible, and the same upload may be tried again.
func TestBlobsThatFail(t *testing.T) {
	w := newWorld(t, Options{})
	full := errors.New("the disk is full")
	w.Blobs.PutErr = full
	u, err := w.Receive(t.Context(), alice, bytes.NewReader(tgz(t, "a", "1.0.0", "x")))
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if _, err := w.Publish(t.Context(), alice, Release{Upload: u}); !errors.Is(err, full) {
		t.Fatalf("Publish = %v, want the store's error", err)
	}
	if _, err := w.Package(t.Context(), "a"); !errors.Is(err, fault.NotFound) {
		t.Errorf("the package is visible: %v", err)
	}
	w.Blobs.PutErr = nil
	if _, err := w.Publish(t.Context(), alice, Release{Upload: u}); err != nil {
		t.Fatal(err)
	}
	if text, err := w.read("a", "1.0.0"); err != nil || !bytes.Equal(text, tgz(t, "a", "1.0.0", "x")) {
		t.Errorf("the bytes are %d others, %v", len(text), err)
	}
}

// A machine that sleeps in the middle of a publish, for so long that the sweeper
// has taken its bytes for abandoned, must not make them visible when it wakes.
func TestPublishAcrossASleep(t *testing.T) {
	sleeps := map[string]func(w *world) error{
		"publish": func(w *world) error { _, err := w.send(alice, tgz(t, "a", "1.0.0", "x"), Release{}); return err },
		"stage":   func(w *world) error { _, err := w.stage(alice, tgz(t, "a", "1.0.0", "x"), Release{}); return err },
	}
	for name, do := range sleeps {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.Blobs.AfterPut = func() { w.Pass(40 * day); w.sweep() }
			if err := do(w); !errors.Is(err, fault.Unavailable) {
				t.Errorf("a publish that lasted 40 days: %v, want unavailable", err)
			}
			w.Blobs.AfterPut = nil
			if _, err := w.Package(t.Context(), "a"); !errors.Is(err, fault.NotFound) {
				t.Errorf("the package is visible: %v", err)
			}
			if err := do(w); err != nil {
				t.Errorf("the same again: %v", err)
			}
		})
	}
}
