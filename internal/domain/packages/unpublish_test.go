package packages

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/kv"
)

// fill makes versions of a package without their bytes, as many publishes would.
func (w *world) fill(name string, n int) {
	w.t.Helper()
	first := w.publish(alice, name, "0.0.1")
	for done := 0; done < n; {
		err := w.revise(w.t.Context(), name, func(p *pkg) (ops []kv.Op, err error) {
			row, err := w.readVersion(w.t.Context(), *p, "0.0.1")
			for ; err == nil && done < n && len(ops) < 90; done++ {
				var r kv.Row
				row.Version, row.Deprecated, row.PublishedAt = fmt.Sprintf("1.%d.0", done), "", first.Version.PublishedAt
				row.Artifact.Integrity, row.Artifact.Whole.Digest = fmt.Sprint("sha512-", done), digest.Of(fmt.Append(nil, done))
				r, err = w.encodeVersion(name, row)
				ops = append(ops, kv.PutNew(r))
				p.Versions++
			}
			return ops, err
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestManyVersions(t *testing.T) {
	w := newWorld(t, Options{})
	const n = 200
	w.fill("a", n)
	all := map[string]string{}
	for i := range n {
		all[fmt.Sprintf("1.%d.0", i)] = "old"
	}
	var before int64
	if _, err := fmt.Sscanf(w.rev("a"), "%d-", &before); err != nil {
		t.Fatal(err)
	}
	if err := w.Deprecate(t.Context(), alice, "a", all); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprint(before+3, "-"); !strings.HasPrefix(w.rev("a"), want) {
		t.Errorf("revision %s, want %s…: one for each batch", w.rev("a"), want)
	}
	for _, v := range w.get("a").Versions[1:] {
		if v.Deprecated != "old" {
			t.Fatalf("%s is not deprecated", v.Version.Version)
		}
	}
	if err := w.UnpublishAll(t.Context(), alice, "a", w.rev("a")); err != nil {
		t.Fatal(err)
	}
	_, err := w.Package(t.Context(), "a")
	refused(t, "after unpublishing all", err, fault.NotFound, "unpublished")
}

func TestUnpublish(t *testing.T) {
	w := newWorld(t, Options{})
	text := tgz(t, "a", "2.0.0", "two")
	w.publish(alice, "a", "1.0.0", "old")
	w.publish(alice, "a", "3.0.0-beta.1")
	if _, err := w.send(alice, text, Release{Tags: []string{"latest", "next"}}); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	refused(t, "never there", w.Unpublish(ctx, alice, "a", "", "2.0.0", "7.0.0"), fault.NotFound, "")
	refused(t, "none named", w.Unpublish(ctx, alice, "a", ""), fault.Invalid, "")
	rev := w.rev("a")
	refused(t, "another state", w.Unpublish(ctx, alice, "a", "1-ffffff", "2.0.0"), fault.Exists, "stale_revision")
	if err := w.Unpublish(ctx, alice, "a", rev, "2.0.0"); err != nil {
		t.Fatal(err)
	}
	p := w.get("a")
	if diff := cmp.Diff(map[string]string{"latest": "1.0.0", "old": "1.0.0"}, p.Tags); diff != "" || p.list() != "1.0.0 3.0.0-beta.1" {
		t.Errorf("left: %s; tags (-want +got):\n%s", p.list(), diff)
	}
	_, err := w.Version(ctx, "a", "2.0.0")
	refused(t, "reading it", err, fault.NotFound, "unpublished")
	if err := w.Unpublish(ctx, alice, "a", "", "2.0.0"); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if found, _, err := w.Search(ctx, "a", 0, 0); err != nil || found[0].Version != "1.0.0" {
		t.Errorf("the search shows %v, %v", found, err)
	}

	// The tombstone: other bytes never, the same bytes again.
	for _, who := range []Principal{alice, root} {
		_, err = w.send(who, tgz(t, "a", "2.0.0+x", "other"), Release{})
		refused(t, "other bytes", err, fault.Exists, "version_gone")
	}
	w.Pass(time.Minute)
	if res, err := w.send(alice, text, Release{}); err != nil || res.Unchanged {
		t.Fatalf("the same bytes: unchanged %v, %v", res.Unchanged, err)
	}
	w.Pass(100 * day)
	w.sweep()
	if got, err := w.read("a", "2.0.0"); err != nil || !bytes.Equal(got, text) {
		t.Errorf("what came back is not kept: %v", err)
	}
	_, err = w.send(alice, tgz(t, "a", "2.0.0", "other"), Release{})
	refused(t, "other bytes after it came back", err, fault.Exists, "version_exists")
}

func TestUnpublishedBytesGo(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "a", "1.0.0")
	text := tgz(t, "a", "1.0.0", "a1.0.0")
	v, err := w.Version(t.Context(), "a", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Unpublish(t.Context(), alice, "a", "", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	w.Pass(30 * time.Minute)
	w.sweep()
	if _, err := w.Blobs.Stat(t.Context(), blobKey(v.Artifact)); err != nil {
		t.Errorf("the bytes went at once, under downloads that had begun: %v", err)
	}
	w.Pass(4 * time.Hour)
	w.sweep()
	if w.Stored() != 0 {
		t.Error("the bytes are still there")
	}
	if _, err := w.send(alice, text, Release{}); err != nil {
		t.Fatal(err)
	}
	if got, err := w.read("a", "1.0.0"); err != nil || !bytes.Equal(got, text) {
		t.Errorf("it came back without its bytes: %v", err)
	}
}

func TestUnpublishWindow(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t, Options{})
	w.publish(alice, "a", "1.0.0")
	w.Pass(71 * time.Hour)
	w.publish(alice, "a", "2.0.0")
	w.Pass(2 * time.Hour)
	refused(t, "too late", w.Unpublish(ctx, alice, "a", "", "1.0.0"), fault.Forbidden, "unpublish_window")
	refused(t, "one of two is too late", w.UnpublishAll(ctx, alice, "a", ""), fault.Forbidden, "unpublish_window")
	if got := w.get("a").list(); got != "1.0.0 2.0.0" {
		t.Errorf("left: %s, want nothing removed", got)
	}
	if err := w.Unpublish(ctx, alice, "a", "", "2.0.0"); err != nil {
		t.Errorf("in time: %v", err)
	}
	if err := w.Unpublish(ctx, root, "a", "", "1.0.0"); err != nil {
		t.Errorf("an admin: %v", err)
	}

	w = newWorld(t, Options{Unpublish: -1})
	w.publish(alice, "a", "1.0.0")
	refused(t, "never", w.Unpublish(ctx, alice, "a", "", "1.0.0"), fault.Forbidden, "unpublish_never")
	if err := w.UnpublishAll(ctx, root, "a", ""); err != nil {
		t.Errorf("an admin: %v", err)
	}
}

func TestUnpublishAll(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	w.publish(alice, "a", "1.0.0")
	w.publish(alice, "a", "2.0.0")
	if err := w.UnpublishAll(ctx, alice, "a", w.rev("a")); err != nil {
		t.Fatal(err)
	}
	_, err := w.Package(ctx, "a")
	if message := refused(t, "Package", err, fault.NotFound, "unpublished"); !strings.Contains(message, "2026-03-01") {
		t.Errorf("message = %q, want when it was unpublished", message)
	}
	_, err = w.Revision(ctx, "a")
	refused(t, "Revision", err, fault.NotFound, "unpublished")
	if _, total, err := w.Search(ctx, "", 0, 0); total != 0 || err != nil {
		t.Errorf("it is still found: %d, %v", total, err)
	}
	if ours, err := w.Ours(ctx, "a"); !ours || err != nil {
		t.Errorf("the name is not ours any more: %v", err)
	}
	refused(t, "somebody else takes the name", w.try(bob, "a", "3.0.0"), fault.Forbidden, "not_owner")
	_, err = w.send(alice, tgz(t, "a", "1.0.0", "other"), Release{})
	refused(t, "other bytes", err, fault.Exists, "version_gone")
	if res := w.publish(alice, "a", "3.0.0-rc.1", "rc"); res.FirstOf != "" {
		t.Errorf("the name is taken anew: %q", res.FirstOf)
	}
	if p := w.get("a"); p.Tags["latest"] != "3.0.0-rc.1" || p.list() != "3.0.0-rc.1" {
		t.Errorf("after a new publish: %s, tags %v", p.list(), p.Tags)
	}
}

// A version that is published while all are being removed is not removed with them.
func TestUnpublishAllLeavesWhatComesMeanwhile(t *testing.T) {
	w := newWorld(t, Options{})
	w.fill("a", 2*unpublishAtOnce)
	other := w.another(Options{})
	n := 0
	w.DB.BeforeApply = func(ops []kv.Op) error {
		if n++; n != 2 {
			return nil
		}
		w.DB.BeforeApply = nil
		_, err := sendTo(t, other, alice, tgz(t, "a", "9.0.0", "new"), Release{})
		return err
	}
	if err := w.UnpublishAll(t.Context(), alice, "a", ""); err != nil {
		t.Fatal(err)
	}
	if p := w.get("a"); p.list() != "9.0.0" || p.Tags["latest"] != "9.0.0" {
		t.Errorf("left: %s, tags %v", p.list(), p.Tags)
	}
}

// Readers of a dist-tag never see it point at nothing while its version goes.
func TestReadWhileLatestGoes(t *testing.T) {
	w := newWorld(t, Options{})
	w.fill("a", 30)
	stop := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			_, err := w.Version(t.Context(), "a", "latest")
			if err == nil {
				_, err = w.Packument(t.Context(), "a")
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	for i := range 30 {
		version := fmt.Sprintf("1.%d.0", i)
		if err := errors.Join(w.Tag(t.Context(), alice, "a", "latest", version), w.Unpublish(t.Context(), alice, "a", "", version)); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestLatestFallsBack(t *testing.T) {
	w := newWorld(t, Options{})
	for _, v := range []string{"1.0.0", "1.10.0", "1.9.0", "2.0.0-a", "2.0.0-b"} {
		w.publish(alice, "a", v)
	}
	for _, step := range []struct{ gone, latest string }{{"2.0.0-b", "1.10.0"}, {"1.10.0", "1.9.0"}, {"1.0.0", "1.9.0"}, {"1.9.0", "2.0.0-a"}} {
		if err := w.Unpublish(t.Context(), alice, "a", "", step.gone); err != nil {
			t.Fatal(err)
		}
		if got := w.get("a").Tags["latest"]; got != step.latest {
			t.Errorf("without %s latest is %s, want %s", step.gone, got, step.latest)
		}
	}
}

func BenchmarkPackument(b *testing.B) {
	w := newWorld(b, Options{})
	w.fill("a", 1000)
	for b.Loop() {
		if _, err := w.Packument(b.Context(), "a"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRevision(b *testing.B) {
	w := newWorld(b, Options{})
	w.fill("a", 1000)
	for b.Loop() {
		w.rev("a")
	}
}
