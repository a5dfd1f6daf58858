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

// lastLook is how long what is published for a pull request is kept at least, however long ago that was closed.
const lastLook = 24 * time.Hour

// ClosePull has the previews of a pull request end at a time, if that is sooner than they would, and those that come yet:
// those of a fork, and of the repository's own those that no branch or tag has had.
func (s *Service) ClosePull(ctx context.Context, repository string, pull int, until time.Time) error {
	row := kv.JSON(closedKey(repository, pull), until)
	row.Expires = until.Add(s.opt.Retention)
	// First: a publish that this has not seen sees it.
	if err := s.db.Apply(ctx, kv.Put(row)); err != nil {
		return err
	}
	return s.endPull(ctx, repository, pull, until)
}

// endWithPulls has what was just published end with its pull requests, if these were closed before, or in this moment.
func (s *Service) endWithPulls(ctx context.Context, p Publication, c *Commit) error {
	for _, pull := range p.pulls() {
		path := p.Repository.Base().Path
		until, _, closed, err := kv.ReadJSON[time.Time](ctx, s.db, closedKey(path, pull))
		if err != nil {
			return err
		}
		if !closed {
			continue
		}
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

// ReopenPull undoes ClosePull for what is still here.
func (s *Service) ReopenPull(ctx context.Context, repository string, pull int) error {
	if err := s.db.Apply(ctx, kv.Delete(closedKey(repository, pull))); err != nil {
		return err
	}
	return s.eachOfPull(ctx, repository, pull, func(path, sha string) error {
		return s.retime(ctx, path, sha, func(h head) time.Time {
			if until := h.PublishedAt.Add(s.opt.Retention); until.After(h.ExpiresAt) {
				return until
			}
			return h.ExpiresAt
		})
	})
}

func (s *Service) eachOfPull(ctx context.Context, repository string, pull int, do func(path, sha string) error) error {
	if !repoPath.MatchString(repository) || pull <= 0 {
		return fault.New(fault.Invalid, "%.200q has no pull request #%d", repository, pull)
	}
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
