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

func (s *Service) fitsQuota(packages []Package) error { return s.within(used{}, sum(packages)) }

// within refuses what is more than a pull request may publish in a day.
func (s *Service) within(before, more used) error {
	if n := before.Bytes + more.Bytes; n > s.opt.Bytes {
		return differs(fault.New(fault.Forbidden, "a pull request of a fork may publish %d bytes a day, and these would be %d", s.opt.Bytes, n).WithCode("quota"), "size", s.opt.Bytes, n)
	}
	if n := before.Packages + more.Packages; n > s.opt.PerDay {
		return differs(fault.New(fault.Forbidden, "a pull request of a fork may publish %d packages a day, and these would be %d", s.opt.PerDay, n).WithCode("quota"), "packages", s.opt.PerDay, n)
	}
	return nil
}

// spend takes what was claimed from the quota of its pull request, and the row of the claim with it, if it has one: of two
// that spend it one wins.
func (s *Service) spend(ctx context.Context, path string, m manifest, take ...kv.Op) error {
	for range tries {
		now := s.now()
		key := quotaKey(now, path, m.Pull)
		u, raw, found, err := kv.ReadJSON[used](ctx, s.db, key)
		if err != nil {
			return err
		}
		more := sum(m.Packages)
		if err := s.within(u, more); err != nil {
			return err
		}
		row := kv.JSON(key, used{u.Bytes + more.Bytes, u.Packages + more.Packages})
		row.Expires = now.Add(48 * time.Hour)
		err = s.db.Apply(ctx, append(slices.Clip(take), kv.Upsert(raw, found, row))...)
		if conflict, ok := errors.AsType[*kv.ConflictError](err); ok && conflict.Key != key {
			return fault.New(fault.NotFound, "the claim has been proven already; make another").WithCode("unknown_claim")
		}
		if !errors.Is(err, kv.ErrConflict) {
			return err
		}
	}
	return fault.New(fault.Unavailable, "too many claims of one pull request at once; send the request again")
}
