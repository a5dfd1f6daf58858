package forge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/go-github/v60/github"
)

// maxRounds bounds how often Upsert starts over.
const maxRounds = 6

// Upsert makes the comment stand on its pull request, once: it creates it,
// updates the one of an earlier run, or leaves a newer run's alone. Called
// again with the same comment it changes nothing. A token that may not write
// gets ErrReadOnly; a body that is too long is fault.TooLarge; a rate limit
// that lasts longer than two minutes is fault.Unavailable.
func (c *Client) Upsert(ctx context.Context, cm Comment) (Result, error) {
	if err := cm.validate(); err != nil {
		return Result{}, err
	}
	u := &upsert{Client: c, Comment: cm, text: mark(cm.Key, cm.State, cm.Body)}
	for round := 1; ; round++ {
		res, done, err := u.round(ctx)
		if done {
			return res, err
		}
		if round == maxRounds {
			return u.giveUp(err)
		}
		pause, retry := u.pause(err, round)
		if !retry {
			return Result{}, readOnly(err)
		}
		if pause == 0 {
			continue
		}
		if err := c.transport.wait(ctx, pause); err != nil {
			return Result{}, err
		}
	}
}

// upsert is one call of Upsert.
type upsert struct {
	*Client
	Comment
	text string // the body with its hidden lines

	made   *own   // what we wrote last, also if GitHub's lists lag behind
	action Action // what we did; "" before the first write
	writes int    // that succeeded
}

// round looks at what stands and takes one step: it is done, or has written
// and wants to look again, or failed to write. Errors of reading are final.
func (u *upsert) round(ctx context.Context) (res Result, done bool, err error) {
	all, err := u.list(ctx, u.PR, u.Key)
	if err != nil {
		return Result{}, true, err
	}
	if u.made != nil && !slices.ContainsFunc(all, func(o own) bool { return o.id == u.made.id }) {
		all = append(all, *u.made)
		slices.SortFunc(all, own.newer)
	}
	if len(all) == 0 {
		return Result{}, false, u.create(ctx)
	}
	stands := all[len(all)-1]
	switch age := stands.state.compare(u.State); {
	case age > 0:
		return u.settle(ctx, all, Stale)
	case age == 0 && sameText(stands.body, u.text):
		return u.settle(ctx, all, cmp.Or(u.action, Unchanged))
	case age == 0 && u.made != nil:
		// Another job of this very run has the last word on the same key.
		return u.settle(ctx, all, u.action)
	case u.Mode == Recreate && age < 0 && u.made == nil:
		return Result{}, false, u.create(ctx)
	}
	return Result{}, false, u.update(ctx, oldest(all))
}

// oldest returns the comment with the lowest id: the place where readers know
// it.
func oldest(all []own) own {
	return slices.MinFunc(all, func(a, b own) int { return cmp.Compare(a.id, b.id) })
}

// settle deletes all but the comment that stands.
func (u *upsert) settle(ctx context.Context, all []own, action Action) (Result, bool, error) {
	stands := all[len(all)-1]
	for _, o := range all[:len(all)-1] {
		_, err := u.gh.Issues.DeleteComment(ctx, u.owner, u.repo, o.id)
		if err != nil && statusOf(err) != http.StatusNotFound {
			return Result{}, false, fmt.Errorf("deleting an older comment: %w", err)
		}
	}
	return Result{ID: stands.id, URL: stands.url, Action: action}, true, nil
}

func (u *upsert) create(ctx context.Context) error {
	u.action = Created // also if the answer is lost: the next round finds it
	made, _, err := u.gh.Issues.CreateComment(ctx, u.owner, u.repo, u.PR, &github.IssueComment{Body: &u.text})
	if err != nil {
		return fmt.Errorf("commenting on pull request %d: %w", u.PR, err)
	}
	u.keep(made)
	if login := made.GetUser().GetLogin(); login != "" {
		u.learn(login)
	}
	return nil
}

// update edits a comment, after a last look that no newer run has done so.
func (u *upsert) update(ctx context.Context, o own) error {
	c, _, err := u.gh.Issues.GetComment(ctx, u.owner, u.repo, o.id)
	if statusOf(err) == http.StatusNotFound {
		return nil // deleted meanwhile
	}
	if err != nil {
		return fmt.Errorf("reading comment %d: %w", o.id, err)
	}
	if _, state, ok := parseMark(c.GetBody()); ok && state.compare(u.State) > 0 {
		return nil
	}
	u.action = cmp.Or(u.action, Updated)
	made, _, err := u.gh.Issues.EditComment(ctx, u.owner, u.repo, o.id, &github.IssueComment{Body: &u.text})
	if statusOf(err) == http.StatusNotFound {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	if err != nil {
		return fmt.Errorf("updating comment %d: %w", o.id, err)
	}
	u.keep(made)
	return nil
}

func (u *upsert) keep(c *github.IssueComment) {
	u.writes++
	u.made = &own{c.GetID(), c.GetHTMLURL(), u.text, u.State}
}

// errGone is a comment that was there a moment ago: deleted by another run,
// or not ours to write.
var errGone = errors.New("the comment is gone")

// pause says how long to wait before looking again, and whether to at all.
func (u *upsert) pause(err error, round int) (time.Duration, bool) {
	if err == nil {
		if u.writes > 1 { // lists lag, or others write too
			return backoff(u.writes - 1), true
		}
		return 0, true
	}
	if errors.Is(err, errGone) {
		return 0, true
	}
	if limit, ok := errors.AsType[*limitError](err); ok {
		return limit.after, limit.after <= maxWait
	}
	if status := statusOf(err); status != 0 && status < 500 {
		return 0, false
	}
	return backoff(round), true
}

// giveUp ends after too many rounds: what was written counts.
func (u *upsert) giveUp(err error) (Result, error) {
	if err == nil && u.made != nil {
		return Result{ID: u.made.id, URL: u.made.url, Action: u.action}, nil
	}
	if err == nil {
		err = errors.New("other runs keep changing the comment")
	}
	return Result{}, readOnly(err)
}
