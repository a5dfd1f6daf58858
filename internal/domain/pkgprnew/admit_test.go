package pkgprnew

import (
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/domaintest"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/format/provenance"
)

// checked is a service that has found a run.
func checked(t *testing.T, f *fakeForge, r forge.Run) *Service {
	t.Helper()
	f.change(func(f *fakeForge) { f.runs = append(f.runs, r) })
	s := newService(t, f)
	if _, err := s.Check(t.Context(), ask(r)); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAdmit(t *testing.T) {
	f := &fakeForge{refs: map[string]string{"heads/main": sha}}
	s := checked(t, f, push())
	key := ask(push()).Key
	a, err := s.Admit(t.Context(), Claim{Key: key, Run: "9001", SHA: strings.ToUpper(sha)})
	if err != nil || a.URL != "https://github.com/acme/ws" || !slices.Equal(a.Refs, []string{"branch/main"}) {
		t.Fatalf("Admit = %+v, %v", a, err)
	}
	p := a.Proof
	if p.Tier != provenance.Preview || p.Issuer != "https://github.com" || p.RepositoryID != base || p.SHA != sha || p.RunID != 9001 || p.RunAttempt != 1 || p.Ref != "refs/heads/main" || p.RunURL != push().URL || p.At.IsZero() {
		t.Errorf("the proof is %+v", p)
	}
	for what, c := range map[string]struct {
		claim Claim
		kind  fault.Kind
		code  string
	}{
		"another commit":       {Claim{Key: key, SHA: other}, fault.Forbidden, "wrong_commit"},
		"no commit":            {Claim{Key: key}, fault.Forbidden, "wrong_commit"},
		"the beginning of one": {Claim{Key: key, SHA: sha[:7]}, fault.Forbidden, "wrong_commit"},
		"another run":          {Claim{Key: key, Run: "9002", SHA: sha}, fault.Forbidden, "wrong_run"},
		"a key not checked":    {Claim{Key: "aaaaaaaaaa", SHA: sha}, fault.NotFound, "no_run"},
		"no key":               {Claim{SHA: sha}, fault.Invalid, "invalid_key"},
		"a path for a key":     {Claim{Key: "../../repo", SHA: sha}, fault.Invalid, "invalid_key"},
	} {
		_, err := s.Admit(t.Context(), c.claim)
		domaintest.Refused(t, what, err, c.kind, c.code)
	}
	f.change(func(f *fakeForge) { f.runs[0].Attempt = 2 })
	_, err = s.Admit(t.Context(), Claim{Key: key, SHA: sha})
	domaintest.Refused(t, "the key of an earlier attempt", err, fault.NotFound, "no_run")
	s.opt.Enrolled = func(string) bool { return false }
	_, err = s.Admit(t.Context(), Claim{Key: key, SHA: sha})
	domaintest.Refused(t, "a repository that is not enrolled any more", err, fault.Forbidden, "not_enrolled")
}

// Who starts a run again is not who began it; the CLI is told the one, and some day may be told the other.
func TestStartedAgainBySomebodyElse(t *testing.T) {
	r := push()
	r.Attempt, r.TriggeredByID = 2, 43
	s := checked(t, &fakeForge{}, r)
	for _, who := range []int64{actor, 43} {
		if _, err := s.Check(t.Context(), Ask{Owner: "acme", Repo: "ws", Key: Key("acme", "ws", r.ID, 2, who)}); err != nil {
			t.Errorf("the key with actor %d: %v", who, err)
		}
	}
}

// A ref moves only if it points at the run's commit now, and is what it seems.
func TestRefsOfARun(t *testing.T) {
	fork := pull(9, "main", sha)
	fork.RepositoryID = 7
	closed := pull(10, "main", sha)
	closed.Open = false
	moved := pull(11, "main", other)
	elsewhere := pull(12, "main", sha)
	elsewhere.BaseRepositoryID = 7
	for what, c := range map[string]struct {
		change func(r *forge.Run)
		refs   map[string]string
		pulls  []forge.NumberedHead
		want   []string
	}{
		"a branch":                    {nil, map[string]string{"heads/main": sha, "tags/main": sha}, nil, []string{"branch/main"}},
		"a branch that has moved on":  {nil, map[string]string{"heads/main": other}, nil, nil},
		"a branch that is gone":       {nil, nil, nil, nil},
		"a tag":                       {func(r *forge.Run) { r.HeadBranch = "v1" }, map[string]string{"tags/v1": sha}, nil, []string{"tag/v1"}},
		"a tag called as a branch":    {nil, map[string]string{"heads/main": other, "tags/main": sha}, nil, []string{"tag/main"}},
		"a branch with slashes":       {func(r *forge.Run) { r.HeadBranch = "feature/x@y" }, map[string]string{"heads/feature/x@y": sha}, nil, []string{"branch/feature/x@y"}},
		"a pull request":              {func(r *forge.Run) { r.Event = "pull_request" }, map[string]string{"heads/main": sha, "tags/main": sha}, []forge.NumberedHead{pull(7, "main", sha)}, []string{"pr/7", "branch/main"}},
		"a pull request, never a tag": {func(r *forge.Run) { r.Event = "pull_request" }, map[string]string{"tags/main": sha}, nil, nil},
		"a push to a pull request":    {nil, map[string]string{"heads/main": sha}, []forge.NumberedHead{pull(7, "main", sha), pull(8, "main", sha)}, []string{"pr/7", "pr/8", "branch/main"}},
		"pull requests that are not":  {func(r *forge.Run) { r.Event = "pull_request" }, nil, []forge.NumberedHead{fork, closed, moved, elsewhere}, nil},
		"a merge group":               {func(r *forge.Run) { r.Event = "merge_group" }, map[string]string{"heads/main": sha}, []forge.NumberedHead{pull(7, "main", sha)}, nil},
		"a release":                   {func(r *forge.Run) { r.Event, r.HeadBranch = "release", "v1" }, map[string]string{"tags/v1": sha}, []forge.NumberedHead{pull(7, "v1", sha)}, []string{"tag/v1"}},
		"no branch":                   {func(r *forge.Run) { r.HeadBranch = "" }, map[string]string{"heads/": sha}, nil, nil},
	} {
		r := push()
		if c.change != nil {
			c.change(&r)
		}
		a, err := checked(t, &fakeForge{refs: c.refs, pulls: c.pulls}, r).Admit(t.Context(), Claim{Key: ask(r).Key, SHA: sha})
		if err != nil || !slices.Equal(a.Refs, c.want) {
			t.Errorf("%s: %q, %v, want %q", what, a.Refs, err, c.want)
		}
	}
}
