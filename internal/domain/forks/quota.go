package forks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

// count counts a claim, and refuses it if there are too many: whoever makes them, the forge answers a few thousand
// questions an hour.
func (s *Service) count(ctx context.Context, path string, c Claim) error {
	now := s.now()
	path = strings.ToLower(path)
	ops := []kv.Op{}
	for _, r := range []struct {
		kind, of string
		most     int
	}{
		{"address", addressOf(c.Addr), perAddress}, {"pull", fmt.Sprintf("%s/%d", path, c.Pull), perPull}, {"repository", path, perRepository},
	} {
		key := rateKey(now, r.kind, r.of)
		n, err := s.counter(ctx, key)
		if err != nil {
			return err
		}
		if n >= r.most {
			e := fault.New(fault.Unavailable, "%d claims in an hour are all that this server takes for one %s", r.most, r.kind).WithCode("rate_limited")
			e.Wait = now.Truncate(time.Hour).Add(time.Hour).Sub(now)
			return e
		}
		ops = append(ops, kv.AddUntil(key, 1, now.Add(2*time.Hour)))
	}
	return s.db.Apply(ctx, ops...)
}

// countProof counts how often a claim is to be proven, since each time the forge is asked, and refuses what is no waiting for an
// artifact any more.
func (s *Service) countProof(ctx context.Context, id string) error {
	key := proofsKey(id)
	n, err := s.counter(ctx, key)
	if err != nil {
		return err
	}
	if n >= perClaim {
		return fault.New(fault.NotFound, "the claim was asked for %d times, and its artifact was not there; make another", n).WithCode("unknown_claim")
	}
	return s.db.Apply(ctx, kv.AddUntil(key, 1, s.now().Add(2*claimLife)))
}

func (s *Service) counter(ctx context.Context, k kv.Key) (int, error) {
	r, err := s.db.Get(ctx, k)
	if errors.Is(err, kv.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(r.Value))
}

// used is the row of a quota.
type used struct {
	Bytes    int64 `json:"bytes"`
	Packages int   `json:"packages"`
}

func sum(packages []Package) (u used) {
	for _, p := range packages {
		u.Packages++
		u.Bytes += min(p.Size, 1<<50) // as many as there may be do not overflow
	}
	return u
}

// pullsPerDay is how many times what one pull request may publish in a day all of a repository may: bytes stay for long.
const pullsPerDay = 10

// quota is what one pull request may publish in a day, or all of a repository.
type quota struct {
	of  string
	max used
	key kv.Key
}

func (s *Service) quotas(now time.Time, path string, pull int) []quota {
	one := used{s.opt.Bytes, s.opt.PerDay}
	return []quota{
		{"a pull request of a fork", one, quotaKey(now, path, pull)},
		{"all pull requests of forks of a repository", used{pullsPerDay * one.Bytes, pullsPerDay * one.Packages}, quotaKey(now, path, allPulls)},
	}
}

// within refuses what is more than a quota.
func (q quota) within(before, more used) error {
	if n := before.Bytes + more.Bytes; n > q.max.Bytes {
		return differs(fault.New(fault.Forbidden, "%s may publish %d bytes a day, and these would be %d", q.of, q.max.Bytes, n).WithCode("quota"), "size", q.max.Bytes, n)
	}
	if n := before.Packages + more.Packages; n > q.max.Packages {
		return differs(fault.New(fault.Forbidden, "%s may publish %d packages a day, and these would be %d", q.of, q.max.Packages, n).WithCode("quota"), "packages", q.max.Packages, n)
	}
	return nil
}

// spend takes what was claimed from the quotas of its pull request and repository, and the row of the claim with it, if it
// has one: of two that spend it one wins.
func (s *Service) spend(ctx context.Context, path string, m manifest, take ...kv.Op) error {
	more := sum(m.Packages)
	return turns.Retry(fmt.Sprintf("pull request #%d of %s", m.Pull, path), func() error {
		now := s.now()
		ops := slices.Clip(take)
		quotas := s.quotas(now, path, m.Pull)
		for _, q := range quotas {
			u, raw, found, err := kv.ReadJSON[used](ctx, s.db, q.key)
			if err == nil {
				err = q.within(u, more)
			}
			if err != nil {
				return err
			}
			row := kv.JSON(q.key, used{u.Bytes + more.Bytes, u.Packages + more.Packages})
			row.Expires = now.Add(48 * time.Hour)
			ops = append(ops, kv.Upsert(raw, found, row))
		}
		err := s.db.Apply(ctx, ops...)
		conflict, ok := errors.AsType[*kv.ConflictError](err)
		if ok && !slices.ContainsFunc(quotas, func(q quota) bool { return q.key == conflict.Key }) {
			return fault.New(fault.NotFound, "the claim has been proven already; make another").WithCode("unknown_claim")
		}
		return err
	})
}
