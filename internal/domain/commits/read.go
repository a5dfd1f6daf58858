package commits

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/kv"
)

// maxCandidates bounds how many commits an ambiguous prefix lists.
const maxCandidates = 20

// Resolve finds the commit that a SHA or a prefix of one names.
func (s *Service) Resolve(ctx context.Context, sha string) (string, error) {
	sha, _, err := s.resolve(ctx, sha)
	return sha, err
}

func (s *Service) resolve(ctx context.Context, sha string) (string, head, error) {
	sha, err := ParseSHA(sha)
	if err != nil {
		return "", head{}, err
	}
	h, err := s.head(ctx, sha)
	if err == nil || isWhole(sha) || !errors.Is(err, fault.NotFound) {
		return sha, h, err
	}
	var found []string
	for r, err := range s.db.Scan(ctx, prefixKey(sha).Partition, kv.Query{Prefix: sha, Limit: maxCandidates}) {
		if err != nil {
			return "", head{}, err
		}
		candidate, err := s.head(ctx, r.Sort)
		if errors.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return "", head{}, err
		}
		found, h = append(found, r.Sort), candidate
	}
	switch len(found) {
	case 0:
		return "", head{}, noCommit(sha)
	case 1:
		return found[0], h, nil
	}
	return "", head{}, fault.New(fault.Exists, "%s is the beginning of %d commits; use more digits", sha, len(found)).
		WithCode("ambiguous_sha").With("candidates", found)
}

func noCommit(sha string) error {
	return fault.New(fault.NotFound, "No packages found for this commit: %s was not published here, or has expired", sha)
}

// head reads a commit's head; one that is absent or expired is fault.NotFound.
func (s *Service) head(ctx context.Context, sha string) (head, error) {
	h, _, found, err := get[head](ctx, s.db, headKey(sha))
	if err == nil && (!found || !h.ExpiresAt.After(s.now())) {
		err = noCommit(sha)
	}
	return h, err
}

// Commit lists the packages of a commit by name; sha may be a prefix.
func (s *Service) Commit(ctx context.Context, sha string) (Commit, error) {
	sha, h, err := s.resolve(ctx, sha)
	if err != nil {
		return Commit{}, err
	}
	c := Commit{SHA: sha, PublishedAt: h.PublishedAt, ExpiresAt: h.ExpiresAt}
	byName := map[string]Package{}
	for r, err := range s.db.Scan(ctx, commitPartition(sha), kv.Query{Prefix: packagePrefix}) {
		if err != nil {
			return c, err
		}
		var pkg Package
		if err := json.Unmarshal(r.Value, &pkg); err != nil {
			return c, fmt.Errorf("decoding row %s: %w", r.Key, err)
		}
		if h.Packages[pkg.Name] == publishOf(r.Sort) {
			pkg.ExpiresAt = h.ExpiresAt
			byName[pkg.Name] = pkg
		}
	}
	for _, name := range h.names() {
		if pkg, ok := byName[name]; ok {
			c.Packages = append(c.Packages, pkg)
		}
	}
	return c, nil
}

// Package reads one package of a commit; sha may be a prefix.
func (s *Service) Package(ctx context.Context, sha, name string) (Package, error) {
	sha, h, err := s.resolve(ctx, sha)
	if err != nil {
		return Package{}, err
	}
	id, ok := h.Packages[name]
	if !ok {
		return Package{}, fault.New(fault.NotFound, "Commit package not found: commit %s has %s, but not %q", sha, listed(h.names()), name)
	}
	pkg, _, found, err := get[Package](ctx, s.db, packageKey(sha, id, name))
	if err == nil && !found {
		err = noCommit(sha) // swept between the two reads
	}
	pkg.ExpiresAt = h.ExpiresAt
	return pkg, err
}

func listed(names []string) string {
	const most = 10
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// Point resolves what stands behind "@" for a repository ("owner/repo"; any case).
func (s *Service) Point(ctx context.Context, repoPath string, p Pointer) (string, error) {
	if p.SHA != "" {
		return s.Resolve(ctx, p.SHA)
	}
	for _, ref := range p.Refs {
		to, _, found, err := get[pointer](ctx, s.db, refKey(repoPath, ref))
		if err != nil {
			return "", err
		}
		if found {
			return to.SHA, nil
		}
	}
	return "", fault.New(fault.NotFound, "%s has no package published under %s", repoPath, p.Refs[0])
}

// InRepository reports whether a package was published by owner/repo.
func (p Package) InRepository(path string) bool { return strings.EqualFold(p.Repository.Path, path) }

// Content is a package's tarball, ready to be read or served.
type Content struct {
	io.ReadSeeker
	Size    int64
	ModTime time.Time
	closers []io.Closer
}

// Close releases the blobs.
func (c *Content) Close() error {
	var err error
	for _, x := range c.closers {
		err = errors.Join(err, x.Close())
	}
	return err
}

// Open opens a package's tarball. The caller closes it.
func (s *Service) Open(ctx context.Context, p Package) (*Content, error) {
	c := &Content{Size: p.Artifact.Size, ModTime: p.PublishedAt}
	if r := p.Artifact.Recipe; r != nil {
		head, body, err := s.openSplit(ctx, r.Head, r.Body)
		if err != nil {
			return nil, err
		}
		c.ReadSeeker = tarball.NewReader(*r, head, body)
		c.closers = []io.Closer{head, body}
		return c, nil
	}
	b, _, err := s.blobs.Open(ctx, blobKey(*p.Artifact.Whole))
	if err != nil {
		return nil, err
	}
	c.ReadSeeker = b
	c.closers = []io.Closer{b}
	return c, nil
}
