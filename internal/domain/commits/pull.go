package commits

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// pullState is the row of a pull request.
type pullState struct {
	Open  bool      `json:"open,omitempty"`
	Until time.Time `json:"until,omitzero"` // when the previews of one that is closed end
}

// openFor is how long a pull request of which nothing more is heard is taken for open: the webhook of its close may be lost.
const openFor = 365 * 24 * time.Hour

// lastLook is how long what is published for a pull request is kept at least, however long ago that was closed.
const lastLook = 24 * time.Hour

// ClosePull has the previews of a pull request end at a time, if that is sooner than they would, and those that come yet:
// those of a fork, and of the repository's own those that no branch or tag has had.
func (s *Service) ClosePull(ctx context.Context, repository string, pull int, until time.Time) error {
	// First: a publish that this has not seen sees it.
	if err := s.putPull(ctx, repository, pull, pullState{Until: until}, until.Add(s.opt.Retention)); err != nil {
		return err
	}
	return s.endPull(ctx, repository, pull, until)
}

// endWithPulls has what was just published end with its pull requests, if these were closed before, or in this moment.
func (s *Service) endWithPulls(ctx context.Context, p Publication, c *Commit) error {
	for _, pull := range p.pulls() {
		path := p.Repository.Base().Path
		state, _, known, err := kv.ReadJSON[pullState](ctx, s.db, pullKey(path, pull))
		if err != nil {
			return err
		}
		if !known || state.Open {
			continue
		}
		until := state.Until
		if least := s.now().Add(lastLook); until.Before(least) {
			until = least
		}
		if err := s.endPull(ctx, path, pull, until); err != nil {
			return err
		}
		h, _, _, err := kv.ReadJSON[head](ctx, s.db, headKey(p.SHA))
		if err != nil {
			return err
		}
		c.ends(h.ExpiresAt)
	}
	return nil
}

// pulls are the numbers of the pull requests that a publish is for.
func (p Publication) pulls() (all []int) {
	if n := p.Repository.Pull(); n != 0 {
		return []int{n}
	}
	for _, r := range p.Refs {
		if n, err := strconv.Atoi(r.Name); r.Kind == PR && err == nil {
			all = append(all, n)
		}
	}
	return all
}

func (c *Commit) ends(at time.Time) {
	c.ExpiresAt = at
	for i := range c.Packages {
		c.Packages[i].ExpiresAt = at
	}
}

func (s *Service) endPull(ctx context.Context, repository string, pull int, until time.Time) error {
	return s.eachOfPull(ctx, repository, pull, func(path, sha string) error {
		return s.retime(ctx, path, sha, func(h head) time.Time {
			if until.Before(h.ExpiresAt) {
				return until
			}
			return h.ExpiresAt
		})
	})
}

// OpenPull has the last previews of a pull request kept for as long as it is open: before they end, the sweeper lets them
// live for another retention. It opens none that is closed: webhooks come in any order.
func (s *Service) OpenPull(ctx context.Context, repository string, pull int) error {
	state, _, known, err := kv.ReadJSON[pullState](ctx, s.db, pullKey(repository, pull))
	if err != nil || known && !state.Open {
		return err
	}
	return s.putOpen(ctx, repository, pull)
}

func (s *Service) putOpen(ctx context.Context, repository string, pull int) error {
	return s.putPull(ctx, repository, pull, pullState{Open: true}, s.now().Add(openFor))
}

// ReopenPull undoes ClosePull for what is still here.
func (s *Service) ReopenPull(ctx context.Context, repository string, pull int) error {
	if err := s.putOpen(ctx, repository, pull); err != nil {
		return err
	}
	return s.eachOfPull(ctx, repository, pull, func(path, sha string) error {
		return s.retime(ctx, path, sha, func(h head) time.Time { return later(h.ExpiresAt, h.PublishedAt.Add(s.opt.Retention)) })
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (s *Service) putPull(ctx context.Context, repository string, pull int, state pullState, expires time.Time) error {
	if !repoPath.MatchString(repository) || pull <= 0 {
		return fault.New(fault.Invalid, "%.200q has no pull request #%d", repository, pull)
	}
	row := kv.JSON(pullKey(repository, pull), state)
	row.Expires = expires
	return s.db.Apply(ctx, kv.Put(row))
}

// renew lets a commit that ends soon live for another retention, if it is the last of a pull request that is open.
func (s *Service) renew(ctx context.Context, sha string, h head) error {
	if h.ExpiresAt.Sub(s.now()) > s.renewBefore() {
		return nil
	}
	path := h.Publishes[0].Repository.Path // retime leaves commits of several alone
	if open, err := s.lastOfOpen(ctx, path, sha); err != nil || !open {
		return err
	}
	c, _, err := s.fetch(ctx, sha)
	if err != nil {
		return err
	}
	until := s.now().Add(s.opt.Retention)
	if err := s.life.KeepAll(ctx, blobsOf(c.packages), until); err != nil {
		return err
	}
	return s.retime(ctx, path, sha, func(h head) time.Time { return later(h.ExpiresAt, until) })
}

// renewBefore is how long before its end a commit is looked at, time enough for a sweeper that was away.
func (s *Service) renewBefore() time.Duration { return min(72*time.Hour, s.opt.Retention/2) }

// lastOfOpen reports whether an open pull request points at a commit of a repository or place.
func (s *Service) lastOfOpen(ctx context.Context, path, sha string) (bool, error) {
	for r, err := range s.db.Scan(ctx, repoPartition(path), kv.Query{Prefix: refPrefix + string(PR) + "/"}) {
		if err != nil {
			return false, err
		}
		to, err := readPointer(r)
		if err != nil {
			return false, err
		}
		pull, err := strconv.Atoi(strings.TrimPrefix(r.Sort, refPrefix+string(PR)+"/"))
		if err != nil || to.SHA != sha {
			continue
		}
		state, _, known, err := kv.ReadJSON[pullState](ctx, s.db, pullKey(Repository{Path: path}.Base().Path, pull))
		if err != nil || known && state.Open {
			return err == nil, err
		}
	}
	return false, nil
}

func (s *Service) eachOfPull(ctx context.Context, repository string, pull int, do func(path, sha string) error) error {
	place := PlaceOf(repository, pull)
	fork, err := s.look(ctx, place)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	if err == nil {
		for _, c := range fork.commits {
			if err := do(place, c.sha); err != nil {
				return err
			}
		}
	}
	own, err := s.onlyOfPull(ctx, repository, pull)
	if err != nil {
		return err
	}
	for _, sha := range own {
		if err := do(repository, sha); err != nil {
			return err
		}
	}
	return nil
}

// onlyOfPull lists the repository's own commits that its pull request has had, and no branch, tag or other pull request.
func (s *Service) onlyOfPull(ctx context.Context, repository string, pull int) ([]string, error) {
	mine := Ref{PR, strconv.Itoa(pull)}
	var own []string
	others := map[string]bool{}
	for r, err := range s.db.Scan(ctx, repoPartition(repository), kv.Query{Prefix: refPrefix}) {
		if err != nil {
			return nil, err
		}
		to, err := readPointer(r)
		if err != nil {
			return nil, err
		}
		all := to.before("")
		if strings.TrimPrefix(r.Sort, refPrefix) == mine.String() {
			own = all
			continue
		}
		for _, sha := range all {
			others[sha] = true
		}
	}
	return slices.DeleteFunc(own, func(sha string) bool { return others[sha] }), nil
}
