package forks

import (
	"context"
	"errors"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
)

// check asks the forge whether the run and the pull request are as a claim says. Nothing here depends on who began the
// run, or on its workflow: a fork writes its own, and others approve and run it again.
func (s *Service) check(ctx context.Context, repo Repository, c Claim) (forge.Run, forge.Head, error) {
	run, err := s.readRun(ctx, repo, c.RunID)
	if err == nil && !run.InProgress() {
		err = notInProgress(run)
	}
	if err != nil {
		return forge.Run{}, forge.Head{}, err
	}
	head, err := s.compare(ctx, repo, c, run, maxRunAge)
	return run, head, err
}

func (s *Service) readRun(ctx context.Context, repo Repository, id int64) (forge.Run, error) {
	run, err := repo.Run(ctx, id)
	if errors.Is(err, fault.NotFound) {
		return run, mismatch(err, "runId", "a run of the repository", id)
	}
	if err != nil {
		return run, unasked(err)
	}
	if run.ID != id {
		return run, mismatch(nil, "runId", id, run.ID)
	}
	return run, nil
}

// compare compares a claim with its run, and with its pull request as that is now.
func (s *Service) compare(ctx context.Context, repo Repository, c Claim, run forge.Run, age time.Duration) (forge.Head, error) {
	if err := s.checkRun(run, c, age); err != nil {
		return forge.Head{}, err
	}
	head, err := repo.HeadOfPull(ctx, c.Pull)
	if errors.Is(err, fault.NotFound) {
		return head, differs(fault.Wrap(err, fault.Forbidden, "there is no pull request #%d", c.Pull).WithCode("pr_not_open"), "pull", "an open pull request", c.Pull)
	}
	if err != nil {
		return head, unasked(err)
	}
	return head, checkPull(head, run, c)
}

func (s *Service) checkRun(run forge.Run, c Claim, age time.Duration) error {
	switch {
	case run.Attempt != c.RunAttempt:
		return mismatch(nil, "runAttempt", run.Attempt, c.RunAttempt)
	case run.Event != "pull_request":
		return mismatch(nil, "event", "pull_request", run.Event)
	case run.HeadSHA != c.SHA:
		return mismatch(nil, "sha", run.HeadSHA, c.SHA)
	case run.RepositoryID == 0:
		return mismatch(nil, "repositoryId", "a repository", run.RepositoryID)
	case run.HeadRepositoryID == 0:
		return mismatch(nil, "headRepositoryId", "a fork that is still there", run.HeadRepositoryID)
	case !run.Fork():
		return differs(fault.New(fault.Forbidden, "this run is of a branch of the repository itself, which gets its token by OIDC: give the job the permission id-token: write").
			WithCode("not_a_fork"), "headRepositoryId", "another than the repository's", run.HeadRepositoryID)
	case run.StartedAt.IsZero() || s.now().Sub(run.StartedAt) > age:
		return mismatch(nil, "startedAt", "at most "+age.String()+" ago", run.StartedAt)
	}
	return nil
}

func notInProgress(run forge.Run) error {
	return differs(fault.New(fault.Forbidden, "run %d is not in progress, so it has nothing to claim any more", run.ID).WithCode("run_not_in_progress"), "status", "in_progress", run.Status)
}

func mismatch(cause error, field string, expected, got any) error {
	return differs(fault.Wrap(cause, fault.Forbidden, "the run is not what the claim says: its %s differs", field).WithCode("run_mismatch"), field, expected, got)
}

func checkPull(head forge.Head, run forge.Run, c Claim) error {
	switch {
	case !head.Open:
		return differs(fault.New(fault.Forbidden, "pull request #%d is not open", c.Pull).WithCode("pr_not_open"), "pull", "open", "closed")
	case head.SHA != c.SHA:
		return differs(fault.New(fault.Forbidden, "the head of pull request #%d has moved; the run of its newest commit publishes that", c.Pull).WithCode("head_moved"), "sha", head.SHA, c.SHA)
	case head.BaseRepositoryID != run.RepositoryID:
		return mismatch(nil, "baseRepositoryId", run.RepositoryID, head.BaseRepositoryID)
	case head.RepositoryID != run.HeadRepositoryID:
		return mismatch(nil, "headRepositoryId", run.HeadRepositoryID, head.RepositoryID)
	}
	return nil
}
