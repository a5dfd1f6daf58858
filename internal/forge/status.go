package forge

import (
	"context"
	"fmt"

	"github.com/google/go-github/v60/github"

	"github.com/org/registry-action/internal/fault"
)

// Status is a mark beside a commit; a later one of the same Context takes its place.
type Status struct {
	State       string // "success", "failure", "error" or "pending"
	Context     string // tells marks apart
	Description string // what does not fit into GitHub's 140 characters is cut
	URL         string // what a click opens; optional
}

const maxDescription = 140

// SetStatus marks a commit. A token that may not do so gets ErrReadOnly.
func (c *Client) SetStatus(ctx context.Context, sha string, s Status) error {
	if !commitSHA.MatchString(sha) {
		return fault.New(fault.Invalid, "%.80q is not a full commit SHA", sha)
	}
	if text := []rune(s.Description); len(text) > maxDescription {
		s.Description = string(text[:maxDescription-1]) + "…"
	}
	status := github.RepoStatus{State: &s.State, Context: &s.Context, Description: &s.Description}
	if s.URL != "" {
		status.TargetURL = &s.URL
	}
	_, _, err := c.gh.Repositories.CreateStatus(ctx, c.owner, c.repo, sha, &status)
	if err != nil {
		return fmt.Errorf("marking commit %s: %w", sha, readOnly(err))
	}
	return nil
}
