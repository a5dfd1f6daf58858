package publish

import (
	"context"
	"errors"
	"fmt"

	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/report"
	"github.com/org/registry-action/internal/wire"
)

// comments keeps the comment on each pull request that the commit is the head of; r is what there is to tell on the first.
func (j *job) comments(ctx context.Context, r report.Report) error {
	if j.opt.Comment == CommentOff || j.source.PR == 0 || !j.source.Comment {
		return nil
	}
	if j.published.Comment == wire.CommentByServer {
		j.say("the registry writes the comment on pull request %d", j.source.PR)
		return nil
	}
	if j.opt.GitHubToken == "" {
		j.warn("there is no github-token, so pull request %d gets no comment; the job summary has the install lines", j.source.PR)
		return nil
	}
	var failed error
	for i, of := range j.source.Pulls {
		if i > 0 { // it may go to another branch, and so have other changes
			r = j.report(ctx, of)
		}
		written, err := j.comment(ctx, r)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("the packages are published, but the comment on pull request %d could not be written: %w", of.Number, err))
		}
		if !written {
			break // the next would not be either
		}
	}
	return failed
}

// comment keeps the comment on a pull request. A token that may not write,
// as a fork's, is no failure: the summary tells the same.
func (j *job) comment(ctx context.Context, r report.Report) (written bool, err error) {
	client, err := j.forge()
	if err != nil {
		return false, err
	}
	res, err := client.Upsert(ctx, forge.Comment{
		PR: r.PR, Key: j.opt.CommentKey, Body: j.preface() + report.Comment(r), Mode: forge.Mode(j.opt.Comment), State: j.state(),
	})
	if errors.Is(err, forge.ErrReadOnly) {
		j.warn("the GitHub token may not write comments here (runs of forks get a read-only token; other runs need permissions: pull-requests: write), so pull request %d gets none; the job summary has the install lines", r.PR)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if j.commentID == 0 {
		j.commentID = res.ID
	}
	j.say("comment %s: %s", res.Action, res.URL)
	return true, nil
}

// preface is what the comment on a fork's packages begins with.
func (j *job) preface() string {
	if j.event.Source == nil {
		return ""
	}
	var scripts []string
	for _, p := range j.published.Packages {
		if len(p.InstallScripts) > 0 {
			scripts = append(scripts, p.Name)
		}
	}
	return report.Unreviewed(j.source.Author, scripts)
}

func (j *job) state() forge.State {
	s := forge.State{SHA: j.published.SHA, RunNumber: j.source.RunNumber}
	if j.source.Run != nil {
		s.RunID, s.Attempt = j.source.Run.ID, j.source.Run.Attempt
	}
	return s
}
