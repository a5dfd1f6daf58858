package forks

import (
	"context"
	"errors"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/store/kv"
)

// Vouched gives a token for what a run of a fork has built, on the word of a run of the repository itself, whose workflow
// is that of its default branch. That word takes the place of an artifact which only a job of the fork's run can attach.
// All else is as for a claim, but that the fork's run may be over.
func (s *Service) Vouched(ctx context.Context, c Claim, by Voucher) (Proven, error) {
	path, err := s.admit(ctx, c)
	if err != nil {
		return Proven{}, err
	}
	asked, done, err := s.asking(ctx)
	if err != nil {
		return Proven{}, err
	}
	defer done()
	repo, err := s.needs.Forge.Open(asked, path)
	if err != nil {
		return Proven{}, unasked(err)
	}
	run, head, err := s.checkVouched(asked, repo, c, by)
	if err != nil {
		return Proven{}, err
	}
	pin, err := s.pin(ctx, path, run.RepositoryID)
	if err != nil {
		return Proven{}, err
	}
	if err := s.db.Apply(ctx, pin); err != nil && !errors.Is(err, kv.ErrConflict) { // another claim has pinned it in this moment
		return Proven{}, err
	}
	m := manifest{RunID: c.RunID, RunAttempt: c.RunAttempt, SHA: c.SHA, Pull: c.Pull, Packages: c.Packages}
	if err := s.spend(ctx, path, m); err != nil {
		return Proven{}, err
	}
	return s.grant(ctx, path, m, run, head)
}

func (s *Service) checkVouched(ctx context.Context, repo Repository, c Claim, by Voucher) (forge.Run, forge.Head, error) {
	run, err := s.readRun(ctx, repo, c.RunID)
	if err != nil {
		return run, forge.Head{}, err
	}
	switch {
	case run.RepositoryID != by.RepositoryID:
		return run, forge.Head{}, mismatch(nil, "repositoryId", by.RepositoryID, run.RepositoryID)
	case !run.InProgress() && !run.Completed():
		return run, forge.Head{}, differs(fault.New(fault.Forbidden, "run %d has not run", run.ID).WithCode("run_mismatch"), "status", "completed", run.Status)
	}
	if err := checkDefault(ctx, repo, by); err != nil {
		return run, forge.Head{}, err
	}
	head, err := s.compare(ctx, repo, c, run, maxEndAge)
	return run, head, err
}

// checkDefault refuses the word of another branch's workflow, which who may push to that branch has written.
func checkDefault(ctx context.Context, repo Repository, by Voucher) error {
	branch, err := repo.DefaultBranch(ctx)
	if err != nil {
		return unasked(err)
	}
	if want := "refs/heads/" + branch; branch == "" || by.Ref != want {
		return differs(fault.New(fault.Forbidden, "only a workflow of the default branch may vouch for what a fork's run has built").WithCode("wrong_ref"), "ref", want, by.Ref)
	}
	return nil
}
