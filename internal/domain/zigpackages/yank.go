package zigpackages

import (
	"context"
	"strings"

	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

// Yank takes a version out of what is offered, or puts it back. It can always be fetched. The reason, of at most
// 500 characters, is kept while the version is yanked; yanking it again may give it another.
func (s *Service) Yank(ctx context.Context, who Principal, name, version string, yanked bool, reason string) (Version, error) {
	reason = strings.TrimSpace(reason)
	if err := validText("reason", reason, maxReason); err != nil {
		return Version{}, err
	}
	if !yanked {
		reason = ""
	}
	var out Version
	err := s.change(ctx, who, name, func(p *pkg) ([]kv.Op, error) {
		if err := p.mayChange(who); err != nil {
			return nil, err
		}
		v, err := s.readVersion(ctx, *p, version)
		if err != nil {
			return nil, err
		}
		if v.Yanked == yanked && v.YankReason == reason {
			out = v
			return nil, turns.ErrUnchanged
		}
		v.Yanked, v.YankReason = yanked, reason
		out = v
		return s.yankOps(ctx, p, v)
	})
	return out, err
}

// yankOps writes a version that was or will be yanked, and which version is the latest then.
func (s *Service) yankOps(ctx context.Context, p *pkg, v Version) ([]kv.Op, error) {
	all, err := s.versions(ctx, *p)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Version == v.Version {
			all[i] = v
		}
	}
	p.touched(s.now())
	return []kv.Op{kv.Put(kv.JSON(versionKey(p.key, v.Version), v)), p.offer(latestOf(all))}, nil
}
