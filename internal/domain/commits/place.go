package commits

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
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
