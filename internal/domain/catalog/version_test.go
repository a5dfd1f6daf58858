package catalog

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
)

func TestVersion(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("@org/mine", "1.0.0", "1.1.0")
	w.serve("lodash", "4.0.0", "4.1.0")
	w.serve("lib", "3.0.0")
	w.preview("lib", refs, older, newer)
	w.preview("new", refs, older, newer)
	tests := []struct {
		root             Root
		name, ask        string
		want             string // a version; empty: none
		upstream, hashed bool
	}{
		{mainRoot, "@org/mine", "latest", "1.1.0", false, true},
		{mainRoot, "@org/mine", "1.0.0", "1.0.0", false, true},
		{mainRoot, "@org/mine", "4.0.0", "", false, false},
		{mainRoot, "lodash", "latest", "4.1.0", true, false},
		{mainRoot, "lodash", "4.0.0", "4.0.0", true, false},
		{mainRoot, "lodash", "next", "", false, false},
		{mainRoot, "nothing", "latest", "", false, false},
		{mainRoot, "lib", "pr-7", "", false, false},
		{mainRoot, "lib", older, "", false, false},
		{mainRoot, "new", "latest", "", false, false},
		{previewRoot, "lib", "pr-7", older, false, true},
		{previewRoot, "lib", newer, newer, false, true},
		{previewRoot, "lib", "latest", "3.0.0", true, false},
		{previewRoot, "lib", "3.0.0", "3.0.0", true, false},
		{previewRoot, "lib", "pr-8", "", false, false},
		{previewRoot, "new", "latest", newer, false, true},
		{previewRoot, "@org/mine", "latest", "1.1.0", false, true},
		{previewRoot, "lodash", "latest", "4.1.0", true, false},
	}
	for _, tt := range tests {
		found, err := w.Version(t.Context(), tt.root, tt.name, tt.ask)
		if tt.want == "" {
			is(t, err, fault.NotFound)
			continue
		}
		if err != nil {
			t.Errorf("Version(%s@%s): %v", tt.name, tt.ask, err)
			continue
		}
		if found.Name != tt.name || found.Version.Version != tt.want || found.Upstream != tt.upstream || (found.Checksum != "") != tt.hashed || found.PublishedAt.IsZero() {
			t.Errorf("Version(%s@%s) = %+v", tt.name, tt.ask, found)
		}
		if want := packument.TarballURL(tt.root.URL, tt.name, tt.want); found.Dist.Tarball != want {
			t.Errorf("Version(%s@%s): tarball is %s, want %s", tt.name, tt.ask, found.Dist.Tarball, want)
		}
	}
}

func TestVersions(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("mine", "1.9.0", "1.10.0", "2.0.0-rc.1", "1.2.0")
	w.serve("lodash", "4.9.0", "4.10.0")
	w.serve("lib", "3.0.0", older)
	w.preview("lib", refs, older, newer)
	w.preview("new", refs, older)
	tests := []struct {
		root Root
		name string
		want []string
	}{
		{mainRoot, "mine", []string{"2.0.0-rc.1", "1.10.0", "1.9.0", "1.2.0"}},
		{mainRoot, "lodash", []string{"4.10.0", "4.9.0"}},
		{mainRoot, "lib", []string{"3.0.0", older}},
		{previewRoot, "lib", []string{"3.0.0", newer, older}},
		{previewRoot, "new", []string{older}},
		{previewRoot, "lodash", []string{"4.10.0", "4.9.0"}},
	}
	for _, tt := range tests {
		got, err := w.Versions(t.Context(), tt.root, tt.name)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("Versions(%s) = %v, %v, want %v", tt.name, got, err, tt.want)
		}
	}
	for _, name := range []string{"new", "nothing"} {
		_, err := w.Versions(t.Context(), mainRoot, name)
		is(t, err, fault.NotFound)
	}
}

// Upstream's dates are read where it has some, and of no name that is ours.
func TestDates(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("@org/mine", "1.0.0")
	w.serve("lodash", "4.0.0", "4.1.0")
	dates, err := w.Dates(t.Context(), "lodash")
	if err != nil || len(dates) < 2 || dates["4.0.0"].IsZero() || dates["4.1.0"].IsZero() {
		t.Errorf("Dates = %v, %v", dates, err)
	}
	for _, name := range []string{"@org/mine", "@org/other", "nothing", "../x"} {
		if dates, err := w.Dates(t.Context(), name); err == nil {
			t.Errorf("Dates(%s) = %v", name, dates)
		}
	}
	for text, want := range map[string]int{`{"time":{"1.0.0":"2020-01-02T03:04:05Z","1.1.0":7,"modified":"?"}}`: 3, `{"time":[]}`: 0, `{}`: 0} {
		if times, err := timesOf([]byte(text)); err != nil || len(times) != want {
			t.Errorf("timesOf(%s) = %v, %v, want %d", text, times, err, want)
		}
	}
}

func TestDescending(t *testing.T) {
	got := descending([]string{"1.0.0", "not one", "10.0.0", "1.0.0", "2.0.0-a", "2.0.0", "01.0.0"})
	if want := []string{"10.0.0", "2.0.0", "2.0.0-a", "1.0.0", "not one", "01.0.0"}; !slices.Equal(got, want) {
		t.Errorf("descending() = %v, want %v", got, want)
	}
}

