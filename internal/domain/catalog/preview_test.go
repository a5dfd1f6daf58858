package catalog

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
)

const (
	older = "0.0.0-commit.gaaaaaaaaaa"
	newer = "0.0.0-commit.gbbbbbbbbbb"
)

var refs = map[string]string{"pr-7": older, "branch-main": newer}

func TestPreviewBesideUpstream(t *testing.T) {
	const versions = 3
	for _, large := range []bool{false, true} {
		w := newWorld(t, setup{large: large})
		w.serve("lib", many(versions)...)
		w.preview("lib", refs, older, newer)
		for _, f := range forms {
			d, doc := w.decode(previewRoot, "lib", f)
			if len(d.Versions) != versions+2 || doc.Stale || doc.Form != f {
				t.Errorf("%d versions, document %+v", len(d.Versions), doc)
			}
			last := many(versions)[versions-1]
			want := map[string]string{"latest": last, "pr-7": older, "branch-main": newer}
			if diff := cmp.Diff(want, d.Tags); diff != "" {
				t.Errorf("dist-tags: %s", diff)
			}
			for _, v := range []string{"1.0.0", older} {
				if got, want := d.tarball(v), previewRoot.URL+"/lib/-/lib-"+v+".tgz"; got != want {
					t.Errorf("tarball is %s, want %s", got, want)
				}
			}
			if f == packument.Full && d.Time[older] != "2026-03-01T12:00:00.000Z" {
				t.Errorf("time of the preview is %s", d.Time[older])
			}
			if modified := d.Modified + d.Time["modified"]; modified[:24] != "2026-03-01T12:01:00.000Z" {
				t.Errorf("modified is %s, want the newest preview's time", modified)
			}
		}
		if d, _ := w.decode(mainRoot, "lib", packument.Full); len(d.Versions) != versions || d.Tags["pr-7"] != "" {
			t.Errorf("the main root shows previews: %v", d.Tags)
		}
	}
}

func TestPreviewSignatures(t *testing.T) {
	w := newWorld(t, setup{})
	w.serve("lib", "1.0.0")
	w.preview("lib", refs, older, newer)
	keys, err := w.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, _ := w.decode(previewRoot, "lib", packument.Abbreviated)
	found, err := w.Version(t.Context(), previewRoot, "lib", "pr-7")
	if err != nil {
		t.Fatal(err)
	}
	for _, dist := range []packument.Dist{d.Versions[older].Dist, found.Dist} {
		if len(dist.Signatures) != 1 {
			t.Fatalf("signatures are %v", dist.Signatures)
		}
		if err := keys[0].Verify(dist.Signatures[0], "lib", older, dist.Integrity); err != nil {
			t.Error(err)
		}
	}
	if len(w.previews.sets["acme/app lib"].Versions[0].Dist.Signatures) != 0 {
		t.Error("signing has changed what Previews returned")
	}
}

func TestPreviewBesideOurs(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("lib", "2.0.0")
	w.serve("lib", "9.9.9")
	w.preview("lib", refs, older)
	d, _ := w.decode(previewRoot, "lib", packument.Full)
	if len(d.Versions) != 2 || d.tarball("2.0.0") == "" || d.Tags["latest"] != "2.0.0" {
		t.Errorf("the packument is %+v, want ours and the preview", d)
	}
	w.publish("lib", "2.0.0", "2.1.0")
	if d, _ := w.decode(previewRoot, "lib", packument.Full); d.tarball("2.1.0") == "" {
		t.Error("a publish does not show")
	}
	if len(w.upstream.asked) > 0 {
		t.Error("upstream was asked for a name of ours")
	}
}

func TestPreviewAlone(t *testing.T) {
	w := newWorld(t, setup{})
	w.releases.claimed = []string{"@acme"}
	for _, name := range []string{"lib", "@acme/lib"} {
		w.preview(name, refs, older, newer)
		for _, f := range forms {
			d, doc := w.decode(previewRoot, name, f)
			if len(d.Versions) != 2 || d.Tags["latest"] != newer || doc.Stale {
				t.Errorf("the packument is %+v", d)
			}
		}
	}
}

// TestPreviewHidesNothing: only the very same version of a base gives way.
func TestPreviewHidesNothing(t *testing.T) {
	w := newWorld(t, setup{})
	w.serve("lib", "0.0.0", older, "1.0.0")
	w.preview("lib", map[string]string{"latest": older, "pr-7": older}, older)
	d, _ := w.decode(previewRoot, "lib", packument.Full)
	if len(d.Versions) != 3 || len(d.Versions[older].Dist.Signatures) != 1 {
		t.Errorf("versions are %v", d.Versions)
	}
	if d.Tags["latest"] != "1.0.0" {
		t.Errorf("latest is %s, want upstream's", d.Tags["latest"])
	}
}

