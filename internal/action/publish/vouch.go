package publish

import (
	"context"
	"errors"
	"fmt"

	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/wire"
)

// A run of workflow_run publishes what the run of a fork has packed, which it has as data: it runs no code of it.

// prepareVouch checks that the run can say for what it vouches.
func (j *job) prepareVouch() error {
	switch {
	case !j.runner.HasIDToken():
		return fault.New(fault.Forbidden, "the job publishes what a fork's run has packed, and may not ask for an OIDC token: give it `permissions: id-token: write`")
	case j.source.PR == 0 && j.opt.GitHubToken == "":
		return fault.New(fault.Invalid, "only GitHub knows the pull request of this fork's run, and there is no github-token to ask with; give one")
	case j.source.PR == 0:
		return fault.New(fault.Forbidden, "no open pull request has %.10s as its head: it was closed, or has moved, and then another run publishes its newest commit", j.source.SHA)
	}
	return j.registry.MayCarryToken()
}

// vouch shows the run's own token and says what the fork's run has built.
func (j *job) vouch(ctx context.Context) (wire.Exchanged, error) {
	got, err := j.registry.Vouch(ctx, func(ctx context.Context) (string, error) {
		return j.runner.IDToken(ctx, "npm:"+j.registry.Host())
	}, j.claimOf(j.event.Source.ID, j.event.Source.Attempt))
	if errors.Is(err, regclient.ErrNotServed) {
		err = fmt.Errorf("%w; it takes no packages from forks", err)
	}
	return got, err
}

// findSource finds the pull request of a fork's run, by its branch: of a fork's commit GitHub lists none. One commit is
// published for one pull request.
func (j *job) findSource(ctx context.Context, client *forge.Client) {
	src, from := &j.source, j.event.Source
	if from.Owner == "" || from.Branch == "" {
		return
	}
	found, err := client.PullsFromBranch(ctx, from.Owner, from.Branch)
	if err != nil {
		j.warn("the pull requests from %s:%s could not be listed: %v", from.Owner, from.Branch, err)
		return
	}
	for _, p := range found {
		if p.SHA != src.SHA || !p.Open || !p.Fork {
			continue
		}
		if src.PR != 0 {
			j.warn("commit %.10s is the head of other pull requests, too; it is published for #%d alone", src.SHA, src.PR)
			return
		}
		src.PR, src.Author = p.Number, p.Author
		src.Pulls = []pull{{p.Number, p.BaseRef, p.BaseSHA}}
		src.Refs = []string{fmt.Sprintf("pr/%d", p.Number)}
	}
}
