package registry

import (
	"context"
	"maps"

	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/domain/search"
	"github.com/org/registry-action/internal/domain/signing"
	"github.com/org/registry-action/internal/domain/upstream"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/store/blob"
)

// What follows joins the domain packages, which do not know each other, to what
// the catalog needs of them.

// sources are what the catalog answers from; u may be nil.
func sources(p *packages.Service, c *commits.Service, u *upstream.Service, k *signing.Service, all *search.Service) catalog.Sources {
	s := catalog.Sources{
		Releases: releases{p}, Index: index{releases{p}, all}, Previews: previews{c},
		Signer: k, Keyrings: []catalog.Keyring{k},
	}
	if u != nil {
		s.Upstream, s.Keyrings = beyond{u}, append(s.Keyrings, u)
	}
	return s
}

// releases is catalog.Releases and catalog.Index.
type releases struct{ *packages.Service }

func (r releases) Version(ctx context.Context, name, versionOrTag string) (catalog.Found, error) {
	v, err := r.Service.Version(ctx, name, versionOrTag)
	if err != nil {
		return catalog.Found{}, err
	}
	return catalog.Found{Version: v.Version, PublishedAt: v.PublishedAt, Checksum: v.Artifact.SHA256.String(), Proof: v.Proof}, nil
}

func (r releases) Tarball(ctx context.Context, name, version string, want catalog.Want) (*catalog.Tarball, error) {
	open := r.Open
	if want.Link != nil {
		open = func(ctx context.Context, name, version string) (*packages.Content, packages.Stored, error) {
			return r.OpenOrLink(ctx, name, version, blob.Answer(*want.Link))
		}
	}
	content, v, err := open(ctx, name, version)
	if err != nil {
		return nil, err
	}
	t := &catalog.Tarball{URL: content.URL, Size: content.Size, ETag: v.Artifact.SHA256.Hex(), PublishedAt: v.PublishedAt}
	if t.URL == "" {
		t.File, t.Closer = content.ReadSeekCloser, content // the file itself, so that the kernel can send it
	}
	return t, nil
}

func (r releases) Search(ctx context.Context, text string, from, size int) ([]catalog.Result, int, error) {
	found, total, err := r.Service.Search(ctx, text, from, size)
	out := make([]catalog.Result, 0, len(found))
	for _, s := range found {
		out = append(out, catalog.Result{
			Name: s.Name, Version: s.Version, Description: s.Description, Keywords: s.Keywords,
			Author: s.Author, Publisher: s.Publisher, Owners: s.Owners, Date: s.Date,
		})
	}
	return out, total, err
}

// previews is catalog.Previews.
type previews struct{ *commits.Service }

func (p previews) Revision(ctx context.Context, repository string) (string, error) {
	return p.PreviewRevision(ctx, repository)
}

// Previews leaves out a package whose package.json can't be made a version of.
func (p previews) Previews(ctx context.Context, repository, name string) (catalog.PreviewSet, error) {
	found, err := p.Service.Previews(ctx, repository, name)
	if err != nil {
		return catalog.PreviewSet{}, err
	}
	set := catalog.PreviewSet{Tags: found.Tags, Until: found.Until}
	there := map[string]bool{}
	for _, pkg := range found.Versions {
		v, err := packument.FromArchive(pkg.Archive)
		if err != nil {
			continue
		}
		a := pkg.Artifact
		v.Name, v.Version = pkg.Name, pkg.Version
		v.Dist = packument.Dist{Integrity: a.Integrity, Shasum: a.Shasum, FileCount: a.Files, UnpackedSize: a.Unpacked}
		set.Versions = append(set.Versions, catalog.Preview{Version: v, PublishedAt: pkg.PublishedAt, Checksum: a.SHA256.String()})
		there[pkg.Version] = true
	}
	if there[found.Latest] {
		set.Latest = found.Latest
	}
	maps.DeleteFunc(set.Tags, func(_, version string) bool { return !there[version] })
	return set, nil
}

func (p previews) Tarball(ctx context.Context, repository, name, version string, want catalog.Want) (*catalog.Tarball, error) {
	pkg, err := p.Preview(ctx, repository, name, version)
	if err != nil {
		return nil, err
	}
	if want.Link != nil {
		link, err := p.Link(ctx, pkg, blob.Answer(*want.Link))
		if err != nil || link != "" {
			return &catalog.Tarball{URL: link, Size: pkg.Artifact.Size, ETag: pkg.Artifact.SHA256.Hex(), PublishedAt: pkg.PublishedAt}, err
		}
	}
	content, err := p.Open(ctx, pkg)
	if err != nil {
		return nil, err
	}
	return &catalog.Tarball{
		File: content.ReadSeeker, Closer: content,
		Size: content.Size, ETag: pkg.Artifact.SHA256.Hex(), PublishedAt: pkg.PublishedAt,
	}, nil
}

// beyond is catalog.Upstream.
type beyond struct{ *upstream.Service }

func (b beyond) Packument(ctx context.Context, name string, f packument.Form, fresh bool) (*catalog.Foreign, error) {
	d, err := b.Service.Packument(ctx, name, f, fresh)
	if err != nil {
		return nil, err
	}
	return &catalog.Foreign{Text: d, Size: d.Size, Form: d.Form, ID: d.ID, Stale: d.Stale}, nil
}

func (b beyond) Tarball(ctx context.Context, name, file string, head bool) (*catalog.Tarball, error) {
	t, err := b.Service.Tarball(ctx, name, file, head)
	if err != nil {
		return nil, err
	}
	out := &catalog.Tarball{Stream: t.Stream, Size: t.Size, ETag: t.ID}
	if t.File != nil {
		out.File, out.Closer = t.File.File, t // the file itself, so that the kernel can send it
	}
	return out, nil
}
