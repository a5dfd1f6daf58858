package publish

import (
	"context"
	"errors"

	"github.com/org/registry-action/internal/action/report"
	"github.com/org/registry-action/internal/forge"
)

// Finish is for a run that was stopped while it published: the comment on the
// pull request, which is of an earlier commit, says so.
func Finish(ctx context.Context, opt Options, s Streams) error {
	j, cleanup, err := newJob(opt, s)
	if err != nil {
		return err
	}
	defer cleanup()
	if opt.DryRun || opt.Comment == CommentOff || opt.GitHubToken == "" || !j.runner.InActions() {
		return nil
	}
	if err := j.identify(ctx); err != nil {
		return err
	}
	if j.source.PR == 0 || !j.source.Comment {
		return nil
	}
	client, err := j.forge()
	if err != nil {
		return err
	}
	j.published.SHA = j.source.SHA
	r := report.Report{SHA: j.source.SHA}
	if j.source.Run != nil {
		r.JobURL = j.source.Run.URL
	}
	res, err := client.Amend(ctx, j.source.PR, opt.CommentKey, j.state(), func(body string) string { return report.Stopped(r, body) })
	if errors.Is(err, forge.ErrReadOnly) {
		return nil // the comment is not this run's to write
	}
	if err == nil && res.Action == forge.Updated {
		j.say("the comment says that this run was stopped: %s", res.URL)
	}
	return err
}
