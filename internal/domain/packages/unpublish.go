package packages

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/semver"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

const (
	unpublishAtOnce = 15        // versions in one batch; each has up to six rows
	releaseAfter    = time.Hour // the bytes stay so long, for downloads that have begun
)

// Unpublish removes versions and leaves tombstones; rev, if given, must be the package's revision
// (else fault.Exists, "stale_revision"). Versions that were unpublished before count as done. Many
// versions go in several batches; if one fails, those before it are done.
func (s *Service) Unpublish(ctx context.Context, who Principal, name, rev string, versions ...string) error {
	if len(versions) == 0 {
		return fault.New(fault.Invalid, "the request names no version of %.230q to unpublish", name)
	}
	var keys []string
	for _, v := range versions {
		key, err := canonical(v)
		if err != nil {
			return err
		}
		keys = append(keys, key)
	}
	return s.unpublish(ctx, who, name, rev, keys)
}

// UnpublishAll removes every version, if there are any. The name stays with its owners.
func (s *Service) UnpublishAll(ctx context.Context, who Principal, name, rev string) error {
	return s.unpublish(ctx, who, name, rev, nil)
}

// unpublish removes the versions named by keys, or all.
func (s *Service) unpublish(ctx context.Context, who Principal, name, rev string, keys []string) error {
	if err := mayGovern(who, "unpublish"); err != nil {
		return err
	}
	for more := true; more; {
		var doomed []string
		err := s.revise(ctx, name, func(p *pkg) ([]kv.Op, error) {
			more = false
			if err := s.mayChangeFound(ctx, who, *p); err != nil {
				return nil, err
			}
			if p.Versions == 0 && keys == nil {
				return nil, turns.ErrUnchanged // the same request again
			}
			if err := p.mustBe(rev); err != nil {
				return nil, err
			}
			rows, err := s.versions(ctx, name)
			if err != nil {
				return nil, err
			}
			if doomed = keys; keys == nil {
				doomed = keysOf(rows)
			}
			ops, rest, err := s.removals(ctx, who, p, rows, doomed)
			more = rest
			return ops, err
		})
		if err != nil {
			return err
		}
		keys, rev = doomed, "" // what follows is the same request's; what is published meanwhile stays
	}
	return nil
}

func keysOf(rows []versionRow) []string {
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = r.Version
	}
	return keys
}

// removals are the ops that remove the lowest of the versions, as many as fit in
// a batch. more reports whether others follow.
func (s *Service) removals(ctx context.Context, who Principal, p *pkg, rows []versionRow, keys []string) (ops []kv.Op, more bool, err error) {
	if err := s.mustHaveBeen(ctx, *p, rows, keys); err != nil {
		return nil, false, err
	}
	var doomed, kept []versionRow
	for _, r := range rows {
		switch {
		case !slices.Contains(keys, r.Version):
			kept = append(kept, r)
		case len(doomed) == unpublishAtOnce:
			kept, more = append(kept, r), true
			err = cmp.Or(err, s.mayUnpublish(who, p.name, r))
		default:
			doomed = append(doomed, r)
			err = cmp.Or(err, s.mayUnpublish(who, p.name, r))
		}
	}
	if err == nil && len(doomed) == 0 {
		err = turns.ErrUnchanged
	}
	if err != nil {
		return nil, false, err
	}
	ops, err = s.entomb(ctx, who, p, doomed, kept)
	return ops, more, err
}

// mustHaveBeen refuses a version that is not here and never was.
func (s *Service) mustHaveBeen(ctx context.Context, p pkg, rows []versionRow, keys []string) error {
	there := keysOf(rows)
	for _, key := range keys {
		if slices.Contains(there, key) {
			continue
		}
		_, err := s.db.Get(ctx, goneKey(p.name, key))
		if errors.Is(err, kv.ErrNotFound) {
			err = noVersion(p, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mayUnpublish holds owners to the time after a publish in which others can't rely on it yet.
func (s *Service) mayUnpublish(who Principal, name string, r versionRow) error {
	switch {
	case who.IsAdmin():
		return nil
	case s.opt.Unpublish < 0:
		return fault.New(fault.Forbidden, "%s@%s can't be unpublished: in this registry only an admin may. Deprecate it instead: npm deprecate %s@%s \"<message>\"", name, r.Version, name, r.Version).WithCode("unpublish_never")
	case s.now().Sub(r.PublishedAt) > s.opt.Unpublish:
		return fault.New(fault.Forbidden, "%s@%s can't be unpublished: it was published more than %s ago, and others may rely on it. Deprecate it instead: npm deprecate %s@%s \"<message>\", or ask an admin", name, r.Version, s.opt.Unpublish, name, r.Version).WithCode("unpublish_window")
	}
	return nil
}

// entomb removes versions from a package of which others are kept.
func (s *Service) entomb(ctx context.Context, who Principal, p *pkg, doomed, kept []versionRow) ([]kv.Op, error) {
	now := s.now()
	var ops []kv.Op
	for _, r := range doomed {
		release, err := s.life.Release(ctx, blobKey(r.Artifact), now.Add(releaseAfter))
		if err != nil {
			return nil, err
		}
		ops = append(ops, kv.Delete(versionKey(p.name, r.Version)),
			kv.Put(kv.JSON(goneKey(p.name, r.Version), tombstone{Integrity: r.Artifact.Integrity, When: now, By: who.User()})))
		if r.Predicate != "" {
			ops = append(ops, kv.Delete(provenanceKey(p.name, r.Version)))
		}
		ops = append(ops, release...)
		for _, tag := range p.tagsOf(r.Version) {
			delete(p.Tags, tag)
		}
	}
	ops = append(ops, readmesOnlyIn(p.name, doomed, kept)...)
	p.Versions = len(kept)
	p.touched(now)
	if len(kept) == 0 {
		return append(ops, kv.Delete(nameKey(p.name))), nil
	}
	if p.Tags[latest] != "" {
		return ops, nil
	}
	top := highest(kept)
	p.Tags[latest] = top.Version
	names, err := s.nameOps(*p, top)
	return append(ops, names...), err
}

// readmesOnlyIn deletes the texts that no version has which is kept.
func readmesOnlyIn(name string, doomed, kept []versionRow) []kv.Op {
	texts := map[string]bool{}
	for _, r := range doomed {
		texts[r.Readme] = true
	}
	for _, r := range kept {
		delete(texts, r.Readme)
	}
	delete(texts, "")
	var ops []kv.Op
	for _, id := range slices.Sorted(maps.Keys(texts)) {
		ops = append(ops, kv.Delete(readmeKey(name, id)))
	}
	return ops
}

// highest is the version that latest falls back to: the highest stable one,
// else the highest prerelease. rows is not empty.
func highest(rows []versionRow) versionRow {
	return slices.MaxFunc(rows, func(a, b versionRow) int {
		v, errV := semver.Parse(a.Version)
		w, errW := semver.Parse(b.Version)
		if errV != nil || errW != nil {
			return cmp.Compare(a.Version, b.Version) // no such rows are written
		}
		return cmp.Or(stable(v)-stable(w), semver.Compare(v, w))
	})
}

func stable(v semver.Version) int {
	if v.Prerelease == "" {
		return 1
	}
	return 0
}
