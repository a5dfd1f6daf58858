package commits

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// Publication is a set of packages built from one commit.
type Publication struct {
	SHA        string // as ParseSHA returns it
	Repository Repository
	Refs       []Ref
	Run        int64 // id of the CI run; orders the moves of refs. 0: always moves them
	Replace    bool  // let other bytes take the place of this repository's own
	Packages   []Source
}

// Result is what a publish led to.
type Result struct {
	Commit    Commit          // the packages of this publish only
	Unchanged map[string]bool // by name: the commit had these bytes already
}

const (
	maxRefs      = 20
	publishTries = 10
)

// Publish makes the packages of a commit visible, all together or none. It may
// be repeated: the same content gives the same answer.
func (s *Service) Publish(ctx context.Context, who Principal, p Publication) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, publishFor)
	defer cancel()
	if err := who.MayPublish(p.Repository.String()); err != nil {
		return Result{}, err
	}
	if err := s.validate(p); err != nil {
		return Result{}, err
	}
	id := newPublishID(s.now())
	packages, err := s.assemble(ctx, p)
	if err != nil {
		return Result{}, err
	}
	staged := map[string]bool{}
	for range publishTries {
		res, err := s.try(ctx, p, id, packages, staged)
		if !errors.Is(err, kv.ErrConflict) {
			return res, err
		}
	}
	return Result{}, fault.New(fault.Unavailable, "too many publishes of commit %s at once; send the request again", p.SHA)
}

func (s *Service) validate(p Publication) error {
	switch {
	case len(p.Packages) == 0:
		return fault.New(fault.Invalid, "the publish names no package").WithCode("no_packages")
	case len(p.Packages) > s.opt.MaxPackages:
		return s.tooMany(len(p.Packages))
	case len(p.Refs) > maxRefs:
		return fault.New(fault.Invalid, "%d refs are more than the %d that one publish may move", len(p.Refs), maxRefs)
	case len(p.Refs) > 0 && p.Repository.IsZero():
		return fault.New(fault.Invalid, "a ref belongs to a repository; name it in \"repository\"")
	}
	seen := map[string]bool{}
	var total int64
	for _, src := range p.Packages {
		if seen[src.Name] {
			return fault.New(fault.Invalid, "package %q is named twice", src.Name).WithCode("duplicate_package")
		}
		seen[src.Name] = true
		if err := src.validate(); err != nil {
			return err
		}
		total += src.size()
	}
	if total > s.opt.MaxPublish {
		return fault.New(fault.TooLarge, "the packages have %d bytes together, more than the %d that this server accepts in a publish (MAX_PUBLISH_SIZE)", total, s.opt.MaxPublish)
	}
	return nil
}

// try makes one attempt against the head as it is now. staged remembers which
// packages have their rows already.
func (s *Service) try(ctx context.Context, p Publication, id string, packages []Package, staged map[string]bool) (Result, error) {
	now := s.now()
	h, raw, found, err := get[head](ctx, s.db, headKey(p.SHA))
	if err != nil {
		return Result{}, err
	}
	next := head{Publishes: map[string]Repository{}, Packages: map[string]string{}, PublishedAt: now}
	if found && h.ExpiresAt.After(now) {
		next = head{Publishes: maps.Clone(h.Publishes), Packages: maps.Clone(h.Packages), PublishedAt: h.PublishedAt, ExpiresAt: h.ExpiresAt}
	}
	res, changed, err := s.merge(ctx, p, next, packages)
	if err != nil {
		return Result{}, err
	}
	for _, pkg := range changed {
		next.Publishes[id] = p.Repository
		next.Packages[pkg.Name] = id
	}
	next.drop()
	// A repeat soon after gives the same answer; one much later keeps the commit longer.
	if expires := now.Add(s.opt.Retention); expires.Sub(next.ExpiresAt) > min(24*time.Hour, s.opt.Retention/2) {
		next.ExpiresAt = expires
	}
	if err := s.stage(ctx, p.SHA, id, changed, staged); err != nil {
		return Result{}, err
	}
	ops, err := s.finish(ctx, p, next, now)
	if err != nil {
		return Result{}, err
	}
	if err := s.db.Apply(ctx, append(ops, upsert(raw, found, row(headKey(p.SHA), next)))...); err != nil {
		return Result{}, err
	}
	res.Commit.ExpiresAt = next.ExpiresAt
	for i := range res.Commit.Packages {
		res.Commit.Packages[i].ExpiresAt = next.ExpiresAt
	}
	return res, nil
}

