package forge

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/go-github/v60/github"

	"github.com/org/registry-action/internal/fault"
)

// MaxBody is the most characters that GitHub takes in a comment, ours with
// its hidden lines.
const MaxBody = 65536

// Mode says how a comment changes.
type Mode string

// The modes.
const (
	Update   Mode = "update"   // edit in place; nobody is notified. The default
	Recreate Mode = "recreate" // a run's first is a new comment at the end, then the old one goes
)

// Comment is what should stand on a pull request.
type Comment struct {
	PR int
	// Key tells our comments on one pull request apart; default "default".
	// Under one key the last run has the word, so two workflows that comment
	// should have two keys.
	Key   string
	Body  string // Markdown
	State State
	Mode  Mode
}

// Action is what Upsert did.
type Action string

// The actions.
const (
	Created   Action = "created"
	Updated   Action = "updated"
	Unchanged Action = "unchanged"     // it stood there already, word for word
	Stale     Action = "skipped-stale" // a newer run's comment stands
)

// Result is the comment that stands after Upsert.
type Result struct {
	ID     int64
	URL    string // of its page
	Action Action
}

// validate fills in defaults and refuses what GitHub would.
func (cm *Comment) validate() error {
	cm.Key = cmp.Or(cm.Key, "default")
	cm.Mode = cmp.Or(cm.Mode, Update)
	switch {
	case cm.PR <= 0:
		return fault.New(fault.Invalid, "%d is no pull request", cm.PR)
	case len(cm.Key) > 200:
		return fault.New(fault.Invalid, "the comment's key is %d bytes long, at most 200 are allowed", len(cm.Key))
	case cm.Mode != Update && cm.Mode != Recreate:
		return fault.New(fault.Invalid, "%q is no comment mode: use %s or %s", cm.Mode, Update, Recreate)
	}
	cm.Body = strings.ToValidUTF8(cm.Body, "\uFFFD")
	if n := utf8.RuneCountInString(mark(cm.Key, cm.State, cm.Body)); n > MaxBody {
		return fault.New(fault.TooLarge, "the comment has %d characters with its hidden lines, GitHub takes %d: shorten it", n, MaxBody)
	}
	return nil
}

// own is a comment of ours.
type own struct {
	id    int64
	url   string
	body  string
	state State
}

// newer orders our comments of one key: by state, of equals the lower id is
// the one that stands.
func (o own) newer(than own) int {
	return cmp.Or(o.state.compare(than.state), cmp.Compare(than.id, o.id))
}

// ours reads a comment as one of ours: written by login, marked with key.
func ours(c *github.IssueComment, login, key string) (own, bool) {
	k, state, ok := parseMark(c.GetBody())
	if !ok || k != key || !strings.EqualFold(c.GetUser().GetLogin(), login) {
		return own{}, false
	}
	return own{c.GetID(), c.GetHTMLURL(), c.GetBody(), state}, true
}

// list returns our comments of the key, the one that stands last.
func (c *Client) list(ctx context.Context, pr int, key string) ([]own, error) {
	login, err := c.identity(ctx)
	if err != nil {
		return nil, err
	}
	var all []own
	opts := github.IssueListCommentsOptions{ListOptions: github.ListOptions{PerPage: perPage}}
	for range maxPages {
		page, resp, err := c.gh.Issues.ListComments(ctx, c.owner, c.repo, pr, &opts)
		if err != nil {
			return nil, fmt.Errorf("listing the comments of pull request %d: %w", pr, readOnly(err))
		}
		for _, comment := range page {
			if o, ok := ours(comment, login, key); ok {
				all = append(all, o)
			}
		}
		if opts.Page = resp.NextPage; opts.Page == 0 {
			break
		}
	}
	slices.SortFunc(all, own.newer)
	return all, nil
}

// sameText compares bodies as GitHub keeps them.
func sameText(a, b string) bool {
	clean := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return clean(a) == clean(b)
}
