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

// altered is a forge that tells something else of its runs and pull requests.
type altered struct {
	forks.Forge
	run  func(*forge.Run)
	head func(*forge.Head)
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

// Who takes the name of a repository does not take its place.
func TestAnotherRepositoryOfTheName(t *testing.T) {
	w := newWorld(t, forks.Options{}, forgetest.Token)
	w.claim()
	w.needs.Forge = altered{w.needs.Forge, func(r *forge.Run) { r.RepositoryID++ }, func(h *forge.Head) { h.BaseRepositoryID++ }}
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
