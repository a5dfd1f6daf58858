package publish

import (
	"context"
	"errors"

	"github.com/org/registry-action/internal/forge"
)

// statusContext tells our status from others on a commit.
const statusContext = "registry-preview"

// mark gives the commit a status, if the options want one. A fork's commit gets none: the token of its run may not, and a
// status of ours would say that it was looked at here.
func (j *job) mark(ctx context.Context, s forge.Status) error {
	asked := j.opt.CommitStatus == StatusOn
	if !asked && j.opt.CommitStatus != StatusAuto || j.source.Fork || !j.runner.InActions() {
		return nil
	}
	if j.opt.GitHubToken == "" {
		if asked {
			j.warn("there is no github-token, so commit %.10s gets no status", j.source.SHA)
		}
		return nil
	}
	client, err := j.forge()
	if err != nil {
		return err
	}
	s.Context = statusContext
	if key := j.opt.CommentKey; key != "" && key != "default" {
		s.Context += "/" + key
	}
	err = client.SetStatus(ctx, j.source.SHA, s)
	switch {
	case err == nil:
		return nil
	case !asked:
		j.streams.Log.DebugContext(ctx, "the commit gets no status", "err", err)
		return nil
	case errors.Is(err, forge.ErrReadOnly):
		j.warn("the GitHub token may not set the status of commits here (it needs permissions: statuses: write), so commit %.10s gets none", j.source.SHA)
		return nil
	}
	return err
}
