package commits

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

// retime changes when a commit ends, if all of it is of one repository or place. Its bytes stay for as long as they were kept.
func (s *Service) retime(ctx context.Context, path, sha string, to func(head) time.Time) error {
	return turns.Retry("commit "+sha, func() error {
		c, _, err := s.fetch(ctx, sha)
		if err != nil {
			return err
		}
		if !c.found || !c.ExpiresAt.After(s.now()) {
			return nil
		}
		until := to(c.head)
		for _, p := range c.Publishes {
			if !strings.EqualFold(p.Repository.Path, path) {
				return nil
			}
		}
		if until.Equal(c.ExpiresAt) {
			return nil
		}
		ops, err := s.retimed(ctx, path, sha, until)
		if err != nil {
			return err
		}
		next := c.head
		next.ExpiresAt = until
		return s.db.Apply(ctx, append(ops, kv.Swap(c.raw, kv.JSON(headKey(sha), next)))...)
	})
}

// retimed are the rows that end together with a commit.
func (s *Service) retimed(ctx context.Context, path, sha string, until time.Time) ([]kv.Op, error) {
	ops := []kv.Op{
		kv.Put(kv.Row{Key: prefixKey(sha), Expires: until}),
		s.due(until.Add(time.Hour), sha),
		s.due(until.Add(-s.renewBefore()), sha),
		kv.Add(revisionKey(path), 1),
	}
	for r, err := range s.db.Scan(ctx, repoPartition(path), kv.Query{}) {
		if err != nil {
			return nil, err
		}
		switch {
		case r.Sort == hostKey(Repository{Path: path}).Sort: // lives as long as anything of the repository
			if !r.Expires.Before(until) {
				continue
			}
		case r.Sort == indexPrefix+sha:
		case strings.HasPrefix(r.Sort, refPrefix):
			if to, err := readPointer(r); err != nil || to.SHA != sha {
				continue
			}
		default:
			continue
		}
		old := r.Value
		r.Expires = until
		ops = append(ops, kv.Swap(old, r))
	}
	listed, err := s.relisted(ctx, path, until)
	if err != nil {
		return nil, err
	}
	ops = append(ops, listed...)
	if len(ops) > kv.MaxBatch-1 {
		return nil, fault.New(fault.TooLarge, "%d refs point at commit %s, more than can change at once", len(ops), sha)
	}
	return ops, nil
}

// relisted lets the row that lists a repository live for as long. Forks' places have none, nor what is of no repository.
func (s *Service) relisted(ctx context.Context, path string, until time.Time) ([]kv.Op, error) {
	if path == "" {
		return nil, nil
	}
	row, err := s.db.Get(ctx, repoKey(path))
	if errors.Is(err, kv.ErrNotFound) {
		return nil, nil
	}
	if err != nil || !row.Expires.Before(until) {
		return nil, err
	}
	old := row.Value
	row.Expires = until
	return []kv.Op{kv.Swap(old, row)}, nil
}
