package registry

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
)

// What went wrong, to be tested with errors.Is. The text of such an error is
// fit for users: it names the input, the rule and the way out.
var (
	ErrInvalid     error = fault.Invalid     // the input breaks a rule
	ErrNotFound    error = fault.NotFound    // there is no such package, version or commit
	ErrExists      error = fault.Exists      // it is there already, with other bytes
	ErrTooLarge    error = fault.TooLarge    // it is beyond a limit of Config
	ErrUnavailable error = fault.Unavailable // try again
)

// Local returns a registry for development: everything is kept in a folder,
// whoever is on this machine may publish, and what is not here comes from the
// registry that npm is configured with.
func Local(dir, baseURL string) (*Registry, error) {
	return New(Config{DataDir: dir, BaseURL: baseURL})
}

// Version is a published version of a package.
type Version struct {
	Name        string
	Version     string
	TarballURL  string
	Integrity   string // sha512, as in lockfiles
	Shasum      string // sha1 in hex
	Deprecated  string // why; empty: it is not
	PublishedAt time.Time
	Upstream    bool            // it is not ours
	Manifest    json.RawMessage // its package.json as the registry shows it
}

// Publish publishes a package from its tarball, as `npm pack` makes it, and points
// the dist-tags at it, "latest" if none is named. The same bytes again are a
// success; other bytes for a version that is there are ErrExists.
func (r *Registry) Publish(ctx context.Context, tarball io.Reader, tags ...string) (v Version, err error) {
	who := auth.Operator()
	up, err := r.packages.Receive(ctx, who, tarball)
	if err != nil {
		return Version{}, err
	}
	defer func() { err = errors.Join(err, up.Close()) }()
	p, err := r.packages.Publish(ctx, who, packages.Release{Name: up.Summary.Name, Tags: tags, Upload: up})
	if err != nil {
		return Version{}, err
	}
	return r.Version(ctx, p.Version.Name, p.Version.Version.Version)
}

// Version reads one version by its version or a dist-tag. A package that is not
// here is looked for upstream.
func (r *Registry) Version(ctx context.Context, name, versionOrTag string) (Version, error) {
	f, err := r.catalog.Version(ctx, r.root(), name, versionOrTag)
	if err != nil {
		return Version{}, err
	}
	manifest, err := json.Marshal(f.Version)
	return Version{
		Name: f.Name, Version: f.Version.Version, TarballURL: f.Dist.Tarball, Integrity: f.Dist.Integrity, Shasum: f.Dist.Shasum,
		Deprecated: f.Deprecated, PublishedAt: f.PublishedAt, Upstream: f.Upstream, Manifest: manifest,
	}, err
}

// Versions lists the versions of a package, highest first.
func (r *Registry) Versions(ctx context.Context, name string) ([]string, error) {
	return r.catalog.Versions(ctx, r.root(), name)
}

// Tarball opens the tarball of a version. The caller closes it.
func (r *Registry) Tarball(ctx context.Context, name, version string) (io.ReadCloser, error) {
	t, err := r.catalog.Tarball(ctx, r.root(), name, packument.TarballFile(name, version), catalog.Want{})
	if err != nil {
		return nil, err
	}
	return tarballReader{t}, nil
}

// tarballReader reads a tarball wherever it comes from.
type tarballReader struct{ *catalog.Tarball }

func (t tarballReader) Read(p []byte) (int, error) {
	if t.File != nil {
		return t.File.Read(p)
	}
	return t.Stream.Read(p)
}

// Package is a package in a list.
type Package struct {
	Name        string
	Latest      string // version
	Description string
	PublishedAt time.Time // of Latest
}

// Packages yields the packages that are here, by name; an error ends it.
func (r *Registry) Packages(ctx context.Context) iter.Seq2[Package, error] {
	return func(yield func(Package, error) bool) {
		for s, err := range r.packages.List(ctx, "") {
			if !yield(Package{Name: s.Name, Latest: s.Version, Description: s.Description, PublishedAt: s.Date}, err) || err != nil {
				return
			}
		}
	}
}

// Commit is what was published for one commit of a repository.
type Commit struct {
	SHA       string
	Packages  []CommitPackage
	ExpiresAt time.Time
}

// CommitPackage is a package of a Commit.
type CommitPackage struct {
	Name      string
	Version   string
	Integrity string
}

// PublishCommit publishes packages that were built from a commit of a repository
// ("owner/repo" or its URL), all or none, and moves refs such as "pr/7" or
// "branch/main" to it.
func (r *Registry) PublishCommit(ctx context.Context, repository, sha string, refs []string, tarballs ...io.Reader) (c Commit, err error) {
	p := commits.Publication{}
	if p.SHA, err = commits.ParseSHA(sha); err != nil {
		return c, err
	}
	if p.Repository, err = commits.ParseRepository(repository); err != nil {
		return c, err
	}
	for _, text := range refs {
		ref, err := commits.ParseRef(text)
		if err != nil {
			return c, err
		}
		p.Refs = append(p.Refs, ref)
	}
	who := auth.Operator()
	for i, t := range tarballs {
		up, err := r.commits.Receive(ctx, who, i, "tarball", t)
		if err != nil {
			return c, err
		}
		defer func() { err = errors.Join(err, up.Close()) }()
		p.Packages = append(p.Packages, commits.Source{Name: up.Summary.Name, Upload: up})
	}
	res, err := r.commits.Publish(ctx, who, p)
	return commitOf(res.Commit), err
}

// Commit lists what was published for a commit; sha may be its beginning.
func (r *Registry) Commit(ctx context.Context, sha string) (Commit, error) {
	c, err := r.commits.Commit(ctx, sha)
	return commitOf(c), err
}

func commitOf(c commits.Commit) Commit {
	out := Commit{SHA: c.SHA, ExpiresAt: c.ExpiresAt}
	for _, p := range c.Packages {
		out.Packages = append(out.Packages, CommitPackage{Name: p.Name, Version: p.Version, Integrity: p.Artifact.Integrity})
	}
	return out
}

// root is the main registry.
func (r *Registry) root() catalog.Root { return catalog.Root{URL: r.config.BaseURL} }
