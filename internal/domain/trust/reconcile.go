package trust

import (
	"context"
	"time"

	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

// reconcileTime bounds how long a server asks for ids before it starts; what it doesn't learn a first run tells.
const reconcileTime = 10 * time.Second

// Reconcile makes the policies of a file what is kept of such: new ones are added, and those that it no longer has are
// removed. Others stay. who is the operator.
func (s *Service) Reconcile(ctx context.Context, who Principal, file []NewPolicy) error {
	wanted := map[string]bool{}
	var plans []Policy
	for _, n := range file {
		p, err := s.plan(ctx, who, n)
		if err != nil {
			return err
		}
		p.FromFile = true
		wanted[p.newID()] = true
		plans = append(plans, p)
	}
	all, err := s.all(ctx)
	if err != nil {
		return err
	}
	for _, p := range all {
		if !p.FromFile || wanted[p.ID] {
			continue
		}
		if err := s.dropStale(ctx, p.ID); err != nil {
			return err
		}
	}
	asking, cancel := context.WithTimeout(ctx, reconcileTime)
	defer cancel()
	for _, p := range plans {
		if _, err := s.keep(ctx, asking, who, p); err != nil {
			return err
		}
	}
	return nil
}

// dropStale removes a policy that the file has no more; a run may be pinning it.
func (s *Service) dropStale(ctx context.Context, id string) error {
	return turns.Retry("the policy "+id, func() error {
		p, raw, found, err := kv.ReadJSON[Policy](ctx, s.db, policyKey(id))
		if err != nil || !found {
			return err
		}
		return s.drop(ctx, p, raw)
	})
}
