package trust

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/store/kv"
)

// NewPolicy asks for a policy.
type NewPolicy struct {
	Binding
	RepositoryID int64  // 0: as the forge tells
	OwnerID      int64  //
	User         string // whom its runs speak for; empty: who asks. Whether there is such a user is for the caller to know
}

const (
	maxPolicies  = 5000 // on a server
	maxOwn       = 200  // of a user who is no admin
	identifyTime = 5 * time.Second
)

// Add makes a policy; one that says the same is not made twice. Others than admins bind single packages that they may
// publish, for releases.
func (s *Service) Add(ctx context.Context, who Principal, n NewPolicy) (p Policy, err error) {
	if p, err = s.plan(ctx, who, n); err != nil {
		return Policy{}, err
	}
	return s.keep(ctx, ctx, who, p)
}

func (s *Service) plan(ctx context.Context, who Principal, n NewPolicy) (Policy, error) {
	if err := who.MayManage(); err != nil {
		return Policy{}, err
	}
	b, err := n.complete(s.opt.Issuers)
	if err != nil {
		return Policy{}, err
	}
	p := Policy{
		Binding: b, RepositoryID: n.RepositoryID, OwnerID: n.OwnerID, User: n.User, Granted: who.IsAdmin(),
		MadeBy: who.User(), Created: s.opt.Now().UTC().Truncate(time.Second),
	}
	if p.User == "" {
		p.User = who.User()
	}
	if err := p.checkIDs(); err != nil {
		return Policy{}, err
	}
	if !p.Granted {
		if err := s.mayBind(ctx, who, p); err != nil {
			return Policy{}, err
		}
	}
	return p, nil
}

// checkIDs refuses half of what makes a policy known by numbers. All of an owner is never left to the first run that
// fits: it would be of any repository that somebody has made.
func (p Policy) checkIDs() error {
	switch {
	case p.RepositoryID < 0 || p.OwnerID < 0:
		return invalid("ids are numbers above 0")
	case p.ofOwner() && (p.OwnerID == 0 || p.RepositoryID != 0):
		owner := strings.TrimSuffix(p.Repository, everything)
		return invalid("a policy for all repositories of %s has its number, and that of no repository: give --owner-id (ownerId in a file); gh api users/%[1]s --jq .id tells it", owner)
	case !p.ofOwner() && (p.RepositoryID == 0) != (p.OwnerID == 0):
		return invalid("a policy has the ids of both the repository and its owner, or none: then they are asked for")
	}
	return nil
}

// mayBind refuses what only admins may.
func (s *Service) mayBind(ctx context.Context, who Principal, p Policy) error {
	if _, ok := s.issuer(p.Issuer); !ok || p.User != who.User() || p.Tier != provenance.Release {
		return fault.New(fault.Forbidden, "only an admin may bind previews, for other users, or to issuers that the server does not know; bind a package that you own: npm trust github").WithCode("admin_only")
	}
	for _, name := range p.Packages {
		if strings.HasSuffix(name, "*") || strings.Contains(name, ":") {
			return fault.New(fault.Forbidden, "only an admin may bind %.230q; name single packages of npm", name).WithCode("admin_only")
		}
		if err := s.opt.Packages.MayPublish(ctx, who, name); err != nil {
			return err
		}
	}
	return nil
}

// keep stores a policy, unless it is there. asking ends when the forge is not to be asked any more.
func (s *Service) keep(ctx, asking context.Context, who Principal, p Policy) (Policy, error) {
	all, err := s.all(ctx)
	if err != nil {
		return Policy{}, err
	}
	p.ID = p.newID() // before the ids are known: the same policy again is the same
	own := 0
	for _, old := range all {
		if old.ID == p.ID {
			return old, nil
		}
		if old.MadeBy == p.MadeBy {
			own++
		}
	}
	if len(all) >= maxPolicies || !who.IsAdmin() && own >= maxOwn {
		return Policy{}, fault.New(fault.Forbidden, "there are %d policies, and no more are kept; remove some, or name more packages in one", len(all)).WithCode("too_many_policies")
	}
	if !p.pinned() {
		p.RepositoryID, p.OwnerID = s.identify(asking, p)
	}
	ops := []kv.Op{kv.PutNew(kv.JSON(policyKey(p.ID), p))}
	for _, k := range p.indexKeys() {
		ops = append(ops, kv.Put(kv.Row{Key: k}))
	}
	if err := s.db.Apply(ctx, ops...); err != nil && !errors.Is(err, kv.ErrConflict) { // another has just made it
		return Policy{}, err
	}
	return p, nil
}
