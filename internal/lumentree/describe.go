package lumentree

import (
	"context"
	"io"
	"slices"

	"github.com/org/registry-action/internal/format/lumen"
)

// shown is the version that stands for a package: the latest, or the highest where all are yanked, as with a server.
func shown(x lumen.PackageIndex) string {
	if latest := lumen.Latest(x.Versions, x.Yanked); latest != "" {
		return latest
	}
	return slices.MaxFunc(x.Versions, lumen.Compare)
}

// about is what a package's index repeats of the version that stands for it.
type about struct {
	description string
	categories  []string
}

// describe lets the package's index repeat another version. What it has of its own, somebody has written by hand, and it stays.
func (w *publisher) describe(ctx context.Context, was, now string) {
	if was == now {
		return
	}
	x, old, next := &w.packages, w.aboutOf(ctx, was), w.aboutOf(ctx, now)
	if x.Description == old.description {
		x.Description = next.description
	}
	if slices.Equal(x.Categories, old.categories) {
		x.Categories = next.categories
	}
}

// aboutOf reads a version. What can't be read is as the index has it: a yank must not fail for another version that is broken.
func (w *publisher) aboutOf(ctx context.Context, version string) about {
	a := about{w.packages.Description, w.packages.Categories}
	if lumen.ValidVersion(version) != nil {
		return a
	}
	text, err := readDocument(ctx, w.to, lumen.MetadataPath(w.pkg.Manifest.Name, version))
	if err != nil {
		return a
	}
	m, err := lumen.DecodeMetadata(text)
	if err != nil {
		return a
	}
	a.description = m.Description
	if len(m.Artifacts) > 0 {
		if categories, ok := w.categories(ctx, m.Artifacts[0].URL); ok {
			a.categories = categories
		}
	}
	return a
}

// categories reads them in an archive, which alone has them.
func (w *publisher) categories(ctx context.Context, url string) (categories []string, ok bool) {
	path, inside := relative(url)
	if !inside {
		return nil, false
	}
	body, err := w.to.Open(ctx, path)
	if err != nil {
		return nil, false
	}
	defer body.Close() // it is only read
	archive, err := lumen.Check(body, io.Discard, lumen.Limits{})
	return archive.Manifest.Categories, err == nil
}
