package publish

import (
	"context"
	"fmt"
	"strings"

	"github.com/org/registry-action/internal/action/runner"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/wire"
)

// source is what is being published: the commit and the run that made it.
type source struct {
	SHA        string
	MergeSHA   string // what is checked out, if it is a merge of SHA into its base
	Repository string // URL; may be empty at a desk
	ForgeURL   string
	Refs       []string
	Run        *wire.Run
	RunNumber  int64
	PR         int    // the first of Pulls; 0 if there is none
	Pulls      []pull // the pull requests that the commit is the head of
	Comment    bool   // the run may comment
	Fork       bool   // the commit is another repository's
	Author     string // who has opened the pull request, if this run vouches for it
	MayMove    bool   // SHA is what the first of Pulls was at when this run asked
	Before     string // where a branch was before it was pushed
	Default    string // the repository's default branch
	Deleted    bool   // the event removed a branch: there is nothing to publish
	InCI       bool
}

// pull is a pull request, or a group of a merge queue: what goes to a branch.
type pull struct {
	Number  int
	BaseRef string // the branch; empty if it is not known
	BaseSHA string // where that is, or was
}

// maxPulls is how many pull requests of one commit are told.
const maxPulls = 5

// identify finds the commit: as told, else from the CI run's event, else from git.
func (j *job) identify(ctx context.Context) error {
	if j.runner.InActions() {
		event, err := j.runner.Event()
		if err != nil {
			return err
		}
		j.event = event
		j.source = fromEvent(event)
		if event.HeadSHA != "" && !j.isNamed(event.HeadSHA) && !j.isNamed(event.MergeSHA) {
			j.source.moveTo(strings.ToLower(j.opt.SHA), event)
		}
		if err := j.askForge(ctx); err != nil {
			return err
		}
	}
	src := &j.source
	g := git{dir: j.opt.Dir}
	if j.opt.Repository != "" {
		src.Repository = withoutCredentials(j.opt.Repository)
	} else if src.Repository == "" {
		src.Repository = g.origin(ctx)
	}
	if j.opt.SHA != "" {
		src.SHA = strings.ToLower(j.opt.SHA)
	}
	if src.Deleted || src.SHA != "" {
		return nil
	}
	var err error
	src.SHA, err = g.head(ctx)
	return err
}

// isNamed reports whether a commit is the one that was named, if one was.
func (j *job) isNamed(sha string) bool { return strings.HasPrefix(sha, strings.ToLower(j.opt.SHA)) }

// moveTo makes the source another commit than the event's head: what the event says of that is not true of this one.
func (s *source) moveTo(sha string, e runner.Context) {
	s.SHA, s.Refs, s.MergeSHA, s.Before = sha, nil, "", ""
	if e.EventName == "workflow_run" {
		s.PR, s.Pulls = 0, nil
	}
}

func fromEvent(e runner.Context) source {
	s := source{
		SHA: e.HeadSHA, MergeSHA: e.MergeSHA, Refs: e.Refs, PR: e.PR, Comment: e.Comment, Deleted: e.Deleted,
		ForgeURL: e.ServerURL, RunNumber: e.RunNumber, InCI: true, Fork: e.Fork, Before: e.Before, Default: e.DefaultBranch,
	}
	run, attempt := e.RunID, e.RunAttempt
	if e.Source != nil { // what it has built is told as its own: so runs stay in the order of their commits
		run, attempt, s.RunNumber = e.Source.ID, e.Source.Attempt, e.Source.Number
	}
	if e.PR != 0 || e.BaseRef != "" {
		s.Pulls = []pull{{e.PR, e.BaseRef, e.BaseSHA}}
	}
	for _, p := range e.MorePulls[:min(maxPulls-1, len(e.MorePulls))] {
		s.Pulls = append(s.Pulls, pull{p.Number, p.BaseRef, p.BaseSHA})
	}
	if e.Repository != "" {
		s.Repository = e.ServerURL + "/" + e.Repository
	}
	if run != 0 {
		s.Run = &wire.Run{ID: run, Attempt: attempt, URL: fmt.Sprintf("%s/actions/runs/%d/attempts/%d", s.Repository, run, max(attempt, 1))}
	}
	return s
}

