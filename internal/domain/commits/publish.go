package commits

import (
	"context"
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
	Keep       bool  // leave what the commit has with other bytes as it is, in place of refusing
	Packages   []Source
}

// Result is what a publish led to.
type Result struct {
	Commit    Commit          // the packages of this publish only
	Unchanged map[string]bool // by name: the commit had these bytes already
	Kept      map[string]bool // by name: the commit had other bytes, which stay
}

const (
	maxRefs      = 20
	maxPublishes = 64               // of one commit, before they are gathered into one
	publishFor   = 30 * time.Minute // a publish takes less, or fails
)

// Publish makes the packages of a commit visible, all together or none. It may
// be repeated: the same content gives the same answer.
func (s *Service) Publish(ctx context.Context, who Principal, p Publication) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, publishFor)
	defer cancel()
	begun := s.now()
	if p.Repository = placed(who, p.Repository); isFork(who) {
		p.Replace = false // what reviewers have looked at stays
	}
	if err := s.admit(ctx, who, p.Repository); err != nil {
		return Result{}, err
	}
	if err := s.validate(p); err != nil {
		return Result{}, err
	}
	if err := who.MayPublishCommit(p.SHA, refNames(p.Refs)); err != nil {
		return Result{}, err
	}
	for _, src := range p.Packages {
		if err := who.MayWrite(src.Name); err != nil {
			return Result{}, err
		}
	}
	packages, err := s.assemble(ctx, who, p)
	if err != nil {
		return Result{}, err
	}
	var res Result
	err = s.turns.Write(ctx, []string{p.SHA}, func() (err error) {
		res, err = s.try(ctx, who, begun, p, packages)
		return err
	})
	if err == nil {
		err = s.endWithPulls(ctx, p, &res.Commit)
	}
	return res, err
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
		return s.tooLarge(total)
	}
	return nil
}

// try makes one attempt against the commit as it is now.
func (s *Service) try(ctx context.Context, who Principal, begun time.Time, p Publication, packages []Package) (Result, error) {
	now := s.now()
	old, err := s.load(ctx, p.SHA)
	if err != nil {
		return Result{}, err
	}
	next := contents{packages: map[string]Package{}, owner: map[string]string{}}
	next.PublishedAt = now
	if old.found && old.ExpiresAt.After(now) {
		next.head, next.packages, next.owner = old.head, maps.Clone(old.packages), maps.Clone(old.owner)
	}
	res, changed, err := merge(who, p, next, packages)
	if err != nil {
		return Result{}, err
	}
	// A repeat soon after gives the same answer; one much later keeps the commit longer.
	if expires := now.Add(s.opt.Retention); expires.Sub(next.ExpiresAt) > min(24*time.Hour, s.opt.Retention/2) {
		next.ExpiresAt = expires
	}
	if err := s.stage(ctx, p, &next, changed); err != nil {
		return Result{}, err
	}
	if err := s.life.KeepAll(ctx, blobsOf(next.packages), next.ExpiresAt); err != nil {
		return Result{}, err
	}
	ops, err := s.finish(ctx, who, p, next, len(changed) > 0)
	if err != nil {
		return Result{}, err
	}
	// ctx's time stands still while the machine sleeps; the sweeper's does not.
	if s.now().Sub(begun) > publishFor {
		return Result{}, fault.New(fault.Unavailable, "the publish of commit %s took more than %s; send the request again", p.SHA, publishFor)
	}
	if err := s.db.Apply(ctx, append(ops, kv.Upsert(old.raw, old.found, kv.JSON(headKey(p.SHA), next.head)))...); err != nil {
		return Result{}, err
	}
	res.Commit = Commit{SHA: p.SHA, PublishedAt: next.PublishedAt, ExpiresAt: next.ExpiresAt}
	for _, pkg := range packages {
		pkg = next.packages[pkg.Name]
		pkg.ExpiresAt = next.ExpiresAt
		res.Commit.Packages = append(res.Commit.Packages, pkg)
	}
	return res, nil
}

