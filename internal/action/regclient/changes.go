package regclient

import (
	"context"
	"net/http"
	"net/url"

	"github.com/org/registry-action/internal/wire"
)

// ChangesQuery says what the packages of a commit are compared with. docs/api.md has its rules.
type ChangesQuery struct {
	Repository string   // whose packages; a URL, or owner/repo
	Bases      []string // commits, the best one first; at most 50
	Branch     string   // the newest publish of it stands in where none of Bases was published
}

// Changes says what became of the packages of a commit since its base; sha has 7 or more hex digits. A commit that is
// unknown, and a server that is older than the question, are an *Error with Status 404.
func (c *Client) Changes(ctx context.Context, sha string, q ChangesQuery) (wire.Changes, error) {
	var changes wire.Changes
	if err := checkSHA(sha); err != nil {
		return changes, err
	}
	query := url.Values{"base": q.Bases}
	if q.Repository != "" {
		query.Set("repository", q.Repository)
	}
	if q.Branch != "" {
		query.Set("branch", q.Branch)
	}
	u := c.base.JoinPath("commits", sha, "changes")
	u.RawQuery = query.Encode()
	call := c.call(http.MethodGet, u)
	call.header.Set("Accept", "application/json")
	call.into = &changes
	_, err := call.do(ctx)
	return changes, err
}
