package publish

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/action/runner"
	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/format/manifest"
	"github.com/org/registry-action/internal/wire"
)

const testSHA = "a832a551de9c0ffee00112233445566778899aab"

// published is a job that has published a and b, and asks a registry that answers with h.
func publishedJob(t *testing.T, h http.HandlerFunc) (*job, *bytes.Buffer) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	var log bytes.Buffer
	j := &job{
		opt:     Options{PackOptions: PackOptions{RegistryURL: srv.URL, Dir: t.TempDir()}},
		source:  source{SHA: testSHA, Repository: "https://github.com/acme/ws", InCI: true, Default: "main", Before: strings.Repeat("b", 40)},
		streams: Streams{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))},
		runner:  runner.New(runner.Options{Getenv: func(string) string { return "" }}),
	}
	j.published = wire.Published{SHA: testSHA, Repository: "https://github.com/acme/ws"}
	for _, name := range []string{"a", "b"} {
		j.packages = append(j.packages, &pack.Package{Name: name})
		j.published.Packages = append(j.published.Packages, wire.PublishedPackage{CommitPackage: wire.CommitPackage{Name: name, SHA: testSHA}})
	}
	if err := j.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	return j, &log
}

func answer(t *testing.T, c wire.Changes) http.HandlerFunc {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	}
}

// A registry that does not know the question, refuses it or knows no base is no failure, and a line of the log says why.
func TestChangesAreNotKnown(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"an older server": http.NotFound,
		"a private one":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"no base":         answer(t, wire.Changes{SHA: testSHA}),
		"another answer":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
	} {
		j, log := publishedJob(t, h)
		r := j.report(t.Context(), pull{})
		if r.Base != nil || len(r.Packages) != 2 || r.Packages[0].Change != nil || !strings.Contains(log.String(), "level=DEBUG") {
			t.Errorf("%s: the report is %+v, the log %q; want the packages alone and a line", name, r, log)
		}
	}
}

// silent is a registry that takes requests and never answers.
type silent struct{ asked []string }

func (s *silent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked = append(s.asked, r.URL.Path)
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A registry that does not answer is waited for for compareTimeout, and once: then the comment has the packages alone.
func TestComparisonTakesTooLong(t *testing.T) {
	j, log := publishedJob(t, http.NotFound)
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		j.streams.Stdout, j.streams.Stderr, j.opt.ShowComment = &out, &out, true
		registry := &silent{}
		var err error
		if j.registry, err = regclient.New(regclient.Options{BaseURL: j.opt.RegistryURL, Transport: registry}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := j.announce(t.Context()); err != nil {
			t.Errorf("announce = %v, want no failure", err)
		}
		if took := time.Since(start); took != compareTimeout || !slices.Equal(registry.asked, []string{"/commits/" + testSHA + "/changes"}) {
			t.Errorf("it took %v and asked %q, want %v and one question", took, registry.asked, compareTimeout)
		}
		if !strings.Contains(out.String(), "### 📦 2 packages at") || strings.Contains(out.String(), "since") || !strings.Contains(log.String(), "level=DEBUG") {
			t.Errorf("the comment is %s\nthe log %s", &out, log)
		}

		// The same goes for what changed-only asks: all packages are published.
		j.opt.ChangedOnly, j.source.Comment, j.source.Pulls = true, true, []pull{{Number: 7, BaseRef: "main", BaseSHA: strings.Repeat("c", 40)}}
		start = time.Now()
		if err := j.leaveUnchanged(t.Context()); err != nil || len(j.packages) != 2 || time.Since(start) != compareTimeout {
			t.Errorf("leaveUnchanged = %v after %v, and leaves %d packages of 2", err, time.Since(start), len(j.packages))
		}
		if !strings.Contains(out.String(), "changed-only: all packages are published, for the registry does not tell") {
			t.Errorf("it says %s", &out)
		}
	})
}

// What is broken is so without a base, too.
func TestBrokenWithoutBase(t *testing.T) {
	j, _ := publishedJob(t, answer(t, wire.Changes{SHA: testSHA, Packages: []wire.PackageChange{{Name: "a", Broken: []wire.BrokenEntry{{Field: "main", Target: "x.js"}}}, {Name: "b"}}}))
	if r := j.report(t.Context(), pull{}); r.Base != nil || r.Packages[0].Change == nil || r.Packages[1].Change != nil || j.result(r).Changes != nil {
		t.Errorf("the report is %+v, want what is broken in a", r)
	}
}

// What a run does not publish, but the workspace has, was not removed; what other runs publish is not this one's to tell.
func TestChangesOfTheRunsPackages(t *testing.T) {
	var asked []string
	change := func(name, kind string) wire.PackageChange { return wire.PackageChange{Name: name, Kind: kind} }
	h := answer(t, wire.Changes{SHA: testSHA, Base: &wire.Base{SHA: strings.Repeat("b", 40)}, Packages: []wire.PackageChange{
		change("a", wire.Changed), change("other", wire.Added), change("gone", wire.Removed), change("in-workspace", wire.Removed),
		change("now-private", wire.Removed), change("skipped", wire.Removed), change("zig:z", wire.Removed), change("b", wire.Unchanged),
	}})
	j, _ := publishedJob(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI())
		h(w, r)
	})
	j.workspace = &workspace.Workspace{
		Members:  []*workspace.Member{{Manifest: &manifest.Manifest{Name: "in-workspace"}}, {Manifest: &manifest.Manifest{Name: "now-private", Private: true}}},
		Packages: []*workspace.Package{{Name: "zig:z"}},
	}
	j.skipped.packages = []wire.CommitPackage{{Name: "skipped"}}
	r := j.report(t.Context(), pull{})
	if diff := cmp.Diff([]string{"gone", "now-private"}, r.Removed); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	if len(r.Packages) != 2 || r.Packages[0].Unchanged || !r.Packages[1].Unchanged || r.Packages[0].Change.Kind != wire.Changed {
		t.Errorf("the packages are %+v", r.Packages)
	}
	want := "/commits/" + testSHA + "/changes?base=" + strings.Repeat("b", 40) + "&branch=main&repository=https%3A%2F%2Fgithub.com%2Facme%2Fws"
	if !slices.Equal(asked, []string{want}) {
		t.Errorf("the registry was asked %q, want %s", asked, want)
	}
	out := j.result(r)
	if out.Changes == nil || len(out.Changes.Packages) != 2 || len(out.Changes.NotPublished) != 1 || len(out.Changes.Removed) != 2 {
		t.Errorf("the JSON has the changes %+v", out.Changes)
	}
}
