package packages

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// What others change while the bytes of a publish are stored counts, though it was planned before.
func TestChangedWhileBytesAreStored(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		published bool // @acme/a is there before, by alice, with bob as another owner of the scope
		who       user
		change    func(t *testing.T, other *Service)
		kind      fault.Kind // none: the publish goes well
		code      string
	}{
		"the publisher owns the scope no more": {true, bob, func(t *testing.T, other *Service) {
			must(other.SetScopeOwners(t.Context(), alice, "@acme", []string{"alice"}))
		}, fault.Forbidden, "not_owner"},
		"the publisher owns the package no more": {true, alice, func(t *testing.T, other *Service) {
			must(other.SetOwners(t.Context(), bob, "@acme/a", "", []string{"bob"}))
			must(other.SetScopeOwners(t.Context(), bob, "@acme", []string{"bob"}))
		}, fault.Forbidden, "not_owner"},
		"another takes the name": {false, alice, func(t *testing.T, other *Service) {
			_, err := sendTo(t, other, bob, tgz(t, "@acme/a", "1.0.0", "bob's"), Release{})
			must(err)
		}, fault.Forbidden, "not_owner"},
		"another takes the scope": {false, alice, func(t *testing.T, other *Service) {
			must(other.SetScopeOwners(t.Context(), root, "@acme", []string{"bob"}))
		}, fault.Forbidden, "not_owner"},
		"the version gets other bytes": {true, alice, func(t *testing.T, other *Service) {
			_, err := sendTo(t, other, bob, tgz(t, "@acme/a", "2.0.0", "bob's"), Release{})
			must(err)
		}, fault.Exists, "version_exists"},
		"the version gets other bytes and is unpublished": {true, alice, func(t *testing.T, other *Service) {
			_, err := sendTo(t, other, bob, tgz(t, "@acme/a", "2.0.0", "bob's"), Release{})
			must(err)
			must(other.Unpublish(t.Context(), bob, "@acme/a", "", "2.0.0"))
		}, fault.Exists, "version_gone"},
		"the version gets the same bytes": {true, alice, func(t *testing.T, other *Service) {
			_, err := sendTo(t, other, bob, tgz(t, "@acme/a", "2.0.0", "alice's"), Release{})
			must(err)
		}, "", ""},
		"another version is published": {true, alice, func(t *testing.T, other *Service) {
			_, err := sendTo(t, other, bob, tgz(t, "@acme/a", "1.5.0", ""), Release{})
			must(err)
		}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			if c.published {
				w.publish(alice, "@acme/a", "1.0.0")
				must(w.SetScopeOwners(t.Context(), alice, "@acme", []string{"alice", "bob"}))
			}
			other := w.another(Options{})
			w.Blobs.AfterPut = func() {
				w.Blobs.AfterPut = nil
				c.change(t, other)
			}
			_, err := w.send(c.who, tgz(t, "@acme/a", "2.0.0", c.who.Name+"'s"), Release{})
			if c.code != "" {
				refused(t, "the publish", err, c.kind, c.code)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			w.Pass(90 * day)
			w.sweep()
			if _, err := w.read("@acme/a", "2.0.0"); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// reading notes which rows are read one by one.
type reading struct {
	kv.DB
	keys []string
}

func (r *reading) Get(ctx context.Context, k kv.Key) (kv.Row, error) {
	r.keys = append(r.keys, k.String())
	return r.DB.Get(ctx, k)
}

// A row is a request to DynamoDB, so a publish reads what it can't know otherwise, once. (The real Signer reads one more.)
func TestReadsOfAPublish(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "@acme/a", "1.0.0")
	rows := &reading{DB: w.DB.DB}
	w.DB.DB = rows
	w.publish(alice, "@acme/a", "1.1.0")
	want := []string{"package/@acme/a / head", "package/@acme/a / version/1.1.0", "package/@acme/a / gone/1.1.0"}
	if !slices.Equal(rows.keys, want) {
		t.Errorf("a publish reads\n%s\nwant\n%s", strings.Join(rows.keys, "\n"), strings.Join(want, "\n"))
	}
}
