package commits

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/store/kv"
)

// view is what a repository has at a revision. Its commits are read when one of
// their packages is asked for, so that a publish costs the next reader one
// commit, and a name that is not the repository's none.
type view struct {
	revision string
	seen     time.Time  // when the revision was
	settled  bool       // all rows of the revision were there when they were read
	until    time.Time  // when the first of its rows ends; zero: there is none
	commits  []*shelved // by SHA
	refs     []placedRef
}

// shelved is a commit of a repository.
type shelved struct {
	listing
	names     []string // sorted; commits with the same share them
	*previews          // nil until they are read, and where there is no room
}

// previews are a commit's previews of one repository.
type previews struct {
	from      string    // the stamp of the commit that was read
	published time.Time // the commit
	records   []record  // by the index of their names; of length 0 if there are none
}

// placedRef is a ref and where it points.
type placedRef struct {
	Ref
	pointer
	expires time.Time
}

// view reads what a repository has, or takes it from the shelf. The caller has its turn.
func (s *Service) view(ctx context.Context, repository string) (*view, error) {
	// Read first: what is read after it is at least as new.
	revision, err := s.revision(ctx, repository)
	if err != nil {
		return nil, err
	}
	old := s.shelf.get(repoPartition(repository))
	if old == nil {
		old = &view{}
	}
	now := s.now()
	v := &view{revision: revision, seen: now}
	if old.revision == revision {
		v.seen = old.seen
	}
	v.settled = !now.Before(v.seen.Add(s.opt.Settle))
	if old.revision == revision && old.settled == v.settled && (old.until.IsZero() || now.Before(old.until)) {
		return old, nil
	}
	known, names := map[string]*shelved{}, map[string][]string{}
	for _, c := range old.commits {
		known[c.sha], names[string(c.packed)] = c, c.names
	}
	for r, err := range s.db.Scan(ctx, repoPartition(repository), kv.Query{}) {
		if err == nil {
			err = v.add(r, known, names)
		}
		if err != nil {
			return nil, err
		}
	}
	return v, nil
}

// add takes in a row of the repository's partition. known are commits that were
// read before, names those of listings by their packed form.
func (v *view) add(r kv.Row, known map[string]*shelved, names map[string][]string) error {
	switch {
	case strings.HasPrefix(r.Sort, indexPrefix):
		c := &shelved{listing: readListing(r)}
		if err := c.setNames(names); err != nil {
			return err
		}
		if old := known[c.sha]; old != nil && old.stamp == c.stamp && bytes.Equal(old.packed, c.packed) {
			c.previews = old.previews
		}
		v.commits = append(v.commits, c)
	case strings.HasPrefix(r.Sort, refPrefix):
		p := placedRef{expires: r.Expires}
		var err error
		if p.Ref, err = ParseRef(strings.TrimPrefix(r.Sort, refPrefix)); err == nil {
			p.pointer, err = readPointer(r)
			p.Earlier = nil // read when it is asked for
		}
		if err != nil {
			return fmt.Errorf("reading row %s: %w", r.Key, err)
		}
		v.refs = append(v.refs, p)
	default:
		return nil
	}
	if v.until.IsZero() || r.Expires.Before(v.until) {
		v.until = r.Expires
	}
	return nil
}

func (c *shelved) setNames(known map[string][]string) (err error) {
	if c.names = known[string(c.packed)]; c.names == nil {
		c.names, err = listing.names(c.listing)
		known[string(c.packed)] = c.names
	}
	return err
}

// has reports whether the commit lists a name.
func (c *shelved) has(name string) bool {
	_, ok := slices.BinarySearch(c.names, name)
	return ok
}

// ranks tells the commits that refs point at from the others, by SHA: those of
// branches and tags have rank 2, of pull requests 1.
func (v *view) ranks() map[string]int {
	ranks := map[string]int{}
	for _, r := range v.refs {
		rank := 2
		if r.Kind == PR {
			rank = 1
		}
		ranks[r.SHA] = max(ranks[r.SHA], rank)
	}
	return ranks
}

