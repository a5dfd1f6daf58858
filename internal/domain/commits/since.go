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

// maxBases bounds the commits that are looked at for one to compare with.
const maxBases = 50

// Since says what the packages of a commit are compared with.
type Since struct {
	Repository string   // "owner/repo", in any case; "": the one that all of them have
	Bases      []string // commits, the best one first, which may be prefixes; the commit itself is passed over
	Branch     string   // stands in if none of Bases has packages of the repository, by the newest before the commit
}

// Comparison is a commit beside its base.
type Comparison struct {
	SHA     string
	Base    string   // "": there is nothing to compare with
	Branch  string   // the base is none of those asked for, but the newest of this branch
	Changes []Change // of the repository's packages, by name; without a base all are as if added
}

// CompareSince finds what a commit is best compared with, and tells what became of its packages since; sha may be a prefix.
// fault.NotFound if it has no packages of the repository.
func (s *Service) CompareSince(ctx context.Context, sha string, since Since) (Comparison, error) {
	if len(since.Bases) > maxBases {
		return Comparison{}, fault.New(fault.Invalid, "%d commits to compare with are too many: name at most %d", len(since.Bases), maxBases).WithCode("too_many_bases")
	}
	sha, c, err := s.resolve(ctx, sha)
	if err != nil {
		return Comparison{}, err
	}
	if since.Repository == "" {
		if since.Repository, err = c.repository(sha); err != nil {
			return Comparison{}, err
		}
	}
	after := c.of(since.Repository)
	if len(after) == 0 { // then forks may propose some
		after = Proposed(since.Repository, slices.Collect(maps.Values(c.packages)))
	}
	if len(after) == 0 {
		return Comparison{}, fault.New(fault.NotFound, "commit %s has no packages of %.200s", sha, since.Repository)
	}
	out := Comparison{SHA: sha}
	before, err := s.pickBase(ctx, &out, since)
	if err == nil && out.Base == "" && since.Branch != "" {
		before, err = s.pickBranch(ctx, &out, since, c.PublishedAt)
	}
	out.Changes = Compare(before, after)
	return out, err
}

// repository is the one that all packages of a commit have; "" if they have none.
func (c contents) repository(sha string) (string, error) {
	var all []string
	for _, p := range c.packages {
		if path := strings.ToLower(p.Repository.Base().Path); !slices.Contains(all, path) {
			all = append(all, path)
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	slices.Sort(all)
	return "", fault.New(fault.Invalid, "commit %s has packages of %d repositories (%s): say which by ?repository=", sha, len(all), listed(all)).WithCode("which_repository")
}

// of lists the packages of a repository.
func (c contents) of(repository string) []Package {
	return Of(repository, slices.Collect(maps.Values(c.packages)))
}

// pickBase takes the first commit of those asked for that has packages of the repository.
func (s *Service) pickBase(ctx context.Context, to *Comparison, since Since) ([]Package, error) {
	for _, base := range since.Bases {
		sha, c, err := s.resolve(ctx, base)
		if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Exists) {
			continue // it is not here, or its digits are those of several
		}
		if err != nil {
			return nil, err
		}
		if packages := c.of(since.Repository); sha != to.SHA && len(packages) > 0 {
			to.Base = sha
			return packages, nil
		}
	}
	return nil, nil
}

// pickBranch takes the newest commit of the branch that was published before a time, or before the commit itself.
func (s *Service) pickBranch(ctx context.Context, to *Comparison, since Since, published time.Time) ([]Package, error) {
	ref := Ref{Branch, since.Branch}
	if err := ref.check(since.Branch); err != nil {
		return nil, err
	}
	if !repoPath.MatchString(since.Repository) {
		return nil, nil
	}
	line, _, _, err := kv.ReadJSON[pointer](ctx, s.db, refKey(since.Repository, ref)) // of one that is gone: the zero pointer
	if err != nil {
		return nil, err
	}
	for _, candidate := range line.behind(to.SHA) {
		c, err := s.living(ctx, candidate)
		if errors.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if packages := c.of(since.Repository); len(packages) > 0 && !c.PublishedAt.After(published) {
			to.Base, to.Branch = candidate, since.Branch
			return packages, nil
		}
	}
	return nil, nil
}

// behind is what a ref points at and has pointed at, or if a commit is among these, what it pointed at before that.
func (p pointer) behind(sha string) []string {
	line := p.before("")
	if i := slices.Index(line, sha); i >= 0 {
		line = line[i+1:]
	}
	return line
}
