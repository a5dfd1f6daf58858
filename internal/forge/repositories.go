package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/go-github/v60/github"

	"github.com/org/registry-action/internal/fault"
)

// Identity is what stays of a repository when it is renamed, and differs when another takes its name.
type Identity struct {
	RepositoryID, OwnerID int64
}

// Identity returns that of the client's repository.
func (c *Client) Identity(ctx context.Context) (Identity, error) {
	r, _, err := c.gh.Repositories.Get(ctx, c.owner, c.repo)
	if err != nil {
		return Identity{}, fmt.Errorf("reading %s/%s: %w", c.owner, c.repo, classify(err))
	}
	return Identity{r.GetID(), r.GetOwner().GetID()}, nil
}

// DefaultBranch returns the name of the branch that workflows of workflow_run, schedule and others are read from.
func (c *Client) DefaultBranch(ctx context.Context) (string, error) {
	r, _, err := c.gh.Repositories.Get(ctx, c.owner, c.repo)
	if err != nil {
		return "", fmt.Errorf("reading %s/%s: %w", c.owner, c.repo, classify(err))
	}
	return r.GetDefaultBranch(), nil
}

// MergeBase returns the newest commit that is in the history of both.
func (c *Client) MergeBase(ctx context.Context, base, head string) (string, error) {
	for _, sha := range []string{base, head} {
		if !commitSHA.MatchString(sha) {
			return "", fault.New(fault.Invalid, "%.80q is not a full commit SHA", sha)
		}
	}
	compared, _, err := c.gh.Repositories.CompareCommits(ctx, c.owner, c.repo, base, head, &github.ListOptions{PerPage: 1})
	if err != nil {
		return "", fmt.Errorf("comparing %s with %s: %w", base, head, classify(err))
	}
	return compared.GetMergeBaseCommit().GetSHA(), nil
}

// CommitAt returns the commit that "heads/main" or "tags/v1" points at; fault.NotFound if there is no such branch or tag.
func (c *Client) CommitAt(ctx context.Context, ref string) (sha string, err error) {
	req, err := c.gh.NewRequest(http.MethodGet, fmt.Sprintf("repos/%s/%s/commits/%s", c.owner, c.repo, url.PathEscape(ref)), nil)
	if err != nil {
		return "", err
	}
	var commit github.RepositoryCommit
	if _, err := c.gh.Do(ctx, req, &commit); err != nil {
		if statusOf(err) == http.StatusUnprocessableEntity { // which is GitHub's way to say that it has none
			return "", fault.Wrap(err, fault.NotFound, "%s/%s has no %.300q", c.owner, c.repo, ref)
		}
		return "", fmt.Errorf("reading %s of %s/%s: %w", ref, c.owner, c.repo, classify(err))
	}
	return commit.GetSHA(), nil
}
