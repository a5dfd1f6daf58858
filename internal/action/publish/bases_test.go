package publish

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/runner"
	"github.com/org/registry-action/internal/forge/forgetest"
)

// history is a repository in which a feature has left main, which went on:
//
//	m1 - m2 - m3 - merge
//	       \      /
//	        f1 - f2
type history struct {
	dir string
	sha map[string]string
}

func newHistory(t *testing.T) history {
	t.Helper()
	h := history{gitRepo(t, nil), map[string]string{}}
	commit := func(name string) {
		runGit(t, h.dir, "-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "--quiet", "--allow-empty", "--message="+name)
		h.sha[name] = h.rev(t, "HEAD")
	}
	h.sha["m1"] = h.rev(t, "HEAD")
	commit("m2")
	runGit(t, h.dir, "checkout", "--quiet", "-b", "feature")
	commit("f1")
	commit("f2")
	runGit(t, h.dir, "checkout", "--quiet", "main")
	commit("m3")
	runGit(t, h.dir, "checkout", "--quiet", "--detach")
	runGit(t, h.dir, "-c", "user.name=Test", "-c", "user.email=test@example.com", "merge", "--quiet", "--no-ff", "--message=merge", "feature")
	h.sha["merge"] = h.rev(t, "HEAD")
	return h
}

func (h history) rev(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("git", "-C", h.dir, "rev-parse", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// names turns commits into what they are called here.
func (h history) names(shas []string) string {
	var names []string
	for _, sha := range shas {
		name := sha
		for n, s := range h.sha {
			if s == sha {
				name = n
			}
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func (h history) job(s source) *job {
	s.Repository = "https://github.com/acme/ws"
	return &job{
		opt: Options{PackOptions: PackOptions{Dir: h.dir}}, source: s, streams: Streams{Log: slog.New(slog.DiscardHandler)},
		runner: runner.New(runner.Options{Getenv: func(string) string { return "" }}),
	}
}

func TestCompareWith(t *testing.T) {
	h := newHistory(t)
	toMain := pull{Number: 7, BaseRef: "main", BaseSHA: h.sha["m3"]}
	zero := strings.Repeat("1", 40)
	for _, tt := range []struct {
		name   string
		source source
		of     pull
		want   string
		branch string
	}{
		{"the merge of a pull request was packed", source{InCI: true, Comment: true, SHA: h.sha["f2"], MergeSHA: h.sha["merge"]}, toMain, "m3 m2 m1", "main"},
		{"its head was packed", source{InCI: true, Comment: true, SHA: h.sha["f2"]}, toMain, "m2 m1 m3", "main"},
		{"a merge that is not here", source{InCI: true, Comment: true, SHA: h.sha["f2"], MergeSHA: zero}, toMain, "m3 m2 m1", "main"},
		{"a branch that is not here", source{InCI: true, Comment: true, SHA: h.sha["f2"]}, pull{Number: 7, BaseRef: "next", BaseSHA: zero}, zero, "next"},
		{"a group of a merge queue", source{InCI: true, SHA: h.sha["merge"]}, pull{Number: 7, BaseRef: "main", BaseSHA: h.sha["m3"]}, "m3 m2 m1", "main"},
		{"a push", source{InCI: true, Comment: true, SHA: h.sha["m3"], Before: h.sha["f2"], Default: "main"}, pull{}, "f2 m2 m1", "main"},
		{"a push of a new branch", source{InCI: true, Comment: true, SHA: h.sha["f2"], Default: "main"}, pull{}, "f1 m2 m1", "main"},
		{"a push of what is not here", source{InCI: true, SHA: zero}, pull{}, "", ""},
		{"at a desk", source{SHA: h.sha["f2"]}, pull{}, "f1 m2 m1", ""},
	} {
		q := h.job(tt.source).compareWith(t.Context(), tt.of)
		if got := h.names(q.Bases); got != tt.want || q.Branch != tt.branch || q.Repository == "" {
			t.Errorf("%s: compared with %s, then the newest of %q, want %s and %q", tt.name, got, q.Branch, tt.want, tt.branch)
		}
	}
}

// At a desk the remote's default branch is what a branch is compared with.
func TestCompareWithTrunk(t *testing.T) {
	h := newHistory(t)
	for ref, to := range map[string]string{"refs/remotes/origin/trunk": h.sha["m3"]} {
		runGit(t, h.dir, "update-ref", ref, to)
	}
	runGit(t, h.dir, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
	for sha, want := range map[string]string{"f2": "m2 m1 f1", "m3": "m2 m1"} {
		q := h.job(source{SHA: h.sha[sha]}).compareWith(t.Context(), pull{})
		if got := h.names(q.Bases); got != want || q.Branch != "trunk" {
			t.Errorf("%s is compared with %s of %q, want %s of trunk", sha, got, q.Branch, want)
		}
	}
}

// A checkout of one commit knows the parents of a merge, and the forge where a branch was left.
func TestCompareWithInShallowClones(t *testing.T) {
	h := newHistory(t)
	shallow := func(name string) history {
		dir := filepath.Join(t.TempDir(), "clone")
		runGit(t, h.dir, "branch", "--force", "at", h.sha[name])
		if out, err := exec.Command("git", "clone", "--quiet", "--depth=1", "--branch=at", "file://"+h.dir, dir).CombinedOutput(); err != nil {
			t.Fatalf("cloning: %v\n%s", err, out)
		}
		return history{dir, h.sha}
	}
	toMain := pull{Number: 7, BaseRef: "main", BaseSHA: h.sha["m3"]}
	q := shallow("merge").job(source{InCI: true, Comment: true, SHA: h.sha["f2"], MergeSHA: h.sha["merge"]}).compareWith(t.Context(), toMain)
	if got := h.names(q.Bases); got != "m3" {
		t.Errorf("a merge is compared with %s, want what it was merged into, m3", got)
	}

	gh := forgetest.New(t)
	gh.SetMergeBase(h.sha["m3"], h.sha["f2"], h.sha["m2"])
	j := shallow("f2").job(source{InCI: true, Comment: true, SHA: h.sha["f2"]})
	if got := h.names(j.compareWith(t.Context(), toMain).Bases); got != "m3" {
		t.Errorf("without a token a head is compared with %s, want m3", got)
	}
	j.runner = runner.New(runner.Options{Getenv: func(name string) string { return map[string]string{"GITHUB_ACTIONS": "true"}[name] }})
	j.opt.GitHubToken, j.event = forgetest.Token, runner.Context{APIURL: gh.URL, Repository: "acme/ws"}
	if got := h.names(j.compareWith(t.Context(), toMain).Bases); got != "m2 m3" {
		t.Errorf("with a token a head is compared with %s, want m2 m3", got)
	}
}

// Where another job has packed, the merge commit that it has left tells what was merged into; what is not that commit does not.
func TestCompareWithMergeHandedOn(t *testing.T) {
	h := newHistory(t)
	object, err := git{dir: h.dir}.commit(t.Context(), h.sha["merge"])
	if err != nil {
		t.Fatal(err)
	}
	event := strings.Repeat("1", 40)
	for _, tt := range []struct{ left, want string }{
		{string(object), h.sha["m3"]}, {strings.Replace(string(object), h.sha["m3"], h.sha["m1"], 1), event}, {"", event},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{"a.tgz": "", mergeFile: tt.left} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		j := history{dir, nil}.job(source{InCI: true, Comment: true, SHA: h.sha["f2"], MergeSHA: h.sha["merge"]})
		j.opt.Paths = []string{"*.tgz"}
		if got := j.compareWith(t.Context(), pull{Number: 7, BaseRef: "main", BaseSHA: event}).Bases; got[0] != tt.want {
			t.Errorf("with %q handed on it is compared with %s, want %s", tt.left, h.names(got), tt.want)
		}
	}
}

func TestCompareWithIsBounded(t *testing.T) {
	dir := gitRepo(t, nil)
	var script strings.Builder
	script.WriteString("reset refs/heads/main\nfrom refs/heads/main^0\n\n")
	for range 60 {
		script.WriteString("commit refs/heads/main\ncommitter T <t@e> 1 +0000\ndata 1\nx\n")
	}
	cmd := exec.Command("git", "-C", dir, "fast-import", "--quiet")
	cmd.Stdin = strings.NewReader(script.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	h := history{dir: dir}
	if q := h.job(source{InCI: true, SHA: h.rev(t, "main"), Before: strings.Repeat("1", 40)}).compareWith(t.Context(), pull{}); len(q.Bases) != maxBases {
		t.Errorf("%d bases, want %d", len(q.Bases), maxBases)
	}
}

func TestRepositoryPath(t *testing.T) {
	for in, want := range map[string]string{
		"https://github.com/Acme/WS": "acme/ws", "https://github.com/acme/ws.git": "acme/ws", "git@github.com:acme/ws.git": "acme/ws",
		"ssh://git@gitlab.com:2222/group/sub/ws.git": "group/sub/ws", "acme/ws": "acme/ws", "": "",
	} {
		if got := repositoryPath(in); got != want {
			t.Errorf("repositoryPath(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNeeded(t *testing.T) {
	// web → cli → core ← utils; docs alone; web also needs theme.
	packages := []*pack.Package{
		{Name: "core"}, {Name: "utils", Siblings: []string{"core"}}, {Name: "cli", Siblings: []string{"core"}}, {Name: "theme"},
		{Name: "web", Siblings: []string{"cli", "theme"}}, {Name: "docs"}, {Name: "a", Siblings: []string{"b"}}, {Name: "b", Siblings: []string{"a"}},
	}
	for changed, want := range map[string]string{
		"core": "cli core theme utils web", "web": "cli core theme web", "cli": "cli core theme web", "theme": "cli core theme web",
		"docs": "docs", "a": "a b", "docs theme": "cli core docs theme web", "": "",
	} {
		chosen := needed(packages, func(p *pack.Package) bool { return slices.Contains(strings.Fields(changed), p.Name) })
		var names []string
		for name := range chosen {
			names = append(names, name)
		}
		slices.Sort(names)
		if diff := cmp.Diff(want, strings.Join(names, " ")); diff != "" {
			t.Errorf("%s changed (-want +got):\n%s", changed, diff)
		}
	}
}

// Where nothing is known to compare with, everything is published, and a line says why.
func TestChangedOnlyWithoutBase(t *testing.T) {
	h := newHistory(t)
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		source source
		want   string
	}{
		"nothing is published": {http.NotFound, source{SHA: h.sha["f2"]}, "none of the commits"},
		"the registry is broken": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) },
			source{SHA: h.sha["f2"]}, "does not tell of commit"},
		"a push to a branch": {http.NotFound, source{SHA: h.sha["m3"], InCI: true, Default: "main"}, "not about a pull request"},
		"of another repository": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"sha": "x", "packages": [{"name": "a", "repository": "https://github.com/stranger/ws"}]}`))
		}, source{SHA: h.sha["f2"]}, "none of the commits"},
	} {
		srv := httptest.NewServer(tt.answer)
		defer srv.Close()
		j := h.job(tt.source)
		var said strings.Builder
		j.streams.Stderr, j.opt.ChangedOnly, j.opt.RegistryURL = &said, true, srv.URL
		j.packages = []*pack.Package{{Name: "a"}}
		if err := j.connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := j.leaveUnchanged(t.Context()); err != nil || len(j.packages) != 1 || !strings.Contains(said.String(), "all packages are published") || !strings.Contains(said.String(), tt.want) {
			t.Errorf("%s: %v, %d packages, it said %q; want all packages and %q", name, err, len(j.packages), said.String(), tt.want)
		}
	}
}
