package commits

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

const maxOwners = 100 // of a repository

// claim says whose an owner/repo is, while anything lives here that it published.
type claim struct {
	Host   string   `json:"host"`             // the forge, since install URLs and preview registries name none
	Owners []string `json:"owners,omitempty"` // users; none: whoever publishes next
}

// UnmarshalJSON also reads a host alone, as servers wrote that knew no owners.
func (c *claim) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, &c.Host) == nil {
		return nil
	}
	type members claim
	return json.Unmarshal(text, (*members)(c))
}

// admit refuses who may not publish for the repository. The zero claim is of one that nobody has.
func (c claim) admit(who Principal, r Repository) error {
	switch {
	case c.Host != "" && c.Host != r.Host:
		return fault.New(fault.Exists, "%s is here already as a repository of %s, until what it published expires", r.Path, c.Host).WithCode("other_host")
	case len(c.Owners) == 0 || slices.Contains(c.Owners, who.User()) || who.GrantedRepository(r.String()):
		return nil
	}
	return c.notOwner(who, r)
}

func (c claim) notOwner(who Principal, r Repository) error {
	text := r.Path // as commands take it
	if r.Host != defaultForge {
		text = r.String()
	}
	return fault.New(fault.Forbidden, "%s belongs to %s here, and %s is not one of its owners; an owner or the operator can change that: registry-server repository add-owner %[1]s %[3]s",
		text, listed(c.Owners), who.User()).WithCode("not_repository_owner")
}

// claimOf reads who has an owner/repo; the zero claim if nobody does. row is what was read.
func (s *Service) claimOf(ctx context.Context, r Repository) (c claim, row kv.Row, err error) {
	row, err = s.db.Get(ctx, hostKey(r))
	if errors.Is(err, kv.ErrNotFound) {
		return claim{}, kv.Row{}, nil
	}
	if err != nil {
		return claim{}, kv.Row{}, err
	}
	if err := json.Unmarshal(row.Value, &c); err != nil {
		return claim{}, kv.Row{}, fmt.Errorf("decoding row %s: %w", row.Key, err)
	}
	return c, row, nil
}

// admit refuses who may not publish for the repository, before work is done for
// it. What decides is claim, when the publish becomes visible.
func (s *Service) admit(ctx context.Context, who Principal, r Repository) error {
	if err := cmp.Or(mayPlace(who, r), who.MayPublish(r.String())); err != nil || r.IsZero() {
		return err
	}
	c, _, err := s.claimOf(ctx, r)
	if err != nil {
		return err
	}
	return c.admit(who, r)
}

// claim binds an owner/repo to the forge and the user that first published it,
// for as long as anything of it lives.
func (s *Service) claim(ctx context.Context, who Principal, r Repository, until time.Time) (kv.Op, error) {
	c, old, err := s.claimOf(ctx, r)
	if err != nil {
		return kv.Op{}, err
	}
	if err := c.admit(who, r); err != nil {
		return kv.Op{}, err
	}
	c.Host = r.Host
	if len(c.Owners) == 0 && r.Pull() == 0 { // nobody owns what forks propose
		c.Owners = []string{who.User()}
	}
	row := kv.JSON(hostKey(r), c)
	row.Expires = until
	if old.Expires.After(until) {
		row.Expires = old.Expires
	}
	return kv.Upsert(old.Value, old.Value != nil, row), nil
}

// Owners lists the users who may publish commits of a repository.
func (s *Service) Owners(ctx context.Context, r Repository) ([]string, error) {
	c, _, err := s.held(ctx, r)
	return c.Owners, err
}

// held is claimOf for a repository that must be here.
func (s *Service) held(ctx context.Context, r Repository) (claim, kv.Row, error) {
	c, row, err := s.claimOf(ctx, r)
	if err == nil && c.Host != r.Host {
		err = fault.New(fault.NotFound, "nobody owns %s here: nothing of it was published, or all has expired; who publishes its first commit owns it", r).WithCode("no_repository")
	}
	return c, row, err
}

// AddOwner lets a user publish commits of a repository too, and returns its
// owners; an owner or an admin may. Whether there is such a user is for the caller to know.
func (s *Service) AddOwner(ctx context.Context, who Principal, r Repository, user string) ([]string, error) {
	if user == "" || len(user) > maxUser || strings.ContainsFunc(user, notInUser) {
		return nil, fault.New(fault.Invalid, "%.80q can't own %s: it is not a user name", user, r).WithCode("invalid_user")
	}
	return s.changeOwners(ctx, who, r, func(owners []string) []string {
		if slices.Contains(owners, user) {
			return owners
		}
		return append(slices.Clone(owners), user)
	})
}

const maxUser = 214 // bytes

func notInUser(r rune) bool { return r <= ' ' || r > '~' }

// RemoveOwner undoes AddOwner; one owner stays.
func (s *Service) RemoveOwner(ctx context.Context, who Principal, r Repository, user string) ([]string, error) {
	return s.changeOwners(ctx, who, r, func(owners []string) []string {
		return slices.DeleteFunc(slices.Clone(owners), func(o string) bool { return o == user })
	})
}

func (s *Service) changeOwners(ctx context.Context, who Principal, r Repository, change func(owners []string) []string) ([]string, error) {
	if who.Proof() != nil {
		return nil, fault.New(fault.Forbidden, "the token of a CI run may publish, but not change owners; sign in to do that").WithCode("run_token")
	}
	if err := who.MayPublish(r.String()); err != nil {
		return nil, err
	}
	var owners []string
	err := turns.Retry(r.String(), func() error {
		c, old, err := s.held(ctx, r)
		if err != nil {
			return err
		}
		if !who.IsAdmin() && !slices.Contains(c.Owners, who.User()) {
			return c.notOwner(who, r)
		}
		owners = change(c.Owners)
		switch {
		case slices.Equal(owners, c.Owners):
			return nil
		case len(owners) == 0:
			return fault.New(fault.Invalid, "%s must keep at least one owner; add another before the last one goes", r).WithCode("no_owner")
		case len(owners) > maxOwners:
			return fault.New(fault.Invalid, "%s would have %d owners, at most %d are allowed", r, len(owners), maxOwners)
		}
		c.Owners = owners
		row := kv.JSON(hostKey(r), c)
		row.Expires = old.Expires
		return s.db.Apply(ctx, kv.Swap(old.Value, row))
	})
	return owners, err
}