// maxVersions bounds the versions of a name. The oldest go first, but for those
// that refs point at.
const maxVersions = 2000

// with returns the commits that list a name, by SHA.
func (v *view) with(name string) []*shelved {
	var all []*shelved
	for _, c := range v.commits {
		if c.has(name) {
			all = append(all, c)
		}
	}
	if len(all) > maxVersions {
		ranks := v.ranks()
		slices.SortFunc(all, func(a, b *shelved) int {
			return cmp.Or(ranks[b.sha]-ranks[a.sha], strings.Compare(b.stamp, a.stamp)) // stamps begin with their time
		})
		all = all[:maxVersions]
		slices.SortFunc(all, func(a, b *shelved) int { return strings.Compare(a.sha, b.sha) })
	}
	return all
}

// found is a preview that has been looked up.
type found struct {
	*record   // nil: the commit lists the name, but has no preview of it
	sha       string
	rank      int
	published time.Time // the commit
	expires   time.Time
}

// find reads the previews of a name, by SHA, one for each version: of commits
// that share their first digits the one that was published first stays, so that
// nobody's commit takes the place of another's.
func (s *Service) find(ctx context.Context, repository string, v *view, name string) ([]found, error) {
	read, err := s.readAll(ctx, repository, v, name)
	if err != nil {
		return nil, err
	}
	ranks := v.ranks()
	var all []found
	for _, f := range read {
		if f.record == nil {
			continue
		}
		f.rank = ranks[f.sha]
		last := len(all) - 1
		switch {
		case last < 0 || npm.PreviewVersion(all[last].sha) != npm.PreviewVersion(f.sha):
			all = append(all, f)
		case f.published.Before(all[last].published):
			all[last] = f
		}
	}
	return all, nil
}

// readAll reads the commits that have a name, by SHA, and keeps all their previews
// in the view while there is room.
func (s *Service) readAll(ctx context.Context, repository string, v *view, name string) ([]found, error) {
	var room atomic.Int64
	room.Store(s.shelf.max - v.size())
	commits := v.with(name)
	all := make([]found, len(commits))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	for i, c := range commits {
		if c.previews != nil {
			all[i] = c.pick(name, c.previews)
			continue
		}
		g.Go(func() error {
			p, err := s.readPreviews(ctx, repository, c)
			if err != nil {
				return err
			}
			all[i] = c.pick(name, p)
			same := p.from == c.stamp // else the commit was changed since, or is just being
			if same && room.Add(-p.size()) >= 0 {
				c.previews = p
			} else if all[i].record != nil {
				all[i].record = new(*all[i].record) // so that the others are free
			}
			return nil
		})
	}
	return all, g.Wait()
}

func (c *shelved) pick(name string, p *previews) found {
	f := found{sha: c.sha, published: p.published, expires: c.expires}
	if i, _ := slices.BinarySearch(c.names, name); i < len(p.records) && p.records[i].listed {
		f.record = &p.records[i]
	}
	return f
}

func (s *Service) readPreviews(ctx context.Context, repository string, c *shelved) (*previews, error) {
	in, _, err := s.fetch(ctx, c.sha)
	if err != nil {
		return nil, err
	}
	p := &previews{from: in.stampAt(repository), published: in.PublishedAt}
	for i, name := range c.names {
		pkg := in.packages[name]
		if !pkg.IsPreview() || !pkg.inRepository(repository) {
			continue
		}
		if p.records == nil {
			p.records = make([]record, len(c.names))
		}
		if p.records[i], err = newRecord(pkg); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// IsPreview reports whether a preview registry shows the package: clients check
// that a tarball has the version they asked for.
func (p Package) IsPreview() bool {
	_, ok := p.Artifact.manifest()
	return ok && p.Version == npm.PreviewVersion(p.SHA)
}
