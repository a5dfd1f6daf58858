package commits

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// maxEarlier bounds the commits that a ref remembers.
const maxEarlier = 30

// before is what a ref has pointed at before it points at sha. Of the zero pointer it is nothing.
func (p pointer) before(sha string) []string {
	var all []string
	if p.SHA != "" {
		all = append(all, p.SHA)
	}
	all = slices.DeleteFunc(append(all, p.Earlier...), func(old string) bool { return old == sha })
	return all[:min(len(all), maxEarlier)]
}

// Listed is a commit in a list of its repository's.
type Listed struct {
	SHA         string
	Repository  Repository // as its publish wrote it
	PublishedAt time.Time
	ExpiresAt   time.Time
	Packages    []string // those of the repository, by name
}

// Placed is a ref and the commit it points at.
type Placed struct {
	Ref
	SHA       string
	MovedAt   time.Time
	ExpiresAt time.Time
}

// History is what a ref points at, and what it pointed at before.
type History struct {
	Placed
	Current Listed
	Earlier []Listed // the newest first; those that are still here
}

// History reads a ref of a repository ("owner/repo"; any case); fault.NotFound if it points at no commit that is here.
func (s *Service) History(ctx context.Context, repository string, ref Ref) (History, error) {
	absent := fault.New(fault.NotFound, "%.200q has no packages of %.300s here: none were published for it, or all have expired", repository, ref)
	if !repoPath.MatchString(repository) {
		return History{}, absent
	}
	row, err := s.db.Get(ctx, refKey(repository, ref))
	if place := repository + "/-/pr/" + ref.Name; errors.Is(err, kv.ErrNotFound) && ref.Kind == PR && repoPath.MatchString(place) { // then it may be a fork's
		repository = place
		row, err = s.db.Get(ctx, refKey(repository, ref))
	}
	if errors.Is(err, kv.ErrNotFound) {
		return History{}, absent
	}
	if err != nil {
		return History{}, err
	}
	to, err := readPointer(row)
	if err != nil {
		return History{}, err
	}
	all, err := s.readListed(ctx, repository, append([]string{to.SHA}, to.Earlier...))
	if err != nil {
		return History{}, err
	}
	if len(all) == 0 || all[0].SHA != to.SHA {
		return History{}, absent
	}
	return History{Placed{ref, to.SHA, to.MovedAt, row.Expires}, all[0], all[1:]}, nil
}

// readListed reads commits of a repository at the same time, in the order given; those that are not here are left out.
func (s *Service) readListed(ctx context.Context, repository string, shas []string) ([]Listed, error) {
	all := make([]Listed, len(shas))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	for i, sha := range shas {
		g.Go(func() error {
			c, _, err := s.fetch(ctx, sha)
			if err == nil && c.found && c.ExpiresAt.After(s.now()) {
				all[i] = c.listedFor(sha, repository)
			}
			return err
		})
	}
	err := g.Wait()
	return slices.DeleteFunc(all, func(c Listed) bool { return len(c.Packages) == 0 }), err
}

func (c contents) listedFor(sha, repository string) Listed {
	out := Listed{SHA: sha, PublishedAt: c.PublishedAt, ExpiresAt: c.ExpiresAt}
	for _, name := range slices.Sorted(maps.Keys(c.packages)) {
		if p := c.packages[name]; p.inRepository(repository) {
			out.Repository, out.Packages = p.Repository, append(out.Packages, name)
		}
	}
	return out
}

// Base is the commit that another is best compared with: the one before it in the default branch, or where it is none of
// these, what the default branch points at; without any branch, the one before it in a ref that points at it. "" if there is none here.
func (s *Service) Base(ctx context.Context, repository, sha string) (string, error) {
	v, err := s.look(ctx, repository)
	if err != nil {
		return "", err
	}
	of, ok := v.defaultBranch()
	if !ok {
		i := slices.IndexFunc(v.refs, func(r placedRef) bool { return r.SHA == sha })
		if i < 0 {
			return "", nil
		}
		of = v.refs[i].Ref
	}
	to, _, _, err := kv.ReadJSON[pointer](ctx, s.db, refKey(repository, of)) // of one that is gone: the zero pointer
	if err != nil {
		return "", err
	}
	for _, candidate := range to.behind(sha) {
		found, err := s.readListed(ctx, repository, []string{candidate})
		if err != nil || len(found) > 0 {
			return candidate, err
		}
	}
	return "", nil
}

// defaultBranch is main, else master, else the branch that moved last: forges tell nobody which it is.
func (v *view) defaultBranch() (ref Ref, ok bool) {
	var last time.Time
	for _, r := range v.refs {
		at := r.MovedAt
		switch {
		case r.Kind != Branch:
			continue
		case r.Name == "main":
			return r.Ref, true
		case r.Name == "master":
			at = time.Unix(1<<40, 0)
		}
		if !ok || at.After(last) {
			ref, last, ok = r.Ref, at, true
		}
	}
	return ref, ok
}

// Of returns the packages that owner/repo published.
func Of(repository string, packages []Package) []Package {
	return slices.DeleteFunc(slices.Clone(packages), func(p Package) bool { return !p.inRepository(repository) })
}

// RefsAt lists the refs of a repository that point at a commit.
func (s *Service) RefsAt(ctx context.Context, repository, sha string) ([]Ref, error) {
	v, err := s.look(ctx, repository)
	if err != nil {
		return nil, err
	}
	var refs []Ref
	for _, r := range v.refs {
		if r.SHA == sha {
			refs = append(refs, r.Ref)
		}
	}
	slices.SortFunc(refs, func(a, b Ref) int { return strings.Compare(a.String(), b.String()) })
	return refs, nil
}
