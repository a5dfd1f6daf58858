package forge

import (
	"context"
	"fmt"
	"regexp"

	"github.com/google/go-github/v60/github"

	"github.com/org/registry-action/internal/fault"
)

const (
	perPage  = 100 // the most that GitHub gives
	maxPages = 200 // of any list
)

// commitSHA is what may stand in a path as a commit.
var commitSHA = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// Head is the head of a pull request.
type Head struct {
	SHA        string
	Ref        string // the branch
	Repository string // owner/name of the branch; "" if the fork is gone
	BaseRef    string // the branch that it goes to
	BaseSHA    string // where that is, or was when the head last moved
	Open       bool
	Fork       bool // the branch is in another repository
	// RepositoryID is that of Repository, 0 if it is gone, BaseRepositoryID that of the pull request.
	RepositoryID, BaseRepositoryID int64
	Author                         string // login of who opened it
}

// Pull is a pull request, and where it goes.
type Pull struct {
	Number  int
	BaseRef string
	BaseSHA string
}

// PullsForCommit returns the open pull requests whose head is the commit, in
// GitHub's order. Pull requests that merely contain it are left out.
func (c *Client) PullsForCommit(ctx context.Context, sha string) ([]Pull, error) {
	if !commitSHA.MatchString(sha) {
		return nil, fault.New(fault.Invalid, "%.80q is not a full commit SHA", sha)
	}
	var found []Pull
	opts := github.ListOptions{PerPage: perPage}
	for range maxPages {
		pulls, resp, err := c.gh.PullRequests.ListPullRequestsWithCommit(ctx, c.owner, c.repo, sha, &opts)
		if err != nil {
			return nil, fmt.Errorf("looking for the pull requests of %s: %w", sha, classify(err))
		}
		for _, p := range pulls {
			if p.GetState() == "open" && p.GetHead().GetSHA() == sha {
				found = append(found, Pull{p.GetNumber(), p.GetBase().GetRef(), p.GetBase().GetSHA()})
			}
		}
		if opts.Page = resp.NextPage; opts.Page == 0 {
			break
		}
	}
	return found, nil
}

// HeadOfPull returns the head of a pull request as it is now. A caller that
// acts on an earlier event compares it with what it acted on.
func (c *Client) HeadOfPull(ctx context.Context, n int) (Head, error) {
	p, _, err := c.gh.PullRequests.Get(ctx, c.owner, c.repo, n)
	if err != nil {
		return Head{}, fmt.Errorf("reading pull request %d: %w", n, classify(err))
	}
	return headOf(p), nil
}

func headOf(p *github.PullRequest) Head {
	head, base := p.GetHead(), p.GetBase()
	return Head{
		SHA:        head.GetSHA(),
		Ref:        head.GetRef(),
		Repository: head.GetRepo().GetFullName(),
		BaseRef:    base.GetRef(),
		BaseSHA:    base.GetSHA(),
		Open:       p.GetState() == "open",
		Fork:       head.GetRepo() == nil || head.GetRepo().GetID() != base.GetRepo().GetID(),

		RepositoryID: head.GetRepo().GetID(), BaseRepositoryID: base.GetRepo().GetID(), Author: p.GetUser().GetLogin(),
	}
}

// NumberedHead is the head of a pull request that was not asked for by its number.
type NumberedHead struct {
	Number int
	Head
}

// PullsFromBranch returns the open pull requests that come from a branch of owner's repository, a fork's too. At most
// one page of them: each goes to another branch.
func (c *Client) PullsFromBranch(ctx context.Context, owner, branch string) ([]NumberedHead, error) {
	opts := github.PullRequestListOptions{State: "open", Head: owner + ":" + branch, ListOptions: github.ListOptions{PerPage: perPage}}
	list, _, err := c.gh.PullRequests.List(ctx, c.owner, c.repo, &opts)
	if err != nil {
		return nil, fmt.Errorf("looking for the pull requests from %s:%s: %w", owner, branch, classify(err))
	}
	pulls := make([]NumberedHead, 0, len(list))
	for _, p := range list {
		pulls = append(pulls, NumberedHead{Number: p.GetNumber(), Head: headOf(p)})
	}
	return pulls, nil
}
