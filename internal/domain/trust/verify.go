package trust

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/scrub"
)

// Checker checks the policies, for a verification of the whole store. Nobody has signed them. But each is named by what it
// says, so that a row that says something else now is found.
func (s *Service) Checker() scrub.Checker { return checker{s} }

type checker struct{ *Service }

// Check implements scrub.Checker.
func (c checker) Check(ctx context.Context, r kv.Row, f *scrub.Finder) (known bool, err error) {
	switch {
	case r.Partition == policyPartition:
		return true, c.checkPolicy(ctx, r, f)
	case strings.HasPrefix(r.Partition, issuerPrefix):
		return true, c.checkIndex(ctx, r, f)
	}
	return strings.HasPrefix(r.Partition, usedPrefix), nil
}

func (c checker) checkPolicy(ctx context.Context, r kv.Row, f *scrub.Finder) error {
	f.Checked("policies")
	about := f.About("policy", r.Sort)
	var p Policy
	if json.Unmarshal(r.Value, &p) != nil {
		about.Unread(r.Key)
		return nil
	}
	if p.ID != r.Sort || !p.named() || p.check() != nil {
		about.Wrong(scrub.Row, "the policy says something else than it did when it was made: runs of %s, for %s of %s", p.Repository, p.Tier, strings.Join(p.Packages, ", "))
		return nil
	}
	for _, k := range p.indexKeys() {
		found, err := scrub.Has(ctx, c.db, k)
		if err != nil {
			return err
		}
		if !found {
			about.Absent(k)
		}
	}
	return nil
}

// named reports whether a policy has the id of what it says. The ids of the forge may have come later.
func (p Policy) named() bool {
	given := p
	given.RepositoryID, given.OwnerID = 0, 0
	return p.ID == p.newID() || p.ID == given.newID()
}

func (c checker) checkIndex(ctx context.Context, r kv.Row, f *scrub.Finder) error {
	id := r.Sort[strings.LastIndex(r.Sort, "/")+1:]
	about := f.About("policy", id)
	row, found, err := scrub.Get(ctx, c.db, policyKey(id))
	if err != nil {
		return err
	}
	var p Policy
	switch {
	case !found:
		about.Absent(policyKey(id))
	case json.Unmarshal(row.Value, &p) == nil && !slices.Contains(p.indexKeys(), r.Key):
		about.Wrong(scrub.Reference, "the row %s finds it for other runs than it is for", r.Key)
	}
	return nil
}
