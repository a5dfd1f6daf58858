package commits

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// maxCandidates bounds how many commits an ambiguous prefix lists.
const maxCandidates = 20

// resolveInAll finds the commit that a SHA or a prefix of one names, whose ever it is.
func (s *Service) resolveInAll(ctx context.Context, sha string) (string, error) {
	sha, _, err := s.resolve(ctx, sha)
	return sha, err
}

// resolve is resolveInAll that also returns what it has read of the commit.
func (s *Service) resolve(ctx context.Context, sha string) (string, contents, error) {
	sha, err := ParseSHA(sha)
	if err != nil {
		return "", contents{}, err
	}
	c, err := s.living(ctx, sha)
	if err == nil || isWhole(sha) || !errors.Is(err, fault.NotFound) {
		return sha, c, err
	}
	var found []string
	for r, err := range s.db.Scan(ctx, prefixKey(sha).Partition, kv.Query{Prefix: sha, Limit: maxCandidates}) {
		if err != nil {
			return "", contents{}, err
		}
		candidate, err := s.living(ctx, r.Sort)
		if errors.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return "", contents{}, err
		}
		found, c = append(found, r.Sort), candidate
	}
	switch len(found) {
	case 0:
		return "", contents{}, noCommit(sha)
	case 1:
		return found[0], c, nil
	}
	return "", contents{}, ambiguous(sha, found)
}

func noCommit(sha string) error {
	return fault.New(fault.NotFound, "No packages found for this commit: %s was not published here, or has expired", sha)
}

// living loads a commit; one that is absent or expired is fault.NotFound.
func (s *Service) living(ctx context.Context, sha string) (contents, error) {
	c, err := s.load(ctx, sha)
	if err == nil && (!c.found || !c.ExpiresAt.After(s.now())) {
		err = noCommit(sha)
	}
	return c, err
}

// Commit lists the packages of a commit by name; sha may be a prefix.
func (s *Service) Commit(ctx context.Context, sha string) (Commit, error) {
	sha, c, err := s.resolve(ctx, sha)
	if err != nil {
		return Commit{}, err
	}
	out := Commit{SHA: sha, PublishedAt: c.PublishedAt, ExpiresAt: c.ExpiresAt}
	for _, name := range slices.Sorted(maps.Keys(c.packages)) {
		out.Packages = append(out.Packages, c.packages[name])
	}
	return out, nil
}

// Package reads one package of a commit; sha may be a prefix.
func (s *Service) Package(ctx context.Context, sha, name string) (Package, error) {
	sha, c, err := s.resolve(ctx, sha)
	if err != nil {
		return Package{}, err
	}
	pkg, ok := c.packages[name]
	if !ok {
		return Package{}, fault.New(fault.NotFound, "Commit package not found: commit %s has %s, but not %q", sha, listed(slices.Sorted(maps.Keys(c.packages))), name)
	}
	return pkg, nil
}

func listed(names []string) string {
	const most = 10
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// Point resolves what stands behind "@" for a repository ("owner/repo"; any
// case). A commit that it finds need not be the repository's.
func (s *Service) Point(ctx context.Context, repository string, p Pointer) (string, error) {
	if len(p.Refs) == 0 {
		return s.resolveIn(ctx, repository, p.SHA)
	}
	if !repoPath.MatchString(repository) {
		return "", fault.New(fault.NotFound, "%.200q is not a repository", repository)
	}
	for _, ref := range p.Refs {
		to, _, found, err := kv.ReadJSON[pointer](ctx, s.db, refKey(repository, ref))
		if err == nil && !found && ref.Kind == PR { // then it may be a fork's
			to, _, found, err = kv.ReadJSON[pointer](ctx, s.db, refKey(repository+"/-/pr/"+ref.Name, ref))
		}
		if err != nil {
			return "", err
		}
		if found {
			return to.SHA, nil
		}
	}
	if p.SHA != "" {
		sha, err := s.resolveIn(ctx, repository, p.SHA)
		if !errors.Is(err, fault.NotFound) {
			return sha, err
		}
	}
	return "", fault.New(fault.NotFound, "%s has no package published under %s", repository, p.Refs[0])
}

// resolveIn is resolveInAll behind the name of a repository: what others publish under SHAs that begin alike does not make
// a prefix of its own commit ambiguous. One that it does not list is looked for among all.
func (s *Service) resolveIn(ctx context.Context, repository, sha string) (string, error) {
	sha, err := ParseSHA(sha)
	if err != nil {
		return "", err
	}
	if isWhole(sha) || !repoPath.MatchString(repository) {
		return s.resolveInAll(ctx, sha)
	}
	var found []string
	for r, err := range s.db.Scan(ctx, repoPartition(repository), kv.Query{Prefix: indexPrefix + sha, Limit: maxCandidates}) {
		if err != nil {
			return "", err
		}
		found = append(found, strings.TrimPrefix(r.Sort, indexPrefix))
	}
	switch len(found) {
	case 0:
		return s.resolveInAll(ctx, sha)
	case 1:
		return found[0], nil
	}
	return "", ambiguous(sha, found)
}

func ambiguous(sha string, candidates []string) error {
	return fault.New(fault.Exists, "%s is the beginning of %d commits; use more digits", sha, len(candidates)).
		WithCode("ambiguous_sha").With("candidates", candidates)
}

// OwnRef resolves a ref of a repository to a commit that it has published itself: Point without what forks propose.
func (s *Service) OwnRef(ctx context.Context, repository string, ref Ref) (string, error) {
	absent := fault.New(fault.NotFound, "%.200q has itself published no package under %s", repository, ref)
	if !repoPath.MatchString(repository) {
		return "", absent
	}
	to, _, found, err := kv.ReadJSON[pointer](ctx, s.db, refKey(repository, ref))
	if err == nil && !found {
		err = absent
	}
	return to.SHA, err
}

// inRepository reports whether a package was published by owner/repo.
func (p Package) inRepository(path string) bool { return strings.EqualFold(p.Repository.Path, path) }
