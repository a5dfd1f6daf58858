package commits

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/store/kv"
)

// Preview is a package of a commit as a version of its repository's preview registry.
type Preview struct {
	Package
	Archive packument.Archive // its package.json
}

// Previews are the versions of one name in the preview registry of a repository.
type Previews struct {
	Versions []Preview         // newest first
	Tags     map[string]string // "pr-7", "branch-main", "tag-v1" -> version
	Latest   string            // the newest of the default branch, or of all; "" if there is none
	Until    time.Time         // when the first of them expires
}

// PreviewRevision changes whenever anything of a repository's preview registry does, but for what
// expires, by one small read; fault.NotFound if nothing of the repository was ever published here.
func (s *Service) PreviewRevision(ctx context.Context, repository string) (string, error) {
	if base, ok := baseOf(repository); ok {
		return s.placeRevision(ctx, repository, base)
	}
	return s.revision(ctx, repository)
}

// revision is PreviewRevision of a repository, or a place, by itself.
func (s *Service) revision(ctx context.Context, repository string) (string, error) {
	if !repoPath.MatchString(repository) {
		return "", noRepository(repository)
	}
	r, err := s.db.Get(ctx, revisionKey(repository))
	if errors.Is(err, kv.ErrNotFound) {
		return "", noRepository(repository)
	}
	return string(r.Value), err
}

func noRepository(repository string) error {
	return fault.New(fault.NotFound, "there is no preview registry of %.200q: no commit of a repository of this owner and name was published here", repository).WithCode("no_repository")
}

// Previews reads the previews of a name; none is no error. Of a name that has very many the oldest
// are left out, those last that refs point at; Preview finds them all.
func (s *Service) Previews(ctx context.Context, repository, name string) (Previews, error) {
	if base, ok := baseOf(repository); ok {
		return s.placePreviews(ctx, repository, base, name)
	}
	return s.ownPreviews(ctx, repository, name)
}

// ownPreviews is Previews of a repository, or a place, by itself.
func (s *Service) ownPreviews(ctx context.Context, repository, name string) (Previews, error) {
	all, refs, err := s.lookUp(ctx, repository, name)
	if err != nil || len(all) == 0 {
		return Previews{}, err
	}
	// In this order, should there be no room for all.
	slices.SortFunc(all, func(a, b found) int {
		return cmp.Or(b.rank-a.rank, b.published.Compare(a.published), cmp.Compare(a.sha, b.sha))
	})
	var p Previews
	if p.Versions, err = s.withManifests(ctx, name, all); err != nil {
		return Previews{}, err
	}
	slices.SortFunc(p.Versions, func(a, b Preview) int {
		return cmp.Or(b.PublishedAt.Compare(a.PublishedAt), cmp.Compare(a.SHA, b.SHA))
	})
	for _, v := range p.Versions {
		p.ends(v.ExpiresAt)
	}
	p.tag(refs)
	return p, nil
}

// lookUp finds the versions of a name, and the refs of the repository.
func (s *Service) lookUp(ctx context.Context, repository, name string) ([]found, []placedRef, error) {
	partition := repoPartition(repository)
	done, err := s.shelf.turns.Take(ctx, partition)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	v, err := s.view(ctx, repository)
	if err != nil {
		return nil, nil, err
	}
	all, err := s.find(ctx, repository, v, name)
	s.shelf.put(partition, v) // after an error too: what was read is not read again
	return all, v.refs, err
}

func (p *Previews) ends(t time.Time) {
	if p.Until.IsZero() || t.Before(p.Until) {
		p.Until = t
	}
}

// tag sets the tags of the refs that point at one of the versions, and the
// latest. Of refs with the same tag the one that moved last has it.
func (p *Previews) tag(refs []placedRef) {
	index := map[string]int{} // of versions, by SHA
	for i, v := range p.Versions {
		index[v.SHA] = i
	}
	branches := map[string]int{} // -> index of their version
	newest := len(p.Versions)
	moved := map[string]time.Time{} // by tag
	p.Tags = map[string]string{}
	for _, r := range refs {
		i, ok := index[r.SHA]
		if !ok {
			continue
		}
		p.ends(r.expires)
		if r.Kind == Branch {
			branches[r.Name], newest = i, min(newest, i)
		}
		if tag := npm.PreviewTag(string(r.Kind), r.Name); p.Tags[tag] == "" || r.MovedAt.After(moved[tag]) {
			p.Tags[tag], moved[tag] = p.Versions[i].Version, r.MovedAt
		}
	}
	latest := newest % len(p.Versions) // of no branch: the newest of all
	for _, name := range []string{"master", "main"} {
		if i, ok := branches[name]; ok {
			latest = i
		}
	}
	p.Latest = p.Versions[latest].Version
}

// Preview finds the package of a preview version, whether or not a ref points at it.
func (s *Service) Preview(ctx context.Context, repository, name, version string) (Package, error) {
	if base, ok := baseOf(repository); ok {
		// First: of what both have, the repository's own is shown.
		if pkg, err := s.ownPreview(ctx, base, name, version); !errors.Is(err, fault.NotFound) {
			return pkg, err
		}
	}
	return s.ownPreview(ctx, repository, name, version)
}

// ownPreview is Preview of a repository, or a place, by itself.
func (s *Service) ownPreview(ctx context.Context, repository, name, version string) (Package, error) {
	absent := fault.New(fault.NotFound, "%.300q has no preview version %.100q in the preview registry of %.200q, or it has expired", name, version, repository)
	digits, ok := strings.CutPrefix(version, npm.PreviewVersion(""))
	if !ok || !isHex(digits) || npm.PreviewVersion(digits) != version || !repoPath.MatchString(repository) {
		return Package{}, absent
	}
	var first contents
	var pkg Package
	for r, err := range s.db.Scan(ctx, repoPartition(repository), kv.Query{Prefix: indexPrefix + digits}) {
		if err != nil {
			return Package{}, err
		}
		l := readListing(r)
		names, err := l.names()
		if err != nil {
			return Package{}, err
		}
		c, err := s.load(ctx, l.sha)
		if err != nil {
			return Package{}, err
		}
		p := c.packages[name]
		_, listed := slices.BinarySearch(names, name)
		if listed && p.IsPreview() && p.Version == version && p.inRepository(repository) && (!first.found || c.PublishedAt.Before(first.PublishedAt)) {
			first, pkg = c, p
		}
	}
	if !first.found {
		return Package{}, absent
	}
	return pkg, nil
}
