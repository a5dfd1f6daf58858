package commits

import (
	"testing"
	"time"

	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/scrub"
)

// sound verifies everything that is kept, and wants nothing to be wrong.
func (w *world) sound() (checked int64) {
	w.t.Helper()
	blobs := scrub.NewBlobs(w.blobs, w.life)
	v, err := scrub.New(scrub.Options{DB: w.db.DB.(kv.Walker), Blobs: blobs, Checkers: []scrub.Checker{w.Checker(blobs)}, Spaces: []blob.Space{blob.Commits}, Now: w.Now}).Run(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range v.Problems {
		w.t.Errorf("wrong: %+v", p)
	}
	return v.Checked["packages of commits"]
}

// Of what was replaced, has expired or was swept nothing is missed, since nobody needs it.
func TestVerifyWhatIsNoMore(t *testing.T) {
	w := newWorld(t, Options{Retention: 90 * day})
	if n := w.sound(); n != 0 {
		t.Errorf("%d packages are in an empty store", n)
	}
	b := pack(t, "b", "1.0.0", "shared")
	for _, content := range []string{"one", "two", "shared"} {
		a := pack(t, "a", "1.0.0", content)
		p := publication(sha1a, "acme/ws", a, b)
		p.Refs, p.Replace = []Ref{{Branch, "main"}}, true
		if _, err := w.send(p, a, b); err != nil {
			t.Fatal(err)
		}
		if n := w.sound(); n != 2 {
			t.Errorf("%d packages are there, want 2", n)
		}
	}
	for _, d := range []time.Duration{day, 89*day - time.Second, 2 * time.Hour, 30 * day} {
		w.Pass(d)
		w.sound()
		w.sweep()
		w.sound()
	}
}
