package pkgprnew

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/store/kv"
)

// Claim is what a publish says of the run that makes it.
type Claim struct {
	Key string
	Run string // id; "" if it is not said
	SHA string // the commit
}

// Admission is what a run may publish.
type Admission struct {
	Run
	URL   string               // of the repository
	Pulls []forge.NumberedHead // whose head its commit is now
	Refs  []string             // typed: what of the repository its commit is now, such as pr/7 or branch/main
	Proof provenance.Proof     // what the forge has said
}

// events are those whose runs build their own head commit. Others, such as pull_request_target, workflow_run and
// issue_comment, run as the default branch while they may have built anything.
var events = []string{"push", "pull_request", "merge_group", "workflow_dispatch", "repository_dispatch", "release", "schedule"}

// admissible refuses runs that may not publish whatever they ask.
func (r Run) admissible() error {
	switch {
	case !r.InProgress():
		return over(r.ID)
	case !slices.Contains(events, r.Event):
		return fault.New(fault.Forbidden, "run %d was started by %s, which says nothing of the commit that it builds; publish from a workflow of %s", r.ID, r.Event, strings.Join(events, ", ")).WithCode("event_not_admitted")
	case r.Fork():
		return fault.New(fault.Forbidden, "run %d builds a commit of %s, a fork: pkg-pr-new has nothing to prove that with, so this server does not take it; "+
			"the action of the server publishes what forks propose", r.ID, r.HeadRepository).WithCode("fork_not_admitted")
	}
	return nil
}

func over(id int64) error {
	return fault.New(fault.NotFound, "run %d is over, or was started anew; publish from a job that is running", id).WithCode("no_run")
}

// Admit asks the forge about the run that a publish names by its key, as it is now, and says what it may publish.
func (s *Service) Admit(ctx context.Context, c Claim) (Admission, error) {
	ctx, cancel := s.patience(ctx)
	defer cancel()
	run, client, err := s.look(ctx, c.Key)
	if err != nil {
		return Admission{}, err
	}
	switch {
	case c.Run != "" && c.Run != strconv.FormatInt(run.ID, 10):
		return Admission{}, fault.New(fault.Forbidden, "the key is of run %d, not of %.40q (sb-run-id)", run.ID, c.Run).WithCode("wrong_run")
	case !strings.EqualFold(c.SHA, run.HeadSHA):
		return Admission{}, wrongCommit(run, c.SHA)
	}
	a := Admission{Run: run, URL: s.url(run.Repository)}
	a.Pulls, err = a.pulls(ctx, client)
	if err != nil {
		return Admission{}, asked(run.Repository, err)
	}
	refs, err := a.names(ctx, client)
	if err != nil {
		return Admission{}, asked(run.Repository, err)
	}
	for _, p := range a.Pulls {
		a.Refs = append(a.Refs, fmt.Sprintf("pr/%d", p.Number))
	}
	a.Refs = append(a.Refs, refs...)
	a.Proof = s.proof(a, refs)
	return a, nil
}

func wrongCommit(run Run, sha string) error {
	return fault.New(fault.Forbidden, "run %d is about commit %s, and may not publish %.80q (sb-sha): check out the commit that the run is about, "+
		"with no ref: of another one in actions/checkout", run.ID, run.HeadSHA, sha).WithCode("wrong_commit")
}

