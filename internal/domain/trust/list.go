package trust

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

func (s *Service) all(ctx context.Context) ([]Policy, error) {
	all := []Policy{}
	for r, err := range s.db.Scan(ctx, policyPartition, kv.Query{}) {
		if err != nil {
			return nil, err
		}
		var p Policy
		if err := json.Unmarshal(r.Value, &p); err != nil {
			return nil, fmt.Errorf("decoding row %s: %w", r.Key, err)
		}
		all = append(all, p)
	}
	slices.SortStableFunc(all, func(a, b Policy) int {
		if c := strings.Compare(strings.ToLower(a.Repository), strings.ToLower(b.Repository)); c != 0 {
			return c
		}
		return a.Created.Compare(b.Created)
	})
	return all, nil
}

// List returns the policies by repository: all for an admin, for others those that speak for them.
func (s *Service) List(ctx context.Context, who Principal) ([]Policy, error) {
	if who.User() == "" {
		return nil, who.MayManage()
	}
	all, err := s.all(ctx)
	if err != nil || who.IsAdmin() {
		return all, err
	}
	return slices.DeleteFunc(all, func(p Policy) bool { return p.User != who.User() }), nil
}

// For returns the policies that List returns, and those for releases of packages that are known to be who's own.
func (s *Service) For(ctx context.Context, who Principal, owned []string) ([]Policy, error) {
	if who.User() == "" {
		return nil, who.MayManage()
	}
	all, err := s.all(ctx)
	if err != nil || who.IsAdmin() {
		return all, err
	}
	return slices.DeleteFunc(all, func(p Policy) bool {
		return p.User != who.User() && (p.Tier != provenance.Release || len(uncovered([]Policy{p}, owned)) == len(owned))
	}), nil
}

// Of returns the policies for releases of a package, for who may publish it.
func (s *Service) Of(ctx context.Context, who Principal, name string) ([]Policy, error) {
	if err := s.opt.Packages.MayPublish(ctx, who, name); err != nil {
		return nil, err
	}
	all, err := s.all(ctx)
	return slices.DeleteFunc(all, func(p Policy) bool {
		return p.Tier != provenance.Release || len(uncovered([]Policy{p}, []string{name})) > 0
	}), err
}

// Remove ends a policy. Tokens that it has led to are good for their minutes. An admin may, its user, and who may publish
// the package that it is for alone.
func (s *Service) Remove(ctx context.Context, who Principal, id string) error {
	if err := who.MayManage(); err != nil {
		return err
	}
	return turns.Retry("the policy "+id, func() error {
		p, raw, found, err := kv.ReadJSON[Policy](ctx, s.db, safeKey(id))
		if err == nil && !found {
			err = fault.New(fault.NotFound, "there is no policy %.40q; registry-server trust list shows their ids, and npm trust list those of a package", id).WithCode("unknown_policy")
		}
		if err == nil {
			err = s.mayRemove(ctx, who, p)
		}
		if err != nil {
			return err
		}
		return s.drop(ctx, p, raw)
	})
}

func (s *Service) drop(ctx context.Context, p Policy, raw []byte) error {
	ops := []kv.Op{kv.Drop(raw, policyKey(p.ID))}
	for _, k := range p.indexKeys() {
		ops = append(ops, kv.Delete(k))
	}
	return s.db.Apply(ctx, ops...)
}

// safeKey is the key of an id that somebody has written.
func safeKey(id string) kv.Key {
	if id == "" || len(id) > 64 || strings.ContainsFunc(id, notPrintable) {
		id = "none"
	}
	return policyKey(id)
}

func (s *Service) mayRemove(ctx context.Context, who Principal, p Policy) error {
	switch {
	case p.FromFile:
		return fault.New(fault.Forbidden, "the policy %s stands in the file that the server was started with; take it out there (TRUST_FILE)", p.ID).WithCode("policy_of_file")
	case who.IsAdmin() || p.User == who.User():
		return nil
	case p.Tier == provenance.Release && len(p.Packages) == 1 && !strings.HasSuffix(p.Packages[0], "*") && s.opt.Packages.MayPublish(ctx, who, p.Packages[0]) == nil:
		return nil
	}
	return fault.New(fault.Forbidden, "the policy %s is not yours to remove: %s has made it, and only an admin may", p.ID, p.MadeBy).WithCode("not_owner")
}
