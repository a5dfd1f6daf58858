package packages

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/format/signature"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/scrub"
)

// Known makes the world a Keyring.
func (w *world) Known(context.Context) ([]signature.Key, error) {
	k, err := signature.PublicKey(&w.key.PublicKey, w.Now().AddDate(1000, 0, 0))
	return []signature.Key{k}, err
}

// verify checks everything that is kept.
func (w *world) verify() []scrub.Problem {
	w.t.Helper()
	blobs := scrub.NewBlobs(w.Blobs, w.life)
	v, err := scrub.New(scrub.Options{DB: w.DB.DB.(kv.Walker), Blobs: blobs, Checkers: []scrub.Checker{w.Checker(blobs, w)}, Spaces: []blob.Space{blob.Packages}, Now: w.Now}).Run(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return v.Problems
}

func (w *world) sound() {
	w.t.Helper()
	for _, p := range w.verify() {
		w.t.Errorf("wrong: %+v", p)
	}
}

// What belongs to versions is verified with them: READMEs, provenance, stars, stages.
func TestVerifyWhatBelongsToVersions(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	text := pack(t, `"name":"a","version":"1.0.0"`, "README.md", "# A", "index.js", "one")
	if _, err := w.send(alice, text, Release{Provenance: bundleOf(sha512Of(t, text), slsa)}); err != nil {
		t.Fatal(err)
	}
	if err := w.Star(ctx, bob, "a", true); err != nil {
		t.Fatal(err)
	}
	staged, err := w.stage(alice, tgz(t, "a", "2.0.0", "two"), Release{})
	if err != nil {
		t.Fatal(err)
	}
	w.sound()
	for what, change := range map[string]func() error{
		"owners":      func() error { return w.SetOwners(ctx, alice, "a", "", []string{"alice", "bob"}) },
		"other ones":  func() error { return w.SetOwners(ctx, root, "a", "", []string{"carol", "alice"}) },
		"a dist-tag":  func() error { return w.Tag(ctx, alice, "a", "next", "1.0.0") },
		"a message":   func() error { return w.Deprecate(ctx, alice, "a", map[string]string{"1.0.0": "old"}) },
		"access":      func() error { return w.SetAccess(ctx, alice, "a", "restricted") },
		"second star": func() error { return w.Star(ctx, alice, "a", true) },
	} {
		if err := change(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		w.sound()
	}
	readme := readmeID("# A")
	for what, tt := range map[string]struct {
		key  kv.Key
		to   []byte // nil: the row is deleted
		want []scrub.Code
	}{
		"a README that is gone":      {readmeKey("a", readme), nil, []scrub.Code{scrub.Reference}},
		"another README":             {readmeKey("a", readme), must(t, w, "# B"), []scrub.Code{scrub.Hash}},
		"a README that is no text":   {readmeKey("a", readme), []byte{0xff}, []scrub.Code{scrub.Row}},
		"provenance that is gone":    {provenanceKey("a", "1.0.0"), nil, []scrub.Code{scrub.Reference}},
		"provenance of other bytes":  {provenanceKey("a", "1.0.0"), must(t, w, string(bundleOf(strings.Repeat("0", 128), slsa))), []scrub.Code{scrub.Manifest}},
		"provenance of another type": {provenanceKey("a", "1.0.0"), must(t, w, string(bundleOf(sha512Of(t, text), "https://example.com/other"))), []scrub.Code{scrub.Manifest}},
		"a star of one side":         {starKey("a", "bob"), nil, []scrub.Code{scrub.Reference, scrub.Reference}},
		"a star of the other":        {starredKey("bob", "a"), nil, []scrub.Code{scrub.Reference}},
		"a stage that is not listed": {stagesKey("a", staged.ID), nil, []scrub.Code{scrub.Reference}},
		"a stage without its row":    {stageKey(staged.ID, stageRow), nil, []scrub.Code{scrub.Reference}},
		"a stage with nothing":       {stageKey(staged.ID, candidateRow), nil, []scrub.Code{scrub.Reference}},
		"a scope that is no JSON":    {scopeKey("@x"), []byte("{"), []scrub.Code{scrub.Row}},
		"a tombstone of what is":     {goneKey("a", "1.0.0"), []byte("{}"), []scrub.Code{scrub.Reference}},
	} {
		before, err := w.DB.Get(ctx, tt.key)
		undo := kv.Put(before)
		if err != nil {
			undo = kv.Delete(tt.key)
		}
		op := kv.Delete(tt.key)
		if tt.to != nil {
			op = kv.Put(kv.Row{Key: tt.key, Value: tt.to})
		}
		if err := w.DB.Apply(ctx, op); err != nil {
			t.Fatal(err)
		}
		var got []scrub.Code
		for _, p := range w.verify() {
			got = append(got, p.Code)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v %+v, want %v", what, got, w.verify(), tt.want)
		}
		if err := w.DB.Apply(ctx, undo); err != nil {
			t.Fatal(err)
		}
	}
	w.sound()
	row, _, err := w.staged(ctx, alice, staged.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Blobs.Delete(ctx, blobKey(row.Artifact)); err != nil {
		t.Fatal(err)
	}
	if found := w.verify(); len(found) != 1 || found[0].Code != scrub.Missing || !strings.Contains(found[0].Name, "a@2.0.0 (stage ") {
		t.Errorf("without the bytes of a stage: %+v", found)
	}
}

// must is a text as rows have it.
func must(t *testing.T, w *world, text string) []byte {
	t.Helper()
	b, err := w.codec.deflate([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(b)
}
