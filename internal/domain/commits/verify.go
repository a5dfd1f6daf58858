package commits

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/scrub"
)

// Checker checks what is kept of commits, for a verification of the whole store. blobs are those of the service's store.
// Commits that have expired are the sweeper's and not looked at, nor are rows that no head names.
func (s *Service) Checker(blobs *scrub.Blobs) scrub.Checker { return &checker{s, blobs} }

type checker struct {
	*Service
	blobs *scrub.Blobs
}

const nearlyOver = time.Minute // in which the rows of a commit expire one by one

// Check implements scrub.Checker.
func (c *checker) Check(ctx context.Context, r kv.Row, f *scrub.Finder) (known bool, err error) {
	family, rest, _ := strings.Cut(r.Partition, "/")
	switch family {
	case "commit":
		if r.Sort == headKey(rest).Sort {
			return true, c.checkHead(ctx, r, f, rest)
		}
		return strings.HasPrefix(r.Sort, packagePrefix), nil // read with the head
	case "prefix":
		return true, c.mustHave(ctx, f.About(ownKind, r.Sort), headKey(r.Sort))
	case "repo":
		return c.checkRepositoryRow(ctx, r, f, rest)
	case "pulls":
		var state pullState
		if json.Unmarshal(r.Value, &state) != nil {
			f.About(ownKind, rest+"#"+r.Sort).Unread(r.Key)
		}
		return true, nil
	case reposPartition:
		about := f.About(ownKind, r.Sort)
		if _, err := decodeSummary(r); err != nil {
			about.Unread(r.Key)
		}
		return true, c.mustHave(ctx, about, kv.Key{Partition: repoPartition(r.Sort), Sort: "host"})
	}
	return false, nil
}

func (c *checker) mustHave(ctx context.Context, about *scrub.Subject, k kv.Key) error {
	found, err := scrub.Has(ctx, c.db, k)
	if err == nil && !found {
		about.Absent(k)
	}
	return err
}

// checkHead reads a commit as it is served, and hands on each of its packages.
func (c *checker) checkHead(ctx context.Context, r kv.Row, f *scrub.Finder, sha string) error {
	about := f.About(ownKind, sha)
	all := contents{found: true, packages: map[string]Package{}, owner: map[string]string{}}
	if !isWhole(sha) || json.Unmarshal(r.Value, &all.head) != nil {
		about.Unread(r.Key)
		return nil
	}
	if !all.ExpiresAt.After(c.now().Add(nearlyOver)) {
		return nil
	}
	if err := c.readPackages(ctx, about, sha, &all); err != nil {
		return err
	}
	if err := c.checkIndexes(ctx, about, sha, all); err != nil {
		return err
	}
	for _, pkg := range all.packages {
		f.Checked("packages of commits")
		f.Go(func(ctx context.Context) error {
			return c.checkPackage(ctx, f.About(ownKind, sha+"/"+pkg.Name), pkg)
		})
	}
	return nil
}

// readPackages is what load does, but that it goes on where something is missing.
func (c *checker) readPackages(ctx context.Context, about *scrub.Subject, sha string, all *contents) error {
	rows, count := map[string][]Package{}, map[string]int{}
	for r, err := range c.db.Scan(ctx, commitPartition(sha), kv.Query{Prefix: packagePrefix}) {
		if err != nil {
			return err
		}
		id := publishOf(r.Sort)
		if !slices.ContainsFunc(all.Publishes, func(p publish) bool { return p.ID == id }) {
			continue // the sweeper's
		}
		count[id]++
		packages, err := decode(r)
		if err != nil {
			about.Unread(r.Key)
		}
		rows[id] = append(rows[id], packages...)
	}
	for _, p := range all.Publishes {
		if count[p.ID] != p.Rows {
			about.Wrong(scrub.Reference, "its head counts %d rows of the publish %s, and %d are there", p.Rows, p.ID, count[p.ID])
		}
		for _, pkg := range rows[p.ID] {
			pkg.SHA, pkg.Repository, pkg.ExpiresAt = sha, p.Repository, all.ExpiresAt
			all.packages[pkg.Name], all.owner[pkg.Name] = pkg, p.ID
		}
	}
	return nil
}

// checkIndexes looks for the rows by which a commit is found.
func (c *checker) checkIndexes(ctx context.Context, about *scrub.Subject, sha string, all contents) error {
	if err := c.mustHave(ctx, about, prefixKey(sha)); err != nil {
		return err
	}
	for i, p := range all.Publishes {
		sameListing := func(later publish) bool { return strings.EqualFold(later.Repository.Path, p.Repository.Path) }
		if p.Repository.IsZero() || slices.ContainsFunc(all.Publishes[i+1:], sameListing) { // the last one's repository has the listing
			continue
		}
		r, found, err := scrub.Get(ctx, c.db, indexKey(p.Repository.Path, sha))
		if err != nil {
			return err
		}
		if !found { // it lives as long as the repository's own publishes asked for
			if all.only(p.Repository) {
				about.Absent(indexKey(p.Repository.Path, sha))
			}
			continue
		}
		c.compareListing(about, r, p.Repository, all)
	}
	return nil
}

// only reports whether nobody else published for the commit, and so made it live longer.
func (c contents) only(r Repository) bool {
	return !slices.ContainsFunc(c.Publishes, func(p publish) bool { return !p.Repository.Same(r) })
}

func (c *checker) compareListing(about *scrub.Subject, r kv.Row, of Repository, all contents) {
	l := readListing(r)
	listed, err := l.names()
	if err != nil {
		about.Unread(r.Key)
		return
	}
	var names []string
	for name, pkg := range all.packages {
		if pkg.Repository.Same(of) && kindOf(name) == kind.NPM {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	present := slices.DeleteFunc(slices.Clone(listed), func(name string) bool { // what another has taken over stays listed
		pkg, taken := all.packages[name]
		return taken && !pkg.Repository.Same(of)
	})
	if !slices.Equal(names, present) || len(present) == len(listed) && l.stamp != all.stamp(of) {
		about.Differs(scrub.Reference, strings.Join(names, " "), strings.Join(listed, " "), "the preview registry of %s lists other packages of it, or those of another publish", of.Path)
	}
}

// checkRepositoryRow looks at what is kept of a repository.
func (c *checker) checkRepositoryRow(ctx context.Context, r kv.Row, f *scrub.Finder, path string) (known bool, err error) {
	about := f.About(ownKind, path)
	switch {
	case r.Sort == "host":
		var row claim
		if json.Unmarshal(r.Value, &row) != nil {
			about.Unread(r.Key)
		}
	case r.Sort == revisionKey(path).Sort:
		if _, ok := r.Counter(); !ok {
			about.Unread(r.Key)
		}
	case strings.HasPrefix(r.Sort, indexPrefix):
		return true, c.mustHave(ctx, about, headKey(strings.TrimPrefix(r.Sort, indexPrefix)))
	case strings.HasPrefix(r.Sort, refPrefix):
		to, err := readPointer(r)
		if err != nil || !isWhole(to.SHA) {
			about.Unread(r.Key)
			return true, nil
		}
		about = f.About(ownKind, path+"@"+strings.TrimPrefix(r.Sort, refPrefix))
		if err := c.mustHave(ctx, about, headKey(to.SHA)); err != nil {
			return true, err
		}
		return true, c.mustHave(ctx, about, indexKey(path, to.SHA))
	default:
		return false, nil
	}
	return true, nil
}
