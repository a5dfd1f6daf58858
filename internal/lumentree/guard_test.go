package lumentree_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/lumentree"
)

// An export does not write over what is not an export of its registry.
func TestExportOverOthers(t *testing.T) {
	from := signedTree(t)
	other := t.TempDir()
	publish(t, other, otherKey, pack(t, "@acme/http", "1.0.0", "one"))
	exported := t.TempDir()
	export(t, other, exported, lumentree.Options{})
	unsigned := t.TempDir()
	publish(t, unsigned, nil, pack(t, "@acme/http", "1.0.0", "one"), pack(t, "@acme/http", "7.0.0", "only here"))

	for name, to := range map[string]string{"an export": exported, "a signed folder": other, "a folder by hand": unsigned} {
		before, err := contents(to)
		if err != nil {
			t.Fatal(err)
		}
		for _, check := range []bool{false, true} {
			d := disk(t, to)
			_, err = lumentree.Export(t.Context(), source(t, from), d, lumentree.Options{Verify: check})
			if e, ok := fault.Public(err); !ok || e.Code != "other_registry" {
				t.Errorf("over %s of another registry: %v", name, err)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
		after, err := contents(to)
		if diff := cmp.Diff(before, after); diff != "" || err != nil {
			t.Errorf("%s was changed: %s %v", name, diff, err)
		}
	}
}

// Keys that somebody put into an export are no reason not to put it right.
func TestExportOverForeignKeys(t *testing.T) {
	from, to := signedTree(t), t.TempDir()
	export(t, from, to, lumentree.Options{})
	other := t.TempDir()
	publish(t, other, otherKey, pack(t, "@acme/http", "1.0.0", "one"))
	theirs, err := contents(other)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, map[string]string{"keys.json": theirs["keys.json"]})
	export(t, from, to, lumentree.Options{Verify: true})
	sameTree(t, to, from)
}