// look reads which run has a key, and asks the forge how it is.
func (s *Service) look(ctx context.Context, key string) (Run, Forge, error) {
	if !wellFormed.MatchString(key) {
		return Run{}, nil, fault.New(fault.Invalid, "the header sb-key is missing, or no key of pkg-pr-new").WithCode("invalid_key")
	}
	at, _, ok, err := kv.ReadJSON[found](ctx, s.db, runKey(key))
	if err != nil {
		return Run{}, nil, err
	}
	if !ok {
		return Run{}, nil, fault.New(fault.NotFound, "no run with the key %s was checked here; POST /check comes first", key).WithCode("no_run")
	}
	if !s.opt.Enrolled(s.url(at.Repository)) {
		return Run{}, nil, notEnrolled(at.Repository)
	}
	owner, repo, _ := strings.Cut(at.Repository, "/")
	client, err := s.opt.Open(ctx, owner, repo)
	if err != nil {
		return Run{}, nil, asked(at.Repository, err)
	}
	r, err := client.Run(ctx, at.ID)
	if errors.Is(err, fault.NotFound) {
		return Run{}, nil, over(at.ID)
	}
	if err != nil {
		return Run{}, nil, asked(at.Repository, err)
	}
	if r.ID != at.ID || !hasKey(r, owner, repo, key) { // another attempt has begun
		return Run{}, nil, over(at.ID)
	}
	run := Run{Run: r, Repository: at.Repository, Key: key}
	if err := run.admissible(); err != nil {
		return Run{}, nil, err
	}
	s.seen.Put(key, run, viewFor)
	return run, client, nil
}

// pulls are the pull requests whose head is the run's commit now.
func (a Admission) pulls(ctx context.Context, client Forge) (found []forge.NumberedHead, err error) {
	if a.HeadBranch == "" || a.Event == "merge_group" || a.Event == "release" {
		return nil, nil
	}
	owner, _, _ := strings.Cut(a.HeadRepository, "/")
	pulls, err := client.PullsFromBranch(ctx, owner, a.HeadBranch)
	if err != nil {
		return nil, err
	}
	for _, p := range pulls {
		if p.Open && p.SHA == a.HeadSHA && p.Ref == a.HeadBranch && p.RepositoryID == a.HeadRepositoryID && p.BaseRepositoryID == a.RepositoryID {
			found = append(found, p)
		}
	}
	return found, nil
}

// names are the branch or tag that points at the run's commit. A run says the name alone; that a tag has the name of a
// branch must not move what is installed as the branch, and neither must a commit that the branch has left behind.
func (a Admission) names(ctx context.Context, client Forge) ([]string, error) {
	if a.HeadBranch == "" || a.Event == "merge_group" {
		return nil, nil
	}
	for _, kind := range []struct{ forge, ours string }{{"heads/", "branch/"}, {"tags/", "tag/"}} {
		at, err := client.CommitAt(ctx, kind.forge+a.HeadBranch)
		if err != nil && !errors.Is(err, fault.NotFound) && !errors.Is(err, fault.Invalid) {
			return nil, err
		}
		if err == nil && at == a.HeadSHA {
			return []string{kind.ours + a.HeadBranch}, nil
		}
		if a.Event == "pull_request" { // which has a branch, never a tag
			break
		}
	}
	return nil, nil
}

func (s *Service) proof(a Admission, refs []string) provenance.Proof {
	p := provenance.Proof{
		Tier: provenance.Preview, Issuer: s.opt.URL, Repository: a.Repository, RepositoryID: a.RepositoryID, Event: a.Event, SHA: a.HeadSHA,
		RunID: a.ID, RunAttempt: a.Attempt, RunURL: a.Run.Run.URL, At: s.now(),
	}
	if len(refs) > 0 {
		kind, name, _ := strings.Cut(refs[0], "/")
		p.Ref = map[string]string{"branch": "refs/heads/", "tag": "refs/tags/"}[kind] + name
	}
	if a.Event == "pull_request" && len(a.Pulls) == 1 {
		p.Pull, p.Ref = a.Pulls[0].Number, fmt.Sprintf("refs/pull/%d/merge", a.Pulls[0].Number)
	}
	return p
}

// ofRun is a run whose parts are taken in: one that the forge has just spoken of is not asked for again.
func (s *Service) ofRun(ctx context.Context, key string) (Run, error) {
	if run, ok := s.seen.Get(key); ok {
		return run, nil
	}
	ctx, cancel := s.patience(ctx)
	defer cancel()
	run, _, err := s.look(ctx, key)
	return run, err
}

var _ Forge = (*forge.Client)(nil)
