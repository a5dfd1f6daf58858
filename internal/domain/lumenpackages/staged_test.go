package lumenpackages

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
)

func (w *world) stage(who Principal, text []byte, announced digest.SHA256) error {
	w.t.Helper()
	u, err := w.Receive(w.t.Context(), who, bytes.NewReader(text))
	if err != nil {
		return err
	}
	defer u.Close()
	return w.Stage(w.t.Context(), who, u, announced)
}

func TestStage(t *testing.T) {
	w := newWorld(t, Options{})
	text := gzipped(t, lib(utils, "1.0.0", "x").tar(t))
	d := digest.Of(text)
	refused(t, "another digest", w.stage(alice, text, digest.Of(nil)), fault.Invalid, "hash_mismatch")
	refused(t, "a limited token", w.stage(user{Name: "ci", Only: []string{"lumen:@b/*"}}, text, d), fault.Forbidden, "")
	if n := w.Stored(); n != 0 {
		t.Errorf("%d blobs are stored", n)
	}
	if err := w.stage(alice, text, d); err != nil {
		t.Fatal(err)
	}
	if size, err := w.Staged(t.Context(), alice, d); err != nil || size != int64(len(text)) {
		t.Errorf("Staged = %d, %v", size, err)
	}
	for _, who := range []Principal{bob, nobody} {
		_, err := w.Staged(t.Context(), who, d)
		refused(t, "what another staged", err, fault.NotFound, "")
		_, err = w.Reopen(t.Context(), who, d)
		refused(t, "what another staged", err, fault.NotFound, "")
	}
	_, err := w.Artifact(t.Context(), d)
	refused(t, "what is not published", err, fault.NotFound, "")

	for i := range 2 {
		u, err := w.Reopen(t.Context(), alice, d)
		if err != nil {
			t.Fatal(err)
		}
		p, err := w.Publish(t.Context(), alice, Release{Upload: u})
		if err := errors.Join(err, u.Close()); err != nil || p.Unchanged != (i > 0) {
			t.Errorf("publish %d: %+v, %v", i, p, err)
		}
	}
	w.Pass(48 * time.Hour)
	w.sweep()
	w.verify()
	if n := w.Stored(); n != 2 {
		t.Errorf("%d blobs are stored, want the tar and what was sent", n)
	}
}

func TestStagedExpires(t *testing.T) {
	w := newWorld(t, Options{})
	text := lib(utils, "1.0.0", "x").tar(t)
	if err := w.stage(alice, text, digest.Of(text)); err != nil {
		t.Fatal(err)
	}
	w.Pass(stageFor)
	_, err := w.Reopen(t.Context(), alice, digest.Of(text))
	refused(t, "after its time", err, fault.NotFound, "")
	w.Pass(48 * time.Hour)
	w.sweep()
	if n := w.Stored(); n != 0 {
		t.Errorf("%d blobs are left", n)
	}
}

// The bytes of other packages are in the same store, and are none of Lumen's.
func TestOthersBlobsAreNotServed(t *testing.T) {
	w := newWorld(t, Options{})
	secret := []byte("a private npm package")
	d := digest.Of(secret)
	if _, _, err := w.Blobs.Put(t.Context(), artifact{part: part{Digest: d}}.blobKey(), bytes.NewReader(secret)); err != nil {
		t.Fatal(err)
	}
	_, err := w.Artifact(t.Context(), d)
	refused(t, "the artifact", err, fault.NotFound, "")
	_, err = w.Reopen(t.Context(), alice, d)
	refused(t, "the artifact", err, fault.NotFound, "")
}
