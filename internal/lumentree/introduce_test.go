package lumentree_test

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/lumentree"
)

// keysOf is what the keys.json of a folder lists: the names, and which are revoked.
func keysOf(t *testing.T, dir string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := lumen.DecodeKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	revoked := map[string]bool{}
	for _, k := range list.Keys {
		revoked[k.KeyID] = k.Revoked
	}
	return revoked
}

// revoke does to a tree what a registry does that revokes its key: another signs all that there is, and one more version.
func revoke(t *testing.T, dir string, old, next ed25519.PrivateKey, p lumentree.Package) {
	t.Helper()
	tree, err := contents(dir)
	if err != nil {
		t.Fatal(err)
	}
	public := func(k ed25519.PrivateKey) lumen.Key { return lumen.PublicKey(k.Public().(ed25519.PublicKey)) }
	retired := public(old)
	signed := map[string]string{}
	for path, text := range tree {
		if !strings.HasPrefix(path, "signatures/") {
			continue
		}
		e, err := lumen.DecodeEnvelope([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		payload, _, err := e.Open(lumen.StatementType, lumen.Keys{Keys: []lumen.Key{retired}})
		if err != nil {
			t.Fatal(err)
		}
		signed[path] = string(lumen.Encode(lumen.Seal(next, lumen.StatementType, payload, now.Format(time.RFC3339))))
	}
	retired.Revoked = true
	signed["keys.json"] = string(lumen.Encode(lumen.Keys{Keys: []lumen.Key{public(next), retired}}))
	write(t, dir, signed)
	publish(t, dir, next, p)
}

// A key of the registry is revoked, and what it signed signed anew. Wherever the export of that is killed, a reader finds every version
// signed by a key that is listed and good.
func TestKilledExportOfRevocation(t *testing.T) {
	old := signedTree(t)
	next := clone(t, old)
	revoke(t, next, key, otherKey, pack(t, "@acme/log", "1.0.0", "first"))
	start := t.TempDir()
	export(t, old, start, lumentree.Options{})
	id := func(k ed25519.PrivateKey) string { return lumen.KeyID(k.Public().(ed25519.PublicKey)) }

	done, both := false, 0
	for n := 0; !done; n++ {
		to := clone(t, start)
		done = exportUntil(t, next, to, n)
		sound(t, to)
		if diff := cmp.Diff(map[string]bool{id(key): false, id(otherKey): false}, keysOf(t, to)); diff == "" {
			both++
		}
		again := clone(t, to)
		if n%2 == 0 && !exportUntil(t, next, again, n) {
			sound(t, again)
		}
		export(t, next, to, lumentree.Options{})
		sameTree(t, to, next)
		if v := sound(t, to); v.UnderWay || !keysOf(t, to)[id(key)] {
			t.Errorf("after %d operations and another export: under way %v, keys %v", n, v.UnderWay, keysOf(t, to))
		}
	}
	if both < 5 {
		t.Errorf("both keys were good at %d moments", both)
	}
	if r := export(t, next, start, lumentree.Options{}); r.Deleted != 0 {
		t.Errorf("the export: %+v", r)
	}
	if r := export(t, next, start, lumentree.Options{}); r.Written != 0 {
		t.Errorf("the same again: %+v", r)
	}
}

// A tree that nobody signed is not said to be signed before all of it is.
func TestKilledExportOverUnsigned(t *testing.T) {
	from, unsigned := signedTree(t), t.TempDir()
	tree, err := contents(from)
	if err != nil {
		t.Fatal(err)
	}
	for path := range tree {
		if strings.HasPrefix(path, "signatures/") || path == "keys.json" || path == "checkpoint.json" {
			delete(tree, path)
		}
	}
	write(t, unsigned, tree)
	sound(t, unsigned)
	for n, done := 0, false; !done; n++ {
		to := clone(t, unsigned)
		done = exportUntil(t, from, to, n)
		sound(t, to)
	}
}
