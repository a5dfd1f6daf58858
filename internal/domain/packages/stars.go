package packages

import (
	"context"
	"errors"

	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

// Star notes that the caller likes a package, or no longer.
func (s *Service) Star(ctx context.Context, who Principal, name string, on bool) error {
	return s.revise(ctx, name, func(p *pkg) ([]kv.Op, error) {
		if err := admit(who, name); err != nil {
			return nil, err
		}
		if err := p.mustLive(); err != nil {
			return nil, err
		}
		key, mine := starKey(name, who.User()), starredKey(who.User(), name)
		_, err := s.db.Get(ctx, key)
		switch {
		case err != nil && !errors.Is(err, kv.ErrNotFound):
			return nil, err
		case on == (err == nil):
			return nil, turns.ErrUnchanged
		case on:
			p.Stars++
			return []kv.Op{kv.Put(kv.Row{Key: key}), kv.Put(kv.Row{Key: mine})}, nil
		}
		p.Stars--
		return []kv.Op{kv.Delete(key), kv.Delete(mine)}, nil
	})
}

// Starred lists the packages a user has starred, by name.
func (s *Service) Starred(ctx context.Context, user string) ([]string, error) {
	if !validUser(user) {
		return nil, nil
	}
	return s.sorts(ctx, starredPartition(user), "")
}