// merge decides for each package whether it is there already, new, or refused.
func (s *Service) merge(ctx context.Context, p Publication, h head, packages []Package) (Result, []Package, error) {
	res := Result{Commit: Commit{SHA: p.SHA, PublishedAt: h.PublishedAt}, Unchanged: map[string]bool{}}
	var changed []Package
	for _, pkg := range packages {
		id, taken := h.Packages[pkg.Name]
		if taken && !h.repository(pkg.Name).Same(p.Repository) {
			return res, nil, fault.New(fault.Exists, "%s of commit %s is already published by another repository", pkg.Name, p.SHA).WithCode("other_repository")
		}
		if taken {
			old, _, _, err := get[Package](ctx, s.db, packageKey(p.SHA, id, pkg.Name))
			if err != nil {
				return res, nil, err
			}
			if old.Artifact.Sums == pkg.Artifact.Sums {
				res.Unchanged[pkg.Name] = true
				res.Commit.Packages = append(res.Commit.Packages, old)
				continue
			}
			if !p.Replace {
				return res, nil, fault.New(fault.Exists, "%s of commit %s is already published with other bytes; a commit's package never changes unless its repository says \"replace\"", pkg.Name, p.SHA).WithCode("already_published")
			}
		}
		changed = append(changed, pkg)
		res.Commit.Packages = append(res.Commit.Packages, pkg)
	}
	return res, changed, nil
}

// stage writes the rows of the packages under the publish's id, invisible yet.
func (s *Service) stage(ctx context.Context, sha, id string, packages []Package, staged map[string]bool) error {
	if len(packages) == 0 {
		return nil
	}
	// Should this publish die, the sweeper finds its rows here.
	ops := []kv.Op{kv.Put(dueCommit(s.now().Add(publishFor+time.Hour), sha))}
	for _, pkg := range packages {
		if staged[pkg.Name] {
			continue
		}
		staged[pkg.Name] = true
		add := []kv.Op{kv.Put(row(packageKey(sha, id, pkg.Name), pkg))}
		for _, part := range pkg.Artifact.parts() {
			add = append(add, kv.Put(kv.Row{Key: blobRefKey(blobKey(part), sha, id, pkg.Name)}))
		}
		if len(ops)+len(add) > kv.MaxBatch {
			if err := s.db.Apply(ctx, ops...); err != nil {
				return err
			}
			ops = nil
		}
		ops = append(ops, add...)
	}
	return s.db.Apply(ctx, ops...)
}

// finish returns what is written together with the head.
func (s *Service) finish(ctx context.Context, p Publication, h head, now time.Time) ([]kv.Op, error) {
	ops := []kv.Op{
		kv.Put(kv.Row{Key: prefixKey(p.SHA), Expires: h.ExpiresAt}),
		kv.Put(dueCommit(h.ExpiresAt.Add(time.Hour), p.SHA)),
	}
	if len(p.Refs) == 0 {
		return ops, nil
	}
	host, err := s.claimHost(ctx, p.Repository)
	if err != nil {
		return nil, err
	}
	ops = append(ops, host)
	refs := slices.Clone(p.Refs)
	slices.SortFunc(refs, func(a, b Ref) int { return strings.Compare(a.String(), b.String()) })
	for _, ref := range slices.Compact(refs) {
		old, raw, found, err := get[pointer](ctx, s.db, refKey(p.Repository.Path, ref))
		if err != nil {
			return nil, err
		}
		if found && p.Run != 0 && old.Run > p.Run {
			continue // an older run never takes a ref back
		}
		r := row(refKey(p.Repository.Path, ref), pointer{SHA: p.SHA, Repository: p.Repository, Run: p.Run, MovedAt: now})
		r.Expires = h.ExpiresAt
		ops = append(ops, upsert(raw, found, r))
	}
	return ops, nil
}

// claimHost binds an owner/repo to the forge that first published it, since
// install URLs name no host.
func (s *Service) claimHost(ctx context.Context, r Repository) (kv.Op, error) {
	host, raw, found, err := get[string](ctx, s.db, hostKey(r))
	if err != nil {
		return kv.Op{}, err
	}
	if found && host != r.Host {
		return kv.Op{}, fault.New(fault.Exists, "%s is here already as a repository of %s", r.Path, host).WithCode("other_host")
	}
	if found {
		return kv.Check(raw, hostKey(r)), nil
	}
	return kv.PutNew(row(hostKey(r), r.Host)), nil
}
