package lumenpackages

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
)

// verify checks the whole tree as an export and its reader would: every file has the bytes that the list says, every version is
// signed, the indexes name what is there, and the checkpoint is of them.
func (w *world) verify() {
	w.t.Helper()
	all := w.list()
	paths := map[string]bool{}
	indexes := map[string]digest.SHA256{}
	keys := decoded[lumen.Keys](w.t, must(w.t, w.Keys))
	for _, f := range all {
		if paths[f.Path] {
			w.t.Errorf("%s is listed twice", f.Path)
		}
		paths[f.Path] = true
		body := w.read(f.Path)
		if digest.Of(body) != f.Digest || int64(len(body)) != f.Size {
			w.t.Errorf("%s is listed as %s, %d bytes, but has %s, %d", f.Path, f.Digest, f.Size, digest.Of(body), len(body))
		}
		if name, ok := strings.CutPrefix(f.Path, "packages/"); ok {
			if name, ok := strings.CutSuffix(name, "/index.json"); ok {
				indexes[name] = f.Digest
				w.verifyPackage(name, body, keys)
			}
		}
	}
	if err := w.checkpoint().Check(indexes, w.Now()); err != nil {
		w.t.Error(err)
	}
	if all[len(all)-1].Path != "index.json" || all[len(all)-2].Path != "checkpoint.json" {
		w.t.Errorf("the list ends with %v", all[len(all)-2:])
	}
}

func (w *world) verifyPackage(name string, body []byte, keys lumen.Keys) {
	w.t.Helper()
	x, err := lumen.DecodePackageIndex(body)
	if err != nil {
		w.t.Fatal(err)
	}
	if !slices.IsSortedFunc(x.Versions, lumen.Compare) {
		w.t.Errorf("the versions of %s are %q, want the lowest first", name, x.Versions)
	}
	for _, version := range x.Versions {
		m := decoded[lumen.Metadata](w.t, must(w.t, w.ofVersion(w.Metadata, name, version)))
		reason, yanked := x.Yanked[version]
		if m.Yanked != yanked || m.YankReason != reason {
			w.t.Errorf("%s %s: the index says yanked %v %q, the metadata %v %q", name, version, yanked, reason, m.Yanked, m.YankReason)
		}
		e := decoded[lumen.Envelope](w.t, must(w.t, w.ofVersion(w.Signature, name, version)))
		payload, _, err := e.Open(lumen.StatementType, keys)
		if err != nil {
			w.t.Fatalf("%s %s: %v", name, version, err)
		}
		s, err := lumen.DecodeStatement(payload)
		if err == nil {
			err = s.Check(m)
		}
		if err != nil {
			w.t.Errorf("%s %s: %v", name, version, err)
		}
	}
}

func TestFilesOrder(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, utils, "1.0.0")
	w.publish(alice, "@acme/b", "1.0.0")
	text := gzipped(t, lib(utils, "1.1.0", "x").tar(t))
	if _, err := w.send(alice, text, Release{}); err != nil {
		t.Fatal(err)
	}
	var stages []string
	for _, f := range w.list() {
		stage, _, _ := strings.Cut(f.Path, "/")
		if stage == "packages" && strings.HasSuffix(f.Path, "/index.json") {
			stage = "indexes"
		}
		if len(stages) == 0 || stages[len(stages)-1] != stage {
			stages = append(stages, stage)
		}
	}
	if d := cmp.Diff([]string{"artifacts", "signatures", "keys.json", "packages", "indexes", "checkpoint.json", "index.json"}, stages); d != "" {
		t.Error(d)
	}
	if n := len(w.list()); n != 4+3+1+3+2+1+1 {
		t.Errorf("%d files are listed", n)
	}
	w.verify()
}

