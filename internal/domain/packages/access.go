package packages

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/store/kv"
)

// Ours reports whether upstream must not be asked for a name: a package of it is or was here, its
// scope has an owner here, however it is written, or it is claimed.
func (s *Service) Ours(ctx context.Context, name string) (bool, error) {
	// Names that are not valid here count too: upstream may have older ones in a scope of ours.
	scope, _, scoped := strings.Cut(name, "/")
	scoped = scoped && strings.HasPrefix(scope, "@")
	keys := []kv.Key{headKey(name)}
	if s.claimed(name) {
		return true, nil
	}
	if scoped {
		keys = append(keys, scopeKey(scope))
	}
	for _, k := range keys {
		if k.Validate() != nil {
			continue // nothing can be stored under it
		}
		_, _, found, err := kv.ReadJSON[struct{}](ctx, s.db, k)
		if err != nil || found {
			return found, err
		}
	}
	return false, nil
}

// claimed reports whether the operator claimed a name or its scope. The case does
// not matter: who claims @Acme means @acme, and nobody else's looks like it.
func (s *Service) claimed(name string) bool {
	scope, _, _ := strings.Cut(name, "/")
	return slices.ContainsFunc(s.opt.Claimed, func(claim string) bool {
		return strings.EqualFold(claim, name) || strings.HasPrefix(scope, "@") && strings.EqualFold(claim, scope)
	})
}

// admit refuses who may write to nothing, or not to this name.
func admit(who Principal, name string) error {
	if err := who.MayRelease(name); err != nil {
		return err
	}
	if who.User() == "" {
		return fault.New(fault.Unauthenticated, "Authorization required: sign in to change %.230q", name)
	}
	return nil
}

// mayChange refuses who may not write to a package that is here.
func (s *Service) mayChange(ctx context.Context, who Principal, p pkg) error {
	if err := admit(who, p.name); err != nil {
		return err
	}
	if who.IsAdmin() || who.Granted(p.name) {
		return nil
	}
	owns, err := s.owns(ctx, who.User(), p)
	if err != nil || owns {
		return err
	}
	return notOwner(who, p.name)
}

func notOwner(who Principal, name string) error {
	return fault.New(fault.Forbidden, "%s is not an owner of %s; an owner can add you: npm owner add %s %s", who.User(), name, who.User(), name).WithCode("not_owner")
}

// MayPublish returns nil if who may publish a version of a package, whether it is there or not.
func (s *Service) MayPublish(ctx context.Context, who Principal, name string) error {
	if err := npm.ValidName(name); err != nil {
		return err
	}
	p, err := s.load(ctx, name)
	if err != nil {
		return err
	}
	_, err = s.mayPublish(who)(ctx, p, &candidate{name: name})
	return err
}

// mayGovern refuses what the token of a CI run may not do, whatever it may publish: what a run has broken into must not
// stay when the run has ended.
func mayGovern(who Principal, to string) error {
	if who.Proof() == nil {
		return nil
	}
	return fault.New(fault.Forbidden, "the token of a CI run may publish, tag and deprecate, but not %s; sign in to do that", to).WithCode("run_token")
}

// owns reports whether a user owns a package or its scope.
func (s *Service) owns(ctx context.Context, user string, p pkg) (bool, error) {
	if slices.Contains(p.Owners, user) {
		return true, nil
	}
	scope, _ := npm.SplitName(p.name)
	owners, err := s.ownersOfScope(ctx, scope)
	return slices.Contains(owners, user), err
}

// ownersOfScope lists who owns a scope, "" has nobody.
func (s *Service) ownersOfScope(ctx context.Context, scope string) ([]string, error) {
	if scope == "" {
		return nil, nil
	}
	row, _, _, err := kv.ReadJSON[scopeRow](ctx, s.db, scopeKey(scope))
	return row.Owners, err
}

// taking is what the first publish of a name takes.
type taking struct {
	first string // the name or scope that was not ours before
	scope string // the scope that gets an owner
}

// mayTake refuses who may not publish the first version of a name. What others
// have upstream may be taken only by who was trusted with it: everybody here
// would get ours in place of theirs.
func (s *Service) mayTake(ctx context.Context, who Principal, c *candidate) (taking, error) {
	if err := admit(who, c.name); err != nil {
		return taking{}, err
	}
	t := taking{first: c.name}
	scope, _ := npm.SplitName(c.name)
	owners, err := s.ownersOfScope(ctx, scope)
	if err != nil {
		return taking{}, err
	}
	trusted := who.IsAdmin() || who.Granted(c.name)
	switch {
	case len(owners) > 0 && !trusted && !slices.Contains(owners, who.User()):
		return taking{}, fault.New(fault.Forbidden, "the scope %s belongs to others, and %s is not one of its owners; ask one of them to be added, or publish under another scope", scope, who.User()).WithCode("not_owner")
	case len(owners) > 0:
		return taking{}, nil
	case scope != "":
		t = taking{first: scope, scope: scope}
	}
	if s.claimed(c.name) {
		t.first = ""
		return t, nil
	}
	if trusted || s.opt.Upstream == nil || c.free {
		return t, nil
	}
	if err := s.mustBeFree(ctx, c.name, scope); err != nil {
		return taking{}, err
	}
	c.free = true
	return t, nil
}

// mustBeFree refuses a name that upstream has, or that is in a scope it has.
func (s *Service) mustBeFree(ctx context.Context, name, scope string) error {
	what := name
	taken, err := s.opt.Upstream.Has(ctx, name)
	if err == nil && !taken && scope != "" {
		what = scope
		taken, err = s.opt.Upstream.HasScope(ctx, scope)
	}
	claim := name
	if scope != "" {
		claim = scope
	}
	if errors.Is(err, fault.Upstream) || errors.Is(err, fault.Loop) {
		return fault.Wrap(err, fault.Forbidden, "%s is new here, and upstream does not tell whether others have %s there: taken here, it would take the place of theirs for everybody who installs from here. Let an admin publish its first version, or the operator claim it: CLAIMED_SCOPES=%s", name, what, claim).WithCode("upstream_unknown")
	}
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "%s is new here, and upstream can't be asked whether others have it there; send the request again, or let the operator claim it: CLAIMED_SCOPES=%s", name, claim).WithCode("upstream_unknown")
	}
	if taken {
		return fault.New(fault.Forbidden, "%s exists upstream: published here, it would take the place of that for everybody who installs from here. Choose another name; or let an admin publish its first version, or the operator claim it: CLAIMED_SCOPES=%s", what, claim).WithCode("exists_upstream")
	}
	return nil
}
