package publish

import (
	"context"
	"errors"
	"fmt"

	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/report"
)

// EndedState is the state that main.js keeps of a publish that was not stopped.
const EndedState = "ended"

// publishedState is the state of a publish that the registry has taken, whatever came after.
const publishedState = "published"

// Finish is for what a publish has left when the job is over: the token that it did not come to revoke; and if it was
// stopped, the comments on the pull requests, which are of an earlier commit, say so, and so does the status of a commit
// that was not published.
func Finish(ctx context.Context, opt Options, s Streams) error {
	j, cleanup, err := newJob(opt, s)
	if err != nil {
		return err
	}
	defer cleanup()
	revoked := j.endKept(ctx)
	if j.runner.State(EndedState) != "" {
		return revoked
	}
	return errors.Join(revoked, j.sayStopped(ctx))
}

// endKept revokes the token that the publish has left.
func (j *job) endKept(ctx context.Context) error {
	token := j.runner.State(tokenState)
	if token == "" || j.opt.RegistryURL == "" {
		return nil
	}
	j.runner.AddMask(token)
	err := j.connect(ctx)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, endTimeout)
		defer cancel()
		err = j.registry.EndToken(ctx, token)
	}
	if err != nil {
		return fmt.Errorf("the run's token was not revoked, and ends by itself within minutes: %w", err)
	}
	return nil
}

// sayStopped tells people.
func (j *job) sayStopped(ctx context.Context) error {
	opt := j.opt
	commentOff, statusOff := opt.Comment == CommentOff, opt.CommitStatus == StatusOff
	if opt.DryRun || commentOff && statusOff || opt.GitHubToken == "" || !j.runner.InActions() {
		return nil
	}
	err := j.identify(ctx)
	if err != nil {
		return err
	}
	if j.source.SHA == "" { // a branch was removed
		return nil
	}
	j.published.SHA = j.source.SHA
	r := report.Report{SHA: j.source.SHA}
	if j.source.Run != nil {
		r.JobURL = j.source.Run.URL
	}
	if j.runner.State(publishedState) == "" {
		err = j.mark(ctx, forge.Status{State: "error", Description: "the run was stopped before it published", URL: r.JobURL})
	}
	if commentOff || !j.source.Comment {
		return err
	}
	for _, of := range j.source.Pulls {
		err = errors.Join(err, j.amend(ctx, of, r))
	}
	return err
}

// keepPublished has Finish know that the commit is published; without that it would say otherwise of a run that is stopped
// while it tells people.
func (j *job) keepPublished(ctx context.Context) {
	if err := j.runner.SaveState(publishedState, "true"); err != nil {
		j.streams.Log.WarnContext(ctx, "if this run is stopped now, its commit's status may be wrong", "err", err)
	}
}

func (j *job) amend(ctx context.Context, of pull, r report.Report) error {
	client, err := j.forge()
	if err != nil {
		return err
	}
	res, err := client.Amend(ctx, of.Number, j.opt.CommentKey, j.state(), func(body string) string { return report.Stopped(r, body) })
	if errors.Is(err, forge.ErrReadOnly) {
		return nil // the comment is not this run's to write
	}
	if err == nil && res.Action == forge.Updated {
		j.say("the comment says that this run was stopped: %s", res.URL)
	}
	return err
}
