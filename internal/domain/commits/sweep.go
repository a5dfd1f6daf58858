package commits

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/lifetime"
)

// task is the name of a commit's rows in the sweeper's agenda.
const task = "commit"

// Tasks are what the sweeper does for commits: it removes those that have
// expired, and what dead publishes left behind.
func (s *Service) Tasks() map[string]lifetime.Task {
	return map[string]lifetime.Task{task: s.sweepCommit}
}

func (s *Service) due(t time.Time, sha string) kv.Op { return s.life.Due(t, task, sha) }

// sweepCommit renews a commit that an open pull request needs, or hides one that has expired, then removes the package rows
// that no head names and no publish is still staging.
func (s *Service) sweepCommit(ctx context.Context, sha string) (removed bool, err error) {
	now := s.now()
	h, raw, found, err := kv.ReadJSON[head](ctx, s.db, headKey(sha))
	if err != nil {
		return false, err
	}
	if found && !h.ExpiresAt.After(now) {
		err := s.db.Apply(ctx, append(s.expired(h), kv.Drop(raw, headKey(sha)), kv.Delete(prefixKey(sha)))...)
		if errors.Is(err, kv.ErrConflict) {
			return false, nil // published again in this moment; its own due row follows
		}
		if err != nil {
			return false, err
		}
		removed = true
	} else if found {
		if err := s.renew(ctx, sha, h); err != nil {
			return false, err
		}
	}
	return removed, s.sweepRows(ctx, sha, func(id string) fate {
		named := slices.ContainsFunc(h.Publishes, func(p publish) bool { return p.ID == id })
		switch {
		case named && !removed:
			return living
		case !named && now.Sub(publishTime(id)) < publishFor+time.Hour:
			return staging
		}
		return garbage
	})
}

// fate is what becomes of a package row.
type fate int

const (
	living  fate = iota // a head names it
	staging             // a publish may still be at it
	garbage
)

func (s *Service) sweepRows(ctx context.Context, sha string, of func(id string) fate) error {
	for r, err := range s.db.Scan(ctx, commitPartition(sha), kv.Query{Prefix: packagePrefix}) {
		if err != nil {
			return err
		}
		switch of(publishOf(r.Sort)) {
		case staging: // look again when it must have ended
			err = s.db.Apply(ctx, s.due(s.now().Add(publishFor+time.Hour), sha))
		case garbage:
			err = s.db.Apply(ctx, kv.Delete(r.Key))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
