package commits

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

// What a fork publishes has a place of its own, below the repository that its pull request is for: it is kept as that of
// a repository owner/repo/-/pr/7. So its refs, its previews and its preview registry are others than the repository's,
// by construction. No forge has a repository of such a path.
var placePath = regexp.MustCompile(`^(.+)/-/pr/([1-9][0-9]{0,9})$`)

// PlaceOf is the path at which forks publish what they propose by a pull request of owner/repo.
func PlaceOf(path string, pull int) string { return fmt.Sprintf("%s/-/pr/%d", path, pull) }

// Pull is the number of the pull request whose place this is; 0 for a repository itself.
func (r Repository) Pull() int {
	m := placePath.FindStringSubmatch(r.Path)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[2])
	if err != nil {
		return 0
	}
	return n
}

// Base is the repository whose place this is, and a repository itself otherwise.
func (r Repository) Base() Repository {
	if m := placePath.FindStringSubmatch(r.Path); m != nil {
		r.Path = m[1]
	}
	return r
}

// BelongsTo reports whether a package was published by owner/repo, or by a fork for a pull request of it.
func (p Package) BelongsTo(path string) bool {
	return strings.EqualFold(p.Repository.Base().Path, path)
}

// Proposed returns the packages that forks have published for pull requests of owner/repo.
func Proposed(repository string, packages []Package) []Package {
	return slices.DeleteFunc(slices.Clone(packages), func(p Package) bool { return !p.FromFork() || !p.BelongsTo(repository) })
}

// FromFork reports whether a fork published the package, so that nobody of its repository has looked at it.
func (p Package) FromFork() bool { return p.Repository.Pull() != 0 }

// InstallScripts names what clients run when they install the package: its scripts, and node-gyp for a binding.gyp.
func (p Package) InstallScripts() []string {
	scripts := slices.Clone(p.Artifact.Scripts)
	if p.Artifact.Gyp {
		scripts = append(scripts, "binding.gyp")
	}
	return scripts
}

// isFork reports whether a principal is the run of a fork.
func isFork(who interface{ Proof() *provenance.Proof }) bool {
	proof := who.Proof()
	return proof != nil && proof.Tier == provenance.Fork
}

// placed is the repository that a principal publishes for when it names one: the run of a fork its place, whatever it says.
func placed(who Principal, r Repository) Repository {
	if proof := who.Proof(); isFork(who) && strings.EqualFold(r.Path, proof.Repository) {
		r.Path = PlaceOf(r.Path, proof.Pull)
	}
	return r
}

// mayPlace refuses a place to all but the runs of forks that it is for, and everything else to these.
func mayPlace(who Principal, r Repository) error {
	proof, fork := who.Proof(), isFork(who)
	switch {
	case !fork && !slices.Contains(strings.Split(r.Path, "/"), "-"):
		return nil
	case fork && r.Pull() != 0 && r.Pull() == proof.Pull && strings.EqualFold(r.Base().Path, proof.Repository):
		return nil
	case fork:
		return fault.New(fault.Forbidden, "this token is of a fork, whose pull request #%d is one of %s; it can't publish for %.200q", proof.Pull, proof.Repository, r).WithCode("repository_not_covered")
	}
	return fault.New(fault.Forbidden, "%.200q is where forks publish, and only their runs may", r).WithCode("repository_not_covered")
}

// overrules reports whether what a repository publishes takes the place of a package that is here: it was a fork's.
func overrules(by Repository, old Package) bool {
	return old.FromFork() && old.Repository.Base().Same(by)
}

