package webui

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/domain/files"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
)

// subject is the version of an npm package that a page is about: ours or upstream's.
type subject struct {
	catalog.Found
	ours   *packages.Head    // nil: it is upstream's
	stored packages.Artifact // of ours
	tags   map[string]string
}

// latestTag is the dist-tag of what installers take by default.
const latestTag = "latest"

func (u *UI) npmRoot() catalog.Root { return catalog.Root{URL: u.BaseURL} }

// subject finds what a request's address names: a version, what a dist-tag names, or else the latest.
func (u *UI) subject(r *http.Request) (*subject, error) {
	return u.find(r.Context(), r.PathValue("name"), r.PathValue("version"))
}

func (u *UI) find(ctx context.Context, name, want string) (*subject, error) {
	h, v, err := u.Packages.Find(ctx, name, cmp.Or(want, latestTag))
	if errors.Is(err, fault.NotFound) {
		return u.findElsewhere(ctx, name, cmp.Or(want, latestTag), err)
	}
	if err != nil {
		return nil, err
	}
	s := &subject{ours: &h, stored: v.Artifact, tags: h.Tags}
	s.Found = catalog.Found{Version: v.Version, PublishedAt: v.PublishedAt, Checksum: v.Artifact.SHA256.String(), Proof: v.Proof}
	s.Dist.Tarball = packument.TarballURL(u.BaseURL, name, v.Version.Version)
	return s, nil
}

// findElsewhere finds a version of upstream's, if the name isn't ours; miss is what we say of it.
func (u *UI) findElsewhere(ctx context.Context, name, want string, miss error) (*subject, error) {
	found, err := u.Catalog.Version(ctx, u.npmRoot(), name, want)
	if errors.Is(err, fault.NotFound) {
		return nil, miss
	}
	if err != nil {
		return nil, err
	}
	tags, err := u.Catalog.Tags(ctx, u.npmRoot(), name)
	if err != nil {
		return nil, err
	}
	return &subject{Found: found, tags: tags}, nil
}

func (s *subject) version() string { return s.Version.Version }

// home is the page of a package, and at the page of its version.
func (s *subject) home() string { return packagesPath + url.PathEscape(s.Name) }

func (s *subject) at() string { return s.home() + "/" + url.PathEscape(s.version()) }

const packagesPath = "/packages/"

// archive is the tarball of a version.
func (u *UI) archive(s *subject) archive {
	name, version := s.Name, s.version()
	a := archive{Home: s.at(), Source: files.Source{Top: true}}
	if s.ours != nil {
		a.ID = s.stored.SHA256.Hex()
		a.Open = func(ctx context.Context) (io.ReadCloser, error) {
			c, _, err := u.Packages.Open(ctx, name, version)
			if err != nil {
				return nil, err // not a nil *Content in the interface
			}
			return c, nil
		}
		return a
	}
	a.ID = "upstream " + name + "@" + version + " " + s.Dist.Integrity + " " + s.Dist.Shasum
	a.Open = func(ctx context.Context) (io.ReadCloser, error) {
		t, err := u.Catalog.Tarball(ctx, u.npmRoot(), name, packument.TarballFile(name, version), catalog.Want{})
		if err != nil {
			return nil, err
		}
		if t.Stream != nil {
			return t.Stream, nil
		}
		return struct {
			io.Reader
			io.Closer
		}{t.File, t}, nil
	}
	return a
}

// versions lists the versions of a package, the highest first.
func (u *UI) versions(ctx context.Context, s *subject) ([]releaseRow, error) {
	rows, err := u.releases.of(ctx, s)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		rows[i].URL = s.home() + "/" + url.PathEscape(rows[i].Version)
		for tag, version := range s.tags {
			if version == rows[i].Version {
				rows[i].Tags = append(rows[i].Tags, tag)
			}
		}
		slices.Sort(rows[i].Tags)
	}
	return rows, nil
}
