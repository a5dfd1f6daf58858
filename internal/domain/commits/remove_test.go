package commits

import (
	"errors"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

var widgets = Repository{defaultForge, "acme/ws"}

// What was removed is gone by every name that it had, at once, and may come back.
func TestRemove(t *testing.T) {
	w := newWorld(t, Options{})
	a, old := preview(t, sha1a, "a", "secret"), preview(t, sha1b, "a", "old")
	publish := func(sha string, pkg packed) {
		t.Helper()
		p := publication(sha, "acme/ws", pkg)
		p.Refs = []Ref{{PR, "7"}}
		if err := w.sendAs(alice, p, pkg); err != nil {
			t.Fatal(err)
		}
	}
	publish(sha1b, old)
	publish(sha1a, a)
	if sha, err := w.Remove(t.Context(), alice, widgets, sha1a[:10]); err != nil || sha != sha1a {
		t.Fatalf("Remove = %s, %v", sha, err)
	}
	if _, err := w.Commit(t.Context(), sha1a); !errors.Is(err, fault.NotFound) {
		t.Errorf("the commit is still here: %v", err)
	}
	if _, err := w.Package(t.Context(), sha1a, "a"); !errors.Is(err, fault.NotFound) {
		t.Errorf("its package is still here: %v", err)
	}
	if sha, err := w.Point(t.Context(), "acme/ws", Pointer{Refs: []Ref{{PR, "7"}}}); !errors.Is(err, fault.NotFound) {
		t.Errorf("pr/7 is still %s, %v", sha, err)
	}
	w.shows("acme/ws", "a", "bbbb latest=bbbb")
	if _, err := w.Remove(t.Context(), alice, widgets, sha1a); !errors.Is(err, fault.NotFound) {
		t.Errorf("removed once more: %v", err)
	}
	if _, err := w.Commit(t.Context(), sha1b); err != nil {
		t.Errorf("another commit is gone: %v", err)
	}
	publish(sha1a, a)
	if _, err := w.read(sha1a, "a"); err != nil {
		t.Errorf("published again it can't be read: %v", err)
	}
}

// Who may not publish a repository's commits removes none of them.
func TestWhoRemoves(t *testing.T) {
	w := newWorld(t, Options{})
	a := preview(t, sha1a, "a", "1")
	if err := w.sendAs(alice, publication(sha1a, "acme/ws", a), a); err != nil {
		t.Fatal(err)
	}
	bare := pack(t, "bare", "1.0.0", "1")
	if err := w.sendAs(alice, publication(sha1b, "", bare), bare); err != nil {
		t.Fatal(err)
	}
	w.mustFork(sha1c, preview(t, sha1c, "a", "fork"))
	other := Repository{defaultForge, "mallory/own"}
	for name, c := range map[string]struct {
		by   who
		repo Repository
		sha  string
		want fault.Kind
	}{
		"a stranger":                {mallory, widgets, sha1a, fault.Forbidden},
		"a stranger for their own":  {mallory, other, sha1a, fault.NotFound},
		"a stranger, a fork's":      {mallory, other, sha1c, fault.NotFound},
		"naming none":               {mallory, Repository{}, sha1a, fault.Forbidden},
		"a publisher naming none":   {alice, Repository{}, sha1b, fault.Forbidden},
		"an admin naming none":      {boss, Repository{}, sha1a, fault.NotFound},
		"the place of a fork":       {alice, Repository{defaultForge, place7}, sha1c, fault.Forbidden},
		"the run of a fork":         {forkOf(sha1c, "7", 7), widgets, sha1a, fault.Forbidden},
		"what is no SHA":            {alice, widgets, "main", fault.Invalid},
		"a commit that is not here": {alice, widgets, sha1d, fault.NotFound},
	} {
		if _, err := w.Remove(t.Context(), c.by, c.repo, c.sha); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	for _, sha := range []string{sha1a, sha1b, sha1c} {
		if _, err := w.Commit(t.Context(), sha); err != nil {
			t.Errorf("commit %.4s: %v", sha, err)
		}
	}
	for sha, as := range map[string]struct {
		by   who
		repo Repository
	}{sha1a: {boss, widgets}, sha1b: {boss, Repository{}}, sha1c: {alice, widgets}} {
		if _, err := w.Remove(t.Context(), as.by, as.repo, sha); err != nil {
			t.Errorf("commit %.4s: %v", sha, err)
		}
	}
}
