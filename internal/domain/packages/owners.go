package packages

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

const (
	maxUser    = 214 // bytes
	restricted = "restricted"
	public     = "public"
)

// validOwners checks a list of owners and returns it sorted, each once.
func validOwners(of string, owners []string) ([]string, error) {
	owners = slices.Compact(slices.Sorted(slices.Values(owners)))
	switch {
	case len(owners) == 0:
		return nil, fault.New(fault.Invalid, "%s must keep at least one owner; add another before the last one goes", of).WithCode("no_owner")
	case len(owners) > maxOwners:
		return nil, fault.New(fault.Invalid, "%s would have %d owners, at most %d are allowed", of, len(owners), maxOwners)
	}
	for _, user := range owners {
		if !validUser(user) {
			return nil, fault.New(fault.Invalid, "%.80q can't own %s: it is not a user name", user, of).WithCode("invalid_user")
		}
	}
	return owners, nil
}

// validUser is what storage and documents need of a user name; accounts have tighter rules.
func validUser(user string) bool {
	return user != "" && len(user) <= maxUser && utf8.ValidString(user) && !notName(user) &&
		!strings.ContainsFunc(user, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
}

// SetOwners replaces the owners; one at least must stay. Whether they have accounts is for the
// caller to know.
func (s *Service) SetOwners(ctx context.Context, who Principal, name, rev string, owners []string) error {
	if err := npm.ValidName(name); err != nil {
		return err
	}
	if err := mayGovern(who, "change owners"); err != nil {
		return err
	}
	owners, err := validOwners(name, owners)
	if err != nil {
		return err
	}
	return s.revise(ctx, name, func(p *pkg) ([]kv.Op, error) {
		if err := s.mayChangeFound(ctx, who, *p); err != nil {
			return nil, err
		}
		if err := p.mustBe(rev); err != nil {
			return nil, err
		}
		if slices.Equal(p.Owners, owners) {
			return nil, turns.ErrUnchanged
		}
		var ops []kv.Op
		for _, user := range owners {
			ops = append(ops, kv.Put(kv.Row{Key: ownerKey(user, name)}))
		}
		for _, user := range p.Owners {
			if !slices.Contains(owners, user) {
				ops = append(ops, kv.Delete(ownerKey(user, name)))
			}
		}
		p.Owners = owners
		p.touched(s.now())
		names, err := s.latestOps(ctx, *p)
		return append(ops, names...), err
	})
}

// mayChangeFound is mayChange for a package that may have no version left.
func (s *Service) mayChangeFound(ctx context.Context, who Principal, p pkg) error {
	if err := admit(who, p.name); err != nil {
		return err
	}
	if !p.found {
		return p.mustLive()
	}
	return s.mayChange(ctx, who, p)
}

func validAccess(access string) error {
	if access != public && access != restricted {
		return fault.New(fault.Invalid, "access %.40q is neither %q nor %q", access, public, restricted).WithCode("invalid_access")
	}
	return nil
}

// SetAccess makes a package "public" or "restricted".
func (s *Service) SetAccess(ctx context.Context, who Principal, name, access string) error {
	if err := cmp.Or(validAccess(access), mayGovern(who, "change who may read")); err != nil {
		return err
	}
	return s.revise(ctx, name, func(p *pkg) ([]kv.Op, error) {
		if err := s.mayChangeLiving(ctx, who, *p); err != nil {
			return nil, err
		}
		if p.Restricted == (access == restricted) {
			return nil, turns.ErrUnchanged
		}
		p.Restricted = access == restricted
		p.touched(s.now())
		return s.latestOps(ctx, *p)
	})
}

func validScope(scope string) error {
	if !strings.HasPrefix(scope, "@") || npm.ValidName(scope+"/x") != nil {
		return fault.New(fault.Invalid, "%.230q is no scope; scopes are written @acme", scope).WithCode("invalid_scope")
	}
	return nil
}

// ScopeOwners lists who owns a scope ("@acme"), none if nobody does.
func (s *Service) ScopeOwners(ctx context.Context, scope string) ([]string, error) {
	if err := validScope(scope); err != nil {
		return nil, err
	}
	return s.ownersOfScope(ctx, scope)
}

// SetScopeOwners replaces the owners of a scope; an owner of it or an admin may. One at least must
// stay. An admin makes a scope ours that way before anything of it is published.
func (s *Service) SetScopeOwners(ctx context.Context, who Principal, scope string, owners []string) error {
	if err := validScope(scope); err != nil {
		return err
	}
	if err := mayGovern(who, "change owners"); err != nil {
		return err
	}
	owners, err := validOwners(scope, owners)
	if err != nil {
		return err
	}
	// A token that is limited to some packages of the scope may not give all of it away.
	if err := admit(who, scope+"/*"); err != nil {
		return err
	}
	return turns.Retry(scope, func() error {
		row, raw, found, err := kv.ReadJSON[scopeRow](ctx, s.db, scopeKey(scope))
		if err != nil {
			return err
		}
		if !who.IsAdmin() && !slices.Contains(row.Owners, who.User()) {
			return fault.New(fault.Forbidden, "%s is not an owner of the scope %s; ask one of its owners or an admin", who.User(), scope).WithCode("not_owner")
		}
		if slices.Equal(row.Owners, owners) {
			return nil
		}
		row.Owners = owners
		if !found {
			row.Created = s.now()
		}
		return s.db.Apply(ctx, kv.Upsert(raw, found, kv.JSON(scopeKey(scope), row)))
	})
}

// inFlight bounds the heads that Owned reads at a time.
const inFlight = 16

// Owned lists the packages that a user or a scope ("@acme") owns, by name.
func (s *Service) Owned(ctx context.Context, userOrScope string) ([]string, error) {
	var names []string
	if strings.HasPrefix(userOrScope, "@") {
		if err := validScope(userOrScope); err != nil {
			return nil, err
		}
		return s.sorts(ctx, namesPartition, userOrScope+"/")
	}
	if !validUser(userOrScope) {
		return nil, nil
	}
	names, err := s.sorts(ctx, ownerPartition(userOrScope), "")
	if err != nil {
		return nil, err
	}
	owned := make([]bool, len(names))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	for i, name := range names {
		g.Go(func() error {
			p, err := s.load(ctx, name)
			owned[i] = p.Versions > 0 && slices.Contains(p.Owners, userOrScope)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out []string
	for i, name := range names {
		if owned[i] {
			out = append(out, name)
		}
	}
	return out, nil
}

// sorts lists the sort keys of a partition that begin with a prefix.
func (s *Service) sorts(ctx context.Context, partition, prefix string) ([]string, error) {
	var out []string
	for row, err := range s.db.Scan(ctx, partition, kv.Query{Prefix: prefix}) {
		if err != nil {
			return nil, err
		}
		out = append(out, row.Sort)
	}
	return out, nil
}