// RepositoryNames lists the packages that a repository (owner/repo; any case) itself has published here; fault.NotFound if nothing of it ever was.
func (s *Service) RepositoryNames(ctx context.Context, repository string) ([]string, error) {
	v, err := s.look(ctx, repository)
	if err != nil {
		return nil, err
	}
	var names []string
	seen := map[string]bool{} // most commits have the same
	for _, c := range v.commits {
		if !seen[string(c.packed)] {
			seen[string(c.packed)] = true
			names = append(names, c.names...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// ClosePull has the previews of a pull request end at a time, if that is sooner than they would: those of a fork, and of
// the repository's own those that no branch or tag has had.
func (s *Service) ClosePull(ctx context.Context, repository string, pull int, until time.Time) error {
	return s.eachOfPull(ctx, repository, pull, func(path, sha string) error {
		return s.retime(ctx, path, sha, func(h head) time.Time {
			if until.Before(h.ExpiresAt) {
				return until
			}
			return h.ExpiresAt
		})
	})
}

// ReopenPull undoes ClosePull for what is still here.
func (s *Service) ReopenPull(ctx context.Context, repository string, pull int) error {
	return s.eachOfPull(ctx, repository, pull, func(path, sha string) error {
		return s.retime(ctx, path, sha, func(h head) time.Time {
			if until := h.PublishedAt.Add(s.opt.Retention); until.After(h.ExpiresAt) {
				return until
			}
			return h.ExpiresAt
		})
	})
}

func (s *Service) eachOfPull(ctx context.Context, repository string, pull int, do func(path, sha string) error) error {
	if !repoPath.MatchString(repository) || pull <= 0 {
		return fault.New(fault.Invalid, "%.200q has no pull request #%d", repository, pull)
	}
	place := PlaceOf(repository, pull)
	fork, err := s.look(ctx, place)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	if err == nil {
		for _, c := range fork.commits {
			if err := do(place, c.sha); err != nil {
				return err
			}
		}
	}
	own, err := s.onlyOfPull(ctx, repository, pull)
	if err != nil {
		return err
	}
	for _, sha := range own {
		if err := do(repository, sha); err != nil {
			return err
		}
	}
	return nil
}

// onlyOfPull lists the repository's own commits that its pull request has had, and no branch, tag or other pull request.
func (s *Service) onlyOfPull(ctx context.Context, repository string, pull int) ([]string, error) {
	mine := Ref{PR, strconv.Itoa(pull)}
	var own []string
	others := map[string]bool{}
	for r, err := range s.db.Scan(ctx, repoPartition(repository), kv.Query{Prefix: refPrefix}) {
		if err != nil {
			return nil, err
		}
		to, err := readPointer(r)
		if err != nil {
			return nil, err
		}
		all := to.before("")
		if strings.TrimPrefix(r.Sort, refPrefix) == mine.String() {
			own = all
			continue
		}
		for _, sha := range all {
			others[sha] = true
		}
	}
	return slices.DeleteFunc(own, func(sha string) bool { return others[sha] }), nil
}

// retime changes when a commit ends, if all of it is of one repository or place. Its bytes stay for as long as they were kept.
func (s *Service) retime(ctx context.Context, path, sha string, to func(head) time.Time) error {
	return turns.Retry("commit "+sha, func() error {
		c, _, err := s.fetch(ctx, sha)
		if err != nil {
			return err
		}
		if !c.found || !c.ExpiresAt.After(s.now()) {
			return nil
		}
		until := to(c.head)
		for _, p := range c.Publishes {
			if !strings.EqualFold(p.Repository.Path, path) {
				return nil
			}
		}
		if until.Equal(c.ExpiresAt) {
			return nil
		}
		ops, err := s.retimed(ctx, path, sha, until)
		if err != nil {
			return err
		}
		next := c.head
		next.ExpiresAt = until
		return s.db.Apply(ctx, append(ops, kv.Swap(c.raw, kv.JSON(headKey(sha), next)))...)
	})
}

// retimed are the rows that end together with a commit.
func (s *Service) retimed(ctx context.Context, path, sha string, until time.Time) ([]kv.Op, error) {
	ops := []kv.Op{
		kv.Put(kv.Row{Key: prefixKey(sha), Expires: until}),
		s.due(until.Add(time.Hour), sha),
		kv.Add(revisionKey(path), 1),
	}
	for r, err := range s.db.Scan(ctx, repoPartition(path), kv.Query{}) {
		if err != nil {
			return nil, err
		}
		switch {
		case r.Sort == indexPrefix+sha:
		case strings.HasPrefix(r.Sort, refPrefix):
			if to, err := readPointer(r); err != nil || to.SHA != sha {
				continue
			}
		default:
			continue
		}
		old := r.Value
		r.Expires = until
		ops = append(ops, kv.Swap(old, r))
	}
	if len(ops) > kv.MaxBatch-1 {
		return nil, fault.New(fault.TooLarge, "%d refs point at commit %s, more than can change at once", len(ops), sha)
	}
	return ops, nil
}