// An unchanged registry has the same bytes on every server, after a restart too, as long as its checkpoint is good.
func TestUnchangedRegistryIsTheSame(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, utils, "1.0.0")
	w.publish(alice, utils, "2.0.0-rc.1")
	w.yank(alice, utils, "1.0.0", true, "bad")
	first := w.list()
	w.Pass(3 * day)
	other := &world{Service: w.another(Options{}), Stores: w.Stores, t: t}
	if d := cmp.Diff(first, other.list()); d != "" {
		t.Errorf("another server lists %s", d)
	}
	w.Pass(day) // half of the checkpoint's time is over
	changed := []string{}
	for i, f := range w.list() {
		if f != first[i] {
			changed = append(changed, f.Path)
		}
	}
	if d := cmp.Diff([]string{"checkpoint.json", "index.json"}, changed); d != "" {
		t.Errorf("a new checkpoint changes %s", d)
	}
	w.verify()
}

func TestEmptyRegistry(t *testing.T) {
	w := newWorld(t, Options{Name: "local-dev"})
	x := w.index()
	if x.Name != "local-dev" || x.Version != "1.0.0" || x.UpdatedAt != "" || x.PackageCount != 0 {
		t.Errorf("index.json = %+v", x)
	}
	if !bytes.Contains(must(t, w.Index).Body, []byte(`"packages": []`)) {
		t.Error("packages is not an empty list")
	}
	w.verify()
}

func TestCheckpointGrowsWithEveryChange(t *testing.T) {
	w := newWorld(t, Options{})
	last := int64(-1)
	for _, step := range []struct {
		what   string
		change func()
	}{
		{"nothing", func() {}},
		{"publish", func() { w.publish(alice, utils, "1.0.0") }},
		{"yank", func() { w.yank(alice, utils, "1.0.0", true, "") }},
		{"rotation", func() {
			if _, err := w.RotateKey(t.Context()); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		step.change()
		w.verify()
		c := w.checkpoint()
		if c.Sequence <= last {
			t.Errorf("after %s the sequence is %d, it was %d", step.what, c.Sequence, last)
		}
		last = c.Sequence
	}
}

func (w *world) checkpoint() lumen.Checkpoint {
	w.t.Helper()
	payload, _, err := decoded[lumen.Envelope](w.t, must(w.t, w.Checkpoint)).Open(lumen.CheckpointType, decoded[lumen.Keys](w.t, must(w.t, w.Keys)))
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := lumen.DecodeCheckpoint(payload)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func TestRotatedKeys(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, utils, "1.0.0")
	var ids []string
	for i := range 3 {
		w.Pass(day)
		k, err := w.RotateKey(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ids = append([]string{k.KeyID}, ids...)
		w.publish(alice, utils, []string{"1.1.0", "1.2.0", "1.3.0"}[i])
		w.verify()
	}
	keys := decoded[lumen.Keys](t, must(t, w.Keys)).Keys
	if len(keys) != 4 || keys[0].NotAfter != "" || keys[1].NotAfter == "" || !slices.Equal(ids, []string{keys[0].KeyID, keys[1].KeyID, keys[2].KeyID}) {
		t.Errorf("keys.json = %+v, want the current first, then the newest of %q", keys, ids)
	}
	if c := decoded[lumen.Envelope](t, must(t, w.Checkpoint)); c.Signatures[0].KeyID != keys[0].KeyID {
		t.Error("the checkpoint is signed by a key that was replaced")
	}
}

// While its disk is full a registry is read as long as the last checkpoint is good.
func TestCheckpointThatCannotBeRenewed(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, utils, "1.0.0")
	before := must(t, w.Checkpoint)
	w.DB.BeforeApply = func([]kv.Op) error { return errLost }
	w.Pass(5 * day)
	if after := must(t, w.Checkpoint); !bytes.Equal(before.Body, after.Body) {
		t.Error("the checkpoint changed")
	}
	w.Pass(2 * day)
	if _, err := w.Checkpoint(t.Context()); !errors.Is(err, errLost) {
		t.Errorf("an expired checkpoint that can't be renewed: %v, want the store's error", err)
	}
	w.DB.BeforeApply = nil
	w.verify()
}
