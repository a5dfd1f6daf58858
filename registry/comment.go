package registry

import (
	"context"
	"time"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/pause"
	"github.com/org/registry-action/internal/report"
)

// Where a run can't comment on its pull request, this server does. It says what is stored here and no word of the run's,
// which could say anything.

const (
	maxCommented = 200              // packages in a comment
	compareFor   = 20 * time.Second // a comparison takes; a comment can do without
)

// pullRequest is one of a repository (owner/name).
type pullRequest struct {
	path   string
	number int
}

// comment makes a comment stand on a pull request, while no other server does.
func (r *Registry) comment(ctx context.Context, p pullRequest, write func(ctx context.Context) (*forge.Client, forge.Comment, error)) (res forge.Result, err error) {
	err = r.forks.Alone(ctx, p.path, p.number, pause.For, func(ctx context.Context) error {
		gh, c, err := write(ctx)
		if err != nil {
			return err
		}
		c.PR = p.number
		res, err = gh.Upsert(ctx, c)
		return err
	})
	return res, err
}

// about begins what there is to tell of a commit.
func (r *Registry) about(p pullRequest, c commits.Commit) report.Report {
	return report.Report{Repository: p.path, SHA: c.SHA, ServerURL: r.forge.URL(), RegistryURL: r.config.BaseURL, PR: p.number, ExpiresAt: c.ExpiresAt}
}

// compare adds what the packages change in the branch that a pull request goes to. What was packed decides on the base:
// runs of pull_request have the merge of both, others the head. What is not there may only not have been published.
func (r *Registry) compare(ctx context.Context, gh *forge.Client, to *report.Report, event string, head forge.Head) {
	ctx, cancel := context.WithTimeout(ctx, compareFor)
	defer cancel()
	since := commits.Since{Repository: to.Repository, Branch: head.BaseRef, Bases: []string{head.BaseSHA}}
	if left, err := gh.MergeBase(ctx, head.BaseSHA, head.SHA); err != nil {
		r.config.Log.DebugContext(ctx, "where a pull request left its branch is not known", "repository", to.Repository, "pull", to.PR, "err", err)
	} else if event == "pull_request" {
		since.Bases = append(since.Bases, left)
	} else {
		since.Bases = []string{left, head.BaseSHA}
	}
	changes, err := r.changes.Since(ctx, to.SHA, since)
	if err != nil {
		r.config.Log.DebugContext(ctx, "a comment goes without a comparison", "repository", to.Repository, "pull", to.PR, "err", err)
		return
	}
	to.Compare(changes, func(string) bool { return false })
}
