// Package changeset joins the domains that know commits, archives and changes, for the API, the pages and the
// comments that tell what became of a commit's packages.
package changeset

import (
	"context"
	"io"

	"github.com/org/registry-action/internal/domain/changes"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/files"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/wire"
)

// Reader tells what became of packages. All of it is required.
type Reader struct {
	Commits *commits.Service
	Files   *files.Service
	Changes *changes.Service
}

// Since compares a commit with its base, and looks into what changed.
func (r Reader) Since(ctx context.Context, sha string, since commits.Since) (wire.Changes, error) {
	c, err := r.Commits.CompareSince(ctx, sha, since)
	if err != nil {
		return wire.Changes{}, err
	}
	all, err := r.Compare(ctx, c.Changes, c.Base != "")
	out := wire.Changes{SHA: c.SHA, Packages: make([]wire.PackageChange, len(all))}
	if c.Base != "" {
		out.Base = &wire.Base{SHA: c.Base, Branch: c.Branch}
	}
	for i, change := range all {
		out.Packages[i] = render(change)
	}
	return out, err
}

// Compare looks into what changed; without a base (based is false) into all that is there.
func (r Reader) Compare(ctx context.Context, list []commits.Change, based bool) ([]changes.Change, error) {
	pairs := make([]changes.Pair, len(list))
	for i, c := range list {
		pairs[i] = changes.Pair{Name: c.Name, Before: r.pkg(c.Before), After: r.pkg(c.After), Same: c.Kind() == commits.Same}
	}
	return r.Changes.Compare(ctx, pairs, based)
}

func (r Reader) pkg(p *commits.Package) *changes.Package {
	if p == nil {
		return nil
	}
	src := Source(r.Commits, *p)
	return &changes.Package{
		ID: src.ID, Kind: kindOf(*p), Commit: p.SHA, Size: p.Artifact.Size, Unpacked: p.Artifact.Unpacked, Archive: r.Files.Archive(src),
	}
}

func kindOf(p commits.Package) changes.Kind {
	switch {
	case p.Zig != nil:
		return changes.Zig
	case p.Lumen != nil:
		return changes.Lumen
	}
	return changes.NPM
}

// Source is the archive of a package of a commit.
func Source(from *commits.Service, p commits.Package) files.Source {
	open := func(ctx context.Context) (io.ReadCloser, error) { return from.Open(ctx, p) }
	if p.Lumen != nil {
		return Flat(p.Artifact.SHA256, open)
	}
	return files.Source{ID: p.Artifact.SHA256.Hex(), Top: true, Open: open}
}

// Flat is an archive that has its files at the top, as those of Lumen.
func Flat(d digest.SHA256, open func(ctx context.Context) (io.ReadCloser, error)) files.Source {
	return files.Source{ID: "flat/" + d.Hex(), Open: open}
}
