package forks_test

import (
	"context"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/forks"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/forge/forgetest"
)

// altered is a forge that tells something else of its runs, pull requests and artifacts.
type altered struct {
	forks.Forge
	run      func(*forge.Run)
	head     func(*forge.Head)
	artifact func(*forge.Artifact)
}

func (a altered) Open(ctx context.Context, path string) (forks.Repository, error) {
	repo, err := a.Forge.Open(ctx, path)
	return alteredRepository{repo, a}, err
}

type alteredRepository struct {
	forks.Repository
	altered
}

func (a alteredRepository) Run(ctx context.Context, id int64) (forge.Run, error) {
	r, err := a.Repository.Run(ctx, id)
	if a.run != nil {
		a.run(&r)
	}
	return r, err
}

func (a alteredRepository) HeadOfPull(ctx context.Context, n int) (forge.Head, error) {
	h, err := a.Repository.HeadOfPull(ctx, n)
	if a.head != nil {
		a.head(&h)
	}
	return h, err
}

func (a alteredRepository) Artifacts(ctx context.Context, run int64, name string) ([]forge.Artifact, error) {
	all, err := a.Repository.Artifacts(ctx, run, name)
	for i := range all {
		if a.artifact != nil {
			a.artifact(&all[i])
		}
	}
	return all, err
}

// closed is a forge whose repository has not let the App in.
type closed struct{ forks.Forge }

func (closed) Open(context.Context, string) (forks.Repository, error) {
	return nil, fault.New(fault.Forbidden, "the App is not installed").WithCode("app_not_installed")
}

// Who takes the name of a repository does not take its place.
func TestAnotherRepositoryOfTheName(t *testing.T) {
	w := newWorld(t, forks.Options{}, forgetest.Token)
	w.claim()
	w.needs.Forge = altered{Forge: w.needs.Forge, run: func(r *forge.Run) { r.RepositoryID++ }, head: func(h *forge.Head) { h.BaseRepositoryID++ }}
	_, err := w.another().Claim(t.Context(), theClaim())
	if e := w.refused(err, fault.Forbidden, "run_mismatch"); e.Details["field"] != "repositoryId" {
		t.Errorf("the refusal says %v", e.Details)
	}
}

// What the forge leaves out, as of a fork that was deleted, equals nothing.
func TestWhatTheForgeLeavesOut(t *testing.T) {
	w := newWorld(t, forks.Options{}, forgetest.Token)
	known := w.needs.Forge
	for field, tell := range map[string]altered{
		"runId":            {run: func(r *forge.Run) { r.ID++ }},
		"headRepositoryId": {run: func(r *forge.Run) { r.HeadRepositoryID = 0 }, head: func(h *forge.Head) { h.RepositoryID = 0 }},
		"repositoryId":     {run: func(r *forge.Run) { r.RepositoryID = 0 }, head: func(h *forge.Head) { h.BaseRepositoryID = 0 }},
		"startedAt":        {run: func(r *forge.Run) { r.StartedAt = time.Time{} }},
		"baseRepositoryId": {head: func(h *forge.Head) { h.BaseRepositoryID = 0 }},
	} {
		tell.Forge = known
		w.needs.Forge = tell
		_, err := w.another().Claim(t.Context(), theClaim())
		if e := w.refused(err, fault.Forbidden, "run_mismatch"); e.Details["field"] != field {
			t.Errorf("%s: the refusal says %v", field, e.Details)
		}
	}
}

// A list of artifacts is asked for by run and name. What comes is compared nevertheless: it is the proof.
func TestListedArtifacts(t *testing.T) {
	w := newWorld(t, forks.Options{}, forgetest.Token)
	c := w.claim()
	w.attach(c)
	known := w.needs.Forge
	for what, tt := range map[string]struct {
		alter func(*forge.Artifact)
		code  string
	}{
		"another name":   {func(a *forge.Artifact) { a.Name += "x" }, "proof_missing"},
		"another run":    {func(a *forge.Artifact) { a.RunID++ }, "proof_missing"},
		"another commit": {func(a *forge.Artifact) { a.HeadSHA = theClaim().SHA[:39] + "b" }, "proof_missing"},
		"a larger one":   {func(a *forge.Artifact) { a.Size = 1 << 20 }, "digest_mismatch"},
	} {
		w.needs.Forge = altered{Forge: known, artifact: tt.alter}
		_, err := w.another().Prove(t.Context(), c.ID)
		if e, ok := fault.Public(err); !ok || e.Code != tt.code {
			t.Errorf("%s: %v, want %s", what, err, tt.code)
		}
	}
	w.wantGrants(0)
	if n := len(w.gh.Requests()); n != 2+4 {
		t.Errorf("the forge was asked %d times: no bytes of such artifacts are wanted", n)
	}
}
