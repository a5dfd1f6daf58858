package catalog

import (
	"slices"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
)

// TestConfusion: whatever is asked of a name that is ours, upstream is not asked and
// nothing of it is answered, although it has the name in the version asked for.
func TestConfusion(t *testing.T) {
	names := map[string]string{
		"published":                     "mine",
		"published with a scope":        "@org/mine",
		"all versions unpublished":      "gone",
		"in a claimed scope":            "@acme/later",
		"in a claimed scope, but upper": "@ACME/later",
		"in a claimed scope, but mixed": "@Acme/later",
		"no name":                       "../mine",
		"no name, encoded":              "@acme%2flater",
		"no name, a scope":              "@acme",
		"no name, a path":               "@acme/later/-",
		"no name, empty":                "",
		"no name, reserved":             "node_modules",
		"no name, a line break":         "mine\n",
	}
	for title, name := range names {
		t.Run(title, func(t *testing.T) {
			w := newWorld(t, setup{})
			w.publish("mine", "1.0.0")
			w.publish("@org/mine", "1.0.0")
			w.releases.gone = []string{"gone"}
			w.releases.claimed = []string{"@acme"}
			w.previews.revisions["acme/app"] = "1"
			w.upstream.hits = []string{name, name}
			if packument.TarballFile(name, "9.9.9") != "" && checkName(name) == nil {
				w.serve(name, "1.0.0", "9.9.9")
			}
			for _, root := range []Root{mainRoot, previewRoot} {
				askEverything(t, w, root, name)
			}
			if len(w.upstream.asked) > 0 {
				t.Errorf("upstream was asked for %q", w.upstream.asked)
			}
		})
	}
}

func askEverything(t *testing.T, w *world, root Root, name string) {
	t.Helper()
	ctx := t.Context()
	exists := slices.Contains([]string{"mine", "@org/mine"}, name)
	for _, f := range []packument.Form{packument.Full, packument.Abbreviated} {
		for _, fresh := range []bool{false, true} {
			doc, err := w.Packument(ctx, root, name, f, fresh)
			if !exists {
				is(t, err, fault.NotFound)
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if doc.Stale {
				t.Error("a packument of ours is marked stale")
			}
		}
	}
	for _, v := range []string{"9.9.9", "beta", "^9", "", "0.0.0-commit.gaaaaaaaaaa"} {
		_, err := w.Version(ctx, root, name, v)
		is(t, err, fault.NotFound)
		_, err = w.Attestations(ctx, root, name, v)
		is(t, err, fault.NotFound)
	}
	for _, file := range []string{"mine-9.9.9.tgz", "later-9.9.9.tgz", "gone-9.9.9.tgz", "mine-latest.tgz", "other-9.9.9.tgz", "@org/mine-9.9.9.tgz", "@acme/later-9.9.9.tgz"} {
		_, err := w.Tarball(ctx, root, name, file, Want{})
		is(t, err, fault.NotFound)
	}
	versions, err := w.Versions(ctx, root, name)
	if !exists {
		is(t, err, fault.NotFound)
	} else if !slices.Equal(versions, []string{"1.0.0"}) {
		t.Errorf("versions are %v, want ours", versions)
	}
	tags, err := w.Tags(ctx, root, name)
	if !exists {
		is(t, err, fault.NotFound)
	} else if len(tags) != 1 || tags["latest"] != "1.0.0" {
		t.Errorf("dist-tags are %v, want ours", tags)
	}
	if found, err := w.Advisories(ctx, root, map[string][]string{name: {"1.0.0", "9.9.9"}}); err != nil || len(found) > 0 {
		t.Errorf("Advisories() = %v, %v", found, err)
	}
	found, _, err := w.Search(ctx, root, name, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, hit := range found {
		if hit.Raw != nil {
			t.Errorf("search shows upstream's %s", hit.Name)
		}
	}
}

// TestNamesThatOnlyLookAlike: names are compared exactly, so those of others stay reachable.
func TestNamesThatOnlyLookAlike(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("react", "1.0.0")
	w.publish("@org/mine", "1.0.0")
	w.releases.claimed = []string{"@acme"}
	for _, name := range []string{"React", "rea.ct", "@acmee/later", "acme", "@org/other", "@org/Mine", "some'name", "jq~", "-", "@old/n!"} {
		w.serve(name, "9.9.9")
		d, _ := w.decode(mainRoot, name, packument.Full)
		if d.Name != name || d.tarball("9.9.9") != packument.TarballURL(ourURL, name, "9.9.9") {
			t.Errorf("the packument of %s is %+v", name, d)
		}
	}
	if d, _ := w.decode(mainRoot, "react", packument.Full); d.Versions["9.9.9"].Version != "" || d.tarball("1.0.0") == "" {
		t.Errorf("the packument of react is %+v, want ours", d)
	}
}

func TestNoFallback(t *testing.T) {
	w := newWorld(t, setup{fallback: "false"})
	w.previews.revisions["acme/app"] = "1"
	w.serve("lodash", "4.0.0")
	for _, root := range []Root{mainRoot, previewRoot} {
		_, err := w.Packument(t.Context(), root, "lodash", packument.Full, false)
		is(t, err, fault.NotFound)
		_, err = w.Version(t.Context(), root, "lodash", "latest")
		is(t, err, fault.NotFound)
		_, err = w.Tarball(t.Context(), root, "lodash", "lodash-4.0.0.tgz", Want{})
		is(t, err, fault.NotFound)
		_, err = w.Attestations(t.Context(), root, "lodash", "4.0.0")
		is(t, err, fault.NotFound)
		if found, err := w.Advisories(t.Context(), root, map[string][]string{"lodash": {"4.0.0"}}); err != nil || found == nil || len(found) > 0 {
			t.Errorf("Advisories() = %v, %v, want an empty answer", found, err)
		}
		if _, total, err := w.Search(t.Context(), root, "lodash", 0, 10); err != nil || total != 0 {
			t.Errorf("Search() finds %d, %v", total, err)
		}
	}
	if len(w.upstream.asked) > 0 {
		t.Errorf("upstream was asked for %q", w.upstream.asked)
	}
}

// TestClosed: where it can't be told whose a name is, upstream is not asked.
func TestClosed(t *testing.T) {
	w := newWorld(t, setup{})
	w.serve("lodash", "4.0.0")
	w.src.Releases = unsure{w.releases}
	if _, err := w.Packument(t.Context(), mainRoot, "lodash", packument.Full, false); err == nil {
		t.Error("a packument was answered")
	}
	if _, err := w.Advisories(t.Context(), mainRoot, map[string][]string{"lodash": {"4.0.0"}}); err == nil {
		t.Error("an audit was answered")
	}
	if len(w.upstream.asked) > 0 {
		t.Errorf("upstream was asked for %q", w.upstream.asked)
	}
}

// TestStoreIsBusy: what of ours can't be read is not left out, as upstream's part would be.
func TestStoreIsBusy(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("lib", "1.0.0")
	w.preview("lib", refs, older)
	w.src.Releases, w.src.Index = busy{w.releases}, busy{w.releases}
	_, err := w.Packument(t.Context(), previewRoot, "lib", packument.Full, false)
	is(t, err, fault.Unavailable)
	_, err = w.Versions(t.Context(), previewRoot, "lib")
	is(t, err, fault.Unavailable)
	_, err = w.Tags(t.Context(), previewRoot, "lib")
	is(t, err, fault.Unavailable)
	if len(w.upstream.asked) > 0 {
		t.Errorf("upstream was asked for %q", w.upstream.asked)
	}
}