// merge decides for each package whether it is there already, new, or refused.
func merge(who Principal, p Publication, c contents, packages []Package) (res Result, changed []Package, err error) {
	res.Unchanged, res.Kept = map[string]bool{}, map[string]bool{}
	for _, pkg := range packages {
		old, taken := c.packages[pkg.Name]
		switch {
		case taken && overrules(p.Repository, old): // a fork's: the repository's own takes its place
		case taken && !old.Repository.Same(p.Repository) && p.Repository.Pull() != 0 && old.Repository.Base().Same(p.Repository.Base()) && old.Artifact.Sums == pkg.Artifact.Sums:
			res.Unchanged[pkg.Name] = true // the repository itself, or another pull request, has published the same
			continue
		case taken && adopts(who, p, old, pkg): // it was of no repository
		case taken && old.Repository.IsZero() && !p.Repository.IsZero():
			return res, nil, fault.New(fault.Exists, "%s of commit %s is already published, for no repository; who published it may say whose it is, with the same bytes or with \"replace\"", pkg.Name, p.SHA).WithCode("other_repository")
		case taken && !old.Repository.Same(p.Repository):
			return res, nil, fault.New(fault.Exists, "%s of commit %s is already published by another repository", pkg.Name, p.SHA).WithCode("other_repository")
		case taken && old.Artifact.Sums == pkg.Artifact.Sums:
			res.Unchanged[pkg.Name] = true
			continue
		case taken && !p.Replace && p.Keep:
			res.Kept[pkg.Name] = true
			continue
		case taken && !p.Replace:
			return res, nil, fault.New(fault.Exists, "%s of commit %s is already published with other bytes; a commit's package never changes unless its repository says \"replace\"", pkg.Name, p.SHA).WithCode("already_published")
		case taken && !mayReplace(who, old):
			return res, nil, fault.New(fault.Forbidden, "%s of commit %s was published by another user, and for no repository, so only an admin or that user may replace it", pkg.Name, p.SHA).WithCode("not_publisher")
		}
		changed = append(changed, pkg)
	}
	return res, changed, nil
}

// mayReplace reports whether other bytes may take the place of a package. Of a
// repository's, the claim of the repository decides.
func mayReplace(who Principal, old Package) bool {
	return !old.Repository.IsZero() || who.IsAdmin() || old.Publisher != "" && old.Publisher == who.User()
}

// adopts reports whether who has published a package for no repository says now whose it is.
func adopts(who Principal, p Publication, old, pkg Package) bool {
	return old.Repository.IsZero() && !p.Repository.IsZero() && mayReplace(who, old) && (p.Replace || old.Artifact.Sums == pkg.Artifact.Sums)
}

// stage writes the rows of the packages under an id of their own, invisible
// yet, and adds them to next.
func (s *Service) stage(ctx context.Context, p Publication, next *contents, packages []Package) error {
	if len(packages) == 0 {
		return nil
	}
	if len(next.Publishes) >= maxPublishes {
		packages = next.gather(p.Repository, packages)
	}
	id := newPublishID(s.now())
	rows, err := encode(p.SHA, id, packages)
	if err != nil {
		return err
	}
	for _, r := range rows {
		// Should this publish die, the sweeper finds its rows here.
		due := s.due(s.now().Add(publishFor+time.Hour), p.SHA)
		if err := s.db.Apply(ctx, due, kv.Put(r)); err != nil {
			return err
		}
	}
	for _, pkg := range packages {
		next.packages[pkg.Name], next.owner[pkg.Name] = pkg, id
	}
	all := append(slices.Clone(next.Publishes), publish{ID: id, Rows: len(rows), Repository: p.Repository})
	used := slices.Collect(maps.Values(next.owner))
	next.Publishes = slices.DeleteFunc(all, func(x publish) bool { return !slices.Contains(used, x.ID) })
	return nil
}

// gather adds to packages the others of their repository, by name, so that one
// publish holds them all: a client that sends each by itself must not make the
// head grow for ever.
func (c contents) gather(r Repository, packages []Package) []Package {
	mine := maps.Clone(c.packages)
	maps.DeleteFunc(mine, func(_ string, pkg Package) bool { return !pkg.Repository.Same(r) })
	for _, pkg := range packages {
		mine[pkg.Name] = pkg
	}
	return slices.SortedFunc(maps.Values(mine), func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
}

// finish returns what is written together with the head.
func (s *Service) finish(ctx context.Context, who Principal, p Publication, next contents, changed bool) ([]kv.Op, error) {
	ops := []kv.Op{
		kv.Put(kv.Row{Key: prefixKey(p.SHA), Expires: next.ExpiresAt}),
		s.due(next.ExpiresAt.Add(time.Hour), p.SHA),
	}
	if p.Repository.IsZero() {
		return ops, nil
	}
	if len(p.pulls()) > 0 {
		ops = append(ops, s.due(next.ExpiresAt.Add(-s.renewBefore()), p.SHA))
	}
	index, err := s.index(ctx, who, p, next, changed)
	if err != nil {
		return nil, err
	}
	until := next.ExpiresAt
	for _, op := range index { // of the claim, which lives as long as anything of the repository
		if op.Row.Key == hostKey(p.Repository) {
			until = op.Row.Expires
		}
	}
	if p.Repository.Pull() != 0 { // lists and searches show what repositories publish themselves
		return append(ops, index...), nil
	}
	return slices.Concat(ops, index, s.summarize(who, p, next, until)), nil
}
