package forge

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/org/registry-action/internal/fault"
)

// Amend edits the text of the comment that stands under a key, if it is of a run
// older than by; it stays that run's. Without such a comment it does nothing and
// returns the zero Result. A token that may not write gets ErrReadOnly.
func (c *Client) Amend(ctx context.Context, pr int, key string, by State, edit func(body string) string) (Result, error) {
	all, err := c.list(ctx, pr, key)
	if err != nil || len(all) == 0 {
		return Result{}, err
	}
	id := all[len(all)-1].id
	now, _, err := c.gh.Issues.GetComment(ctx, c.owner, c.repo, id)
	if statusOf(err) == http.StatusNotFound {
		return Result{}, nil // deleted meanwhile
	}
	if err != nil {
		return Result{}, fmt.Errorf("reading comment %d: %w", id, classify(err))
	}
	_, state, ok := parseMark(now.GetBody())
	res := Result{ID: id, URL: now.GetHTMLURL(), Action: Stale}
	if !ok || state.compare(by) >= 0 {
		return res, nil
	}
	text := mark(key, state, edit(bodyOf(now.GetBody())))
	if sameText(text, now.GetBody()) {
		res.Action = Unchanged
		return res, nil
	}
	if n := len([]rune(text)); n > MaxBody {
		return Result{}, fault.New(fault.TooLarge, "the comment would have %d characters, GitHub takes %d", n, MaxBody)
	}
	if _, _, err := c.gh.Issues.EditComment(ctx, c.owner, c.repo, id, &github.IssueComment{Body: &text}); err != nil {
		return Result{}, fmt.Errorf("updating comment %d: %w", id, readOnly(err))
	}
	res.Action = Updated
	return res, nil
}

// bodyOf is the text of a comment of ours without its two hidden lines.
func bodyOf(text string) string {
	lines := strings.SplitN(strings.ReplaceAll(text, "\r\n", "\n"), "\n", 3)
	return lines[len(lines)-1]
}
