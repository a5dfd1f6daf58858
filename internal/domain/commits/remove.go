package commits

import (
	"context"
	"errors"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// Remove ends a commit at once: nothing of it is listed or served any more, and its bytes go when their time is over. It
// is for who may publish commits of the repository, which also removes what forks proposed to it, and for admins, who
// name no repository of a commit that has none. sha may be a prefix; the whole one is returned. The commit may be
// published again.
func (s *Service) Remove(ctx context.Context, who Principal, r Repository, sha string) (string, error) {
	if r.IsZero() && !who.IsAdmin() {
		return "", fault.New(fault.Forbidden, "name the repository of the commit, such as ?repository=acme/widgets; only an admin removes commits that have none").WithCode("admin_only")
	}
	if err := s.admit(ctx, who, r); err != nil {
		return "", err
	}
	sha, err := s.resolveIn(ctx, r.Path, sha)
	if err != nil {
		return "", err
	}
	if err := who.MayPublishCommit(sha, nil); err != nil {
		return "", err
	}
	c, err := s.living(ctx, sha)
	if err != nil {
		return "", err
	}
	path := c.Publishes[0].Repository.Path
	for _, p := range c.Publishes {
		if !p.Repository.Base().Same(r) {
			return "", fault.New(fault.NotFound, "commit %s has packages that %s did not publish; name the repository that did", sha, named(r))
		}
		if p.Repository.Path != path {
			return "", fault.New(fault.Exists, "commit %s was published by %s and by a fork of it; publish it again, which replaces what the fork did, then remove it", sha, named(r))
		}
	}
	if err := s.retime(ctx, path, sha, func(head) time.Time { return s.now() }); err != nil {
		return "", err
	}
	return sha, s.unlist(ctx, path, c.head)
}

// unlist takes a repository off the list if nothing of it is left, and tells followers that it has changed.
func (s *Service) unlist(ctx context.Context, path string, removed head) error {
	ops := s.expired(removed)
	if len(ops) == 0 { // it was a fork's, or nobody's
		return nil
	}
	row, err := s.db.Get(ctx, repoKey(path))
	if err != nil && !errors.Is(err, kv.ErrNotFound) {
		return err
	}
	if err == nil {
		left, err := s.look(ctx, path)
		if err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
		if err != nil || len(left.commits) == 0 {
			ops = append(ops, kv.Drop(row.Value, row.Key))
		}
	}
	if err := s.db.Apply(ctx, ops...); !errors.Is(err, kv.ErrConflict) {
		return err
	}
	return nil // published in this moment, which lists it and tells of it
}

func named(r Repository) string {
	if r.IsZero() {
		return "no repository"
	}
	return r.String()
}
