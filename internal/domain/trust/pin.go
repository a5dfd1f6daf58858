package trust

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

// identify asks the forge for the ids. If it can't tell they stay unknown until a run shows them.
func (s *Service) identify(ctx context.Context, p Policy) (repository, owner int64) {
	i, known := s.issuer(p.Issuer)
	if s.opt.Forge == nil || !known {
		return 0, 0
	}
	ctx, cancel := context.WithTimeout(ctx, identifyTime)
	defer cancel()
	repository, owner, err := s.opt.Forge.Identity(ctx, i.Forge, p.Repository)
	if err != nil || repository <= 0 || owner <= 0 {
		s.opt.Log.WarnContext(ctx, "the forge does not tell the ids of a repository; the first run that fits its policy will", "repository", p.Repository, "err", err)
		return 0, 0
	}
	return repository, owner
}

// concerning returns the policies that are for the run's repository or all of its owner, and those for such of its name.
func (s *Service) concerning(ctx context.Context, c Claims) ([]Policy, error) {
	ids := map[string]bool{}
	owner, _, _ := strings.Cut(c.Repository, "/")
	for _, prefix := range []string{byID(c.RepositoryID), byOwner(c.OwnerID), byName(c.Repository), byName(owner + everything)} {
		for r, err := range s.db.Scan(ctx, issuerPartition(c.Issuer.URL), kv.Query{Prefix: prefix, Limit: maxPolicies}) {
			if err != nil {
				return nil, err
			}
			ids[strings.TrimPrefix(r.Sort, prefix)] = true
		}
	}
	var all []Policy
	for id := range ids {
		p, _, found, err := kv.ReadJSON[Policy](ctx, s.db, policyKey(id))
		if err != nil {
			return nil, err
		}
		if found && p.Issuer == c.Issuer.URL {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b Policy) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// pin keeps the ids that a run has shown with the policies that had none. From then on no other repository of the name
// is trusted.
func (s *Service) pin(ctx context.Context, chosen []Policy, c Claims) error {
	for _, p := range chosen {
		if p.pinned() {
			continue
		}
		if err := s.pinOne(ctx, p.ID, c); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) pinOne(ctx context.Context, id string, c Claims) error {
	return turns.Retry("the policy "+id, func() error {
		p, raw, found, err := kv.ReadJSON[Policy](ctx, s.db, policyKey(id))
		if err == nil && !found {
			err = fault.New(fault.Forbidden, "the policy %s has just been removed", id).WithCode("not_trusted")
		}
		if err == nil && p.pinned() { // another run was first
			if d := p.differs(c); d != nil {
				err = refuse(fault.Forbidden, "not_trusted", d.field, d.expected, d.got)
			}
			return err
		}
		if err != nil {
			return err
		}
		p.RepositoryID, p.OwnerID, p.Pinned = c.RepositoryID, c.OwnerID, s.opt.Now().UTC().Truncate(time.Second)
		ops := []kv.Op{kv.Swap(raw, kv.JSON(policyKey(id), p))}
		for _, k := range p.indexKeys() {
			ops = append(ops, kv.Put(kv.Row{Key: k}))
		}
		return s.db.Apply(ctx, ops...)
	})
}