func TestTags(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("mine", "1.0.0")
	w.serve("lodash", "4.0.0")
	w.preview("lodash", refs, older, newer)
	w.preview("new", refs, older, newer)
	tests := []struct {
		root Root
		name string
		want map[string]string
	}{
		{mainRoot, "mine", map[string]string{"latest": "1.0.0"}},
		{mainRoot, "lodash", map[string]string{"latest": "4.0.0"}},
		{previewRoot, "mine", map[string]string{"latest": "1.0.0"}},
		{previewRoot, "lodash", map[string]string{"latest": "4.0.0", "pr-7": older, "branch-main": newer}},
		{previewRoot, "new", map[string]string{"latest": newer, "pr-7": older, "branch-main": newer}},
	}
	for _, tt := range tests {
		got, err := w.Tags(t.Context(), tt.root, tt.name)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("Tags(%s): %v, %s", tt.name, err, diff)
		}
	}
	_, err := w.Tags(t.Context(), mainRoot, "new")
	is(t, err, fault.NotFound)
	for _, lie := range []string{"<html>", `{"name":"other","dist-tags":{}}`, `{"name":"liar"}`, `{"name":"liar","dist-tags":[]}`} {
		w.upstream.documents["liar"], w.upstream.fullOnly = lie, true
		_, err := w.Tags(t.Context(), mainRoot, "liar")
		is(t, err, fault.Upstream)
	}
}

func TestTarball(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("mine", "1.0.0", "1.0.0-rc.1")
	w.publish("@org/mine", "1.0.0")
	w.serve("@up/stream", "1.0.0")
	w.serve("lib", "3.0.0")
	w.preview("lib", refs, older)
	tests := []struct {
		root       Root
		name, file string
		want       string // empty: none
	}{
		{mainRoot, "mine", "mine-1.0.0.tgz", "ours mine 1.0.0"},
		{mainRoot, "mine", "mine-1.0.0-rc.1.tgz", "ours mine 1.0.0-rc.1"},
		{mainRoot, "@org/mine", "mine-1.0.0.tgz", "ours @org/mine 1.0.0"},
		{mainRoot, "@org/mine", "@org/mine-1.0.0.tgz", "ours @org/mine 1.0.0"},
		{mainRoot, "@up/stream", "stream-1.0.0.tgz", "upstream stream-1.0.0.tgz"},
		{mainRoot, "@up/stream", "@up/stream-1.0.0.tgz", "upstream stream-1.0.0.tgz"},
		{mainRoot, "lib", "lib-3.0.0.tgz", "upstream lib-3.0.0.tgz"},
		{mainRoot, "lib", "lib-" + older + ".tgz", ""},
		{previewRoot, "lib", "lib-" + older + ".tgz", "preview lib " + older},
		{previewRoot, "lib", "lib-" + newer + ".tgz", ""},
		{previewRoot, "lib", "lib-3.0.0.tgz", "upstream lib-3.0.0.tgz"},
		{previewRoot, "mine", "mine-1.0.0.tgz", "ours mine 1.0.0"},
		{mainRoot, "mine", "mine-2.0.0.tgz", ""},
		{mainRoot, "mine", "mine-latest.tgz", ""},
		{mainRoot, "mine", "mine-.tgz", ""},
		{mainRoot, "mine", "mine-1.0.0", ""},
		{mainRoot, "mine", "mine-1.0.0.tgz.tgz", ""},
		{mainRoot, "mine", "other-1.0.0.tgz", ""},
		{mainRoot, "mine", "@org/mine-1.0.0.tgz", ""},
		{mainRoot, "@org/mine", "@other/mine-1.0.0.tgz", ""},
		{mainRoot, "@org/mine", "org-mine-1.0.0.tgz", ""},
		{mainRoot, "@up/stream", "stream-1.0.0/../../x.tgz", ""},
		{mainRoot, "@up/stream", `stream-..\x.tgz`, ""},
		{mainRoot, "@up/stream", "", ""},
	}
	for _, tt := range tests {
		got, err := w.Tarball(t.Context(), tt.root, tt.name, tt.file, Want{})
		if tt.want == "" {
			is(t, err, fault.NotFound)
			continue
		}
		if err != nil {
			t.Errorf("Tarball(%s, %s): %v", tt.name, tt.file, err)
			continue
		}
		if b, err := io.ReadAll(got.File); err != nil || string(b) != tt.want {
			t.Errorf("Tarball(%s, %s) is %s, %v, want %s", tt.name, tt.file, b, err, tt.want)
		}
	}
	for _, asked := range w.upstream.asked {
		if strings.Contains(asked, "mine") {
			t.Errorf("upstream was asked for %s", asked)
		}
	}
}

func FuzzFileVersion(f *testing.F) {
	f.Add("@org/mine", "mine-1.0.0.tgz")
	f.Add("@org/mine", "@org/mine-1.0.0.tgz")
	f.Add("a", "a-..\\x.tgz")
	f.Add("", "-1.tgz")
	f.Fuzz(func(t *testing.T, name, file string) {
		if checkName(name) != nil {
			return
		}
		version, ok := fileVersion(name, file)
		if !ok {
			return
		}
		if want := packument.TarballFile(name, version); !strings.HasSuffix(file, want) || strings.Contains(version, "/") {
			t.Errorf("fileVersion(%q, %q) = %q", name, file, version)
		}
	})
}
