package publish

import (
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/org/registry-action/internal/wire"
)

func TestTag(t *testing.T) {
	for _, tt := range []struct {
		run, given []string
		want       string
	}{
		{[]string{"branch/feat/x", "pr/7"}, nil, "pr-7"},
		{[]string{"branch/feat/x"}, []string{"tag/v1"}, "branch-feat-x"},
		{nil, []string{"tag:v1.0.0", "branch-main"}, "branch-main"},
		{nil, []string{"tag/v1"}, "tag-v1"},
		{nil, []string{"pr/", "pr", "main", "prx"}, ""},
		{nil, nil, ""},
	} {
		j := &job{source: source{Refs: tt.run}, opt: Options{Refs: tt.given}}
		if got := j.tag(0); got != tt.want {
			t.Errorf("the tag of %q and %q = %q, want %q", tt.run, tt.given, got, tt.want)
		}
	}
}

// What was in the result stays; specs come beside it.
func TestResult(t *testing.T) {
	const sha = "a832a551de9c0ffee00112233445566778899aab"
	pkg := func(name, version string) wire.PublishedPackage {
		return wire.PublishedPackage{CommitPackage: wire.CommitPackage{Name: name, SHA: sha, Version: version, URL: "https://r.example/" + name}}
	}
	j := &job{streams: Streams{Log: slog.New(slog.DiscardHandler)}, source: source{Refs: []string{"pr/7"}, PR: 7}, opt: Options{PackOptions: PackOptions{RegistryURL: "https://r.example"}}}
	j.published = wire.Published{Success: true, SHA: sha, Repository: "https://github.com/acme/ws", Packages: []wire.PublishedPackage{
		pkg("@acme/a", "0.0.0-commit.ga832a551de"), pkg("b", "1.0.0"),
	}}
	text, err := json.Marshal(j.result(j.report(t.Context(), pull{})))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		SHA, Registry, PreviewRegistry string
		PullRequest                    int
		Packages                       []struct{ Name, Version, URL, Spec string }
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.SHA != sha || got.Registry != "https://r.example" || got.PreviewRegistry != "https://r.example/~/acme/ws" || got.PullRequest != 7 || len(got.Packages) != 2 {
		t.Fatalf("the result is %s", text)
	}
	if a, b := got.Packages[0], got.Packages[1]; a.Name != "@acme/a" || a.URL == "" || a.Spec != "@acme/a@pr-7" || b.Version != "1.0.0" || b.Spec != "" {
		t.Errorf("the packages are %+v, want a spec for the preview alone", got.Packages)
	}
}