// askForge fills in what the event does not say: the head of a pull request
// that was commented on, and the pull request of a pushed commit.
func (j *job) askForge(ctx context.Context) error {
	src := &j.source
	needsHead := src.SHA == "" && src.PR != 0
	if needsHead && j.opt.SHA == "" && j.opt.GitHubToken == "" {
		// What is checked out is not the pull request's.
		return fault.New(fault.Invalid, "only GitHub knows the head of pull request %d, and there is no github-token to ask with; give one, or name the commit with --sha", src.PR)
	}
	needsPull := src.PR == 0 && src.Comment && src.SHA != "" && (j.opt.Comment != CommentOff || j.opt.ChangedOnly || j.event.Source != nil)
	if src.Deleted || j.opt.GitHubToken == "" || !(needsHead || needsPull) {
		return nil
	}
	client, err := j.forge()
	if err != nil {
		return err
	}
	if needsHead {
		head, err := client.HeadOfPull(ctx, src.PR)
		if err != nil {
			return err
		}
		src.SHA, src.Fork, src.MayMove = head.SHA, head.Fork, j.opt.SHA == ""
		src.Pulls = []pull{{src.PR, head.BaseRef, head.BaseSHA}}
		if !j.isNamed(head.SHA) {
			src.Refs = nil
		}
	}
	switch {
	case needsPull && j.event.Source != nil:
		j.findSource(ctx, client)
	case needsPull:
		j.findPulls(ctx, client)
	}
	return nil
}

// findPulls finds the open pull requests of a pushed commit. All of them are told: they may go to different branches.
func (j *job) findPulls(ctx context.Context, client *forge.Client) {
	src := &j.source
	found, err := client.PullsForCommit(ctx, src.SHA)
	if err != nil {
		j.warn("the pull requests of %s could not be listed, so none gets a comment: %v", src.SHA, err)
		return
	}
	if len(found) > maxPulls {
		j.warn("commit %.10s is the head of %d pull requests; the first %d are told", src.SHA, len(found), maxPulls)
		found = found[:maxPulls]
	}
	for _, p := range found {
		src.Pulls = append(src.Pulls, pull{p.Number, p.BaseRef, p.BaseSHA})
		src.Refs = append(src.Refs, fmt.Sprintf("pr/%d", p.Number))
	}
	if len(found) > 0 {
		src.PR = found[0].Number
	}
}

// checkHead asks again whether a pull request is still at the commit that was found: a comment started the run, and
// whoever made it has not seen what was pushed since.
func (j *job) checkHead(ctx context.Context) error {
	if !j.source.MayMove {
		return nil
	}
	client, err := j.forge()
	if err != nil {
		return err
	}
	head, err := client.HeadOfPull(ctx, j.source.PR)
	if err != nil {
		return err
	}
	if head.SHA != j.source.SHA {
		return fault.New(fault.Invalid, "pull request %d was at %s when this run began and is at %s now; nothing was published, comment again to publish that", j.source.PR, j.source.SHA, head.SHA)
	}
	return nil
}

// checkTree refuses to publish files that are not the commit's.
func (j *job) checkTree(ctx context.Context) error {
	g := git{dir: j.opt.Dir}
	head, err := g.head(ctx)
	if err != nil {
		return nil // packages from elsewhere; there is nothing to compare
	}
	if head == j.source.SHA {
		j.source.MergeSHA = "" // the workflow has checked out the head itself
	}
	if j.opt.AllowDirty || j.opt.SHA != "" {
		return nil // told so: the caller knows what is checked out
	}
	if j.source.InCI {
		if head != j.source.SHA && head != j.source.MergeSHA {
			return fault.New(fault.Invalid, "commit %s is checked out, but this run is about %s; check that commit out, name it with --sha, or say --allow-dirty", head, j.source.SHA)
		}
		return nil // a build writes files; the commit is what was checked out
	}
	if ws, err := j.openWorkspace(ctx); err == nil {
		g.dir = ws.Root // of which all is packed, wherever in it we are
	}
	files, err := g.dirty(ctx)
	if err != nil {
		return err
	}
	if len(files) > 0 {
		const most = 5
		return fault.New(fault.Invalid, "the working tree is not that of commit %.10s: %s; commit first, or say --allow-dirty", j.source.SHA, strings.Join(files[:min(most, len(files))], ", ")+more(len(files)-most))
	}
	return nil
}

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}