func TestPreviewNameWithoutPreviews(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("mine", "1.0.0")
	w.serve("lodash", "4.0.0")
	w.preview("lib", refs, older)
	for name, v := range map[string]string{"mine": "1.0.0", "lodash": "4.0.0"} {
		d, _ := w.decode(previewRoot, name, packument.Full)
		if got, want := d.tarball(v), packument.TarballURL(previewRoot.URL, name, v); got != want || len(d.Versions) != 1 {
			t.Errorf("%s: tarball is %s, want %s", name, got, want)
		}
	}
	_, err := w.Packument(t.Context(), previewRoot, "nothing", packument.Full, false)
	is(t, err, fault.NotFound)
}

func TestPreviewOfUnknownRepository(t *testing.T) {
	w := newWorld(t, setup{})
	w.serve("lodash", "4.0.0")
	root := Root{URL: ourURL + "/~/acme/typo", Repository: "acme/typo"}
	_, err := w.Packument(t.Context(), root, "lodash", packument.Full, false)
	is(t, err, fault.NotFound)
	_, err = w.Version(t.Context(), root, "lodash", "latest")
	is(t, err, fault.NotFound)
	_, err = w.Versions(t.Context(), root, "lodash")
	is(t, err, fault.NotFound)
	_, err = w.Tags(t.Context(), root, "lodash")
	is(t, err, fault.NotFound)
	_, err = w.Tarball(t.Context(), root, "lodash", "lodash-4.0.0.tgz", Want{})
	is(t, err, fault.NotFound)
	if len(w.upstream.asked) > 0 {
		t.Errorf("upstream was asked for %q", w.upstream.asked)
	}
}

func TestPreviewWhileUpstreamIsDown(t *testing.T) {
	w := newWorld(t, setup{})
	w.preview("lib", refs, older)
	w.upstream.down = true
	d, doc := w.decode(previewRoot, "lib", packument.Full)
	if !doc.Stale || len(d.Versions) != 1 || d.Tags["pr-7"] != older {
		t.Errorf("the packument is %+v, stale: %t", d, doc.Stale)
	}
	if to, ok := d.Tags["latest"]; ok {
		t.Errorf("latest has become %s, although upstream may have one", to)
	}
	tags, err := w.Tags(t.Context(), previewRoot, "lib")
	if diff := cmp.Diff(d.Tags, tags); diff != "" || err != nil {
		t.Errorf("Tags(): %v, %s", err, diff)
	}
	if versions, err := w.Versions(t.Context(), previewRoot, "lib"); err != nil || len(versions) != 1 {
		t.Errorf("Versions() = %v, %v", versions, err)
	}
	_, err = w.Version(t.Context(), previewRoot, "lib", "latest")
	is(t, err, fault.Unavailable)
	_, err = w.Packument(t.Context(), previewRoot, "lodash", packument.Full, false)
	is(t, err, fault.Unavailable)

	w.upstream.down = false
	w.serve("lib", "1.0.0")
	if d, doc := w.decode(previewRoot, "lib", packument.Full); doc.Stale || d.Tags["latest"] != "1.0.0" {
		t.Errorf("when upstream is back the packument is %+v", d)
	}
	w.upstream.stale = true
	if d, doc := w.decode(previewRoot, "lib", packument.Full); !doc.Stale || d.Tags["latest"] != "1.0.0" {
		t.Errorf("with a stale copy of upstream's the packument is %+v", d)
	}
}

func TestPreviewChanges(t *testing.T) {
	w := newWorld(t, setup{})
	w.serve("lib", "1.0.0")
	w.preview("lib", refs, older)
	_, before := w.decode(previewRoot, "lib", packument.Full)
	_, again := w.decode(previewRoot, "lib", packument.Full)
	if before != again {
		t.Error("a second request made another document")
	}
	w.preview("lib", refs, older, newer)
	if d, _ := w.decode(previewRoot, "lib", packument.Full); len(d.Versions) != 3 {
		t.Error("a new commit does not show")
	}
	w.serve("lib", "1.0.0", "1.0.1")
	if d, _ := w.decode(previewRoot, "lib", packument.Full); len(d.Versions) != 4 {
		t.Error("a new version of upstream does not show")
	}
}

// TestPreviewExpires: nobody writes, and still a preview is gone when its time is over.
func TestPreviewExpires(t *testing.T) {
	w := newWorld(t, setup{})
	w.serve("lib", "1.0.0")
	w.preview("lib", refs, older, newer)
	set := w.previews.sets["acme/app lib"]
	set.Until = noon.Add(time.Hour)
	w.previews.sets["acme/app lib"] = set
	w.decode(previewRoot, "lib", packument.Full)

	set.Versions, set.Tags, set.Until = set.Versions[:1], map[string]string{"branch-main": newer}, noon.Add(48*time.Hour)
	w.previews.sets["acme/app lib"] = set
	w.clock = noon.Add(time.Hour - 1)
	if d, _ := w.decode(previewRoot, "lib", packument.Full); len(d.Versions) != 3 {
		t.Error("rendered again before anything expired")
	}
	w.clock = noon.Add(time.Hour)
	if d, _ := w.decode(previewRoot, "lib", packument.Full); d.tarball(older) != "" || d.tarball(newer) == "" {
		t.Errorf("an expired preview is shown: %v", d.Tags)
	}
}
