package registry

import (
	"context"
	"errors"
	"iter"
	"path/filepath"

	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/domain/search"
	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
)

// openSearch opens the index of everything that is here. It comes last of what a start may fail with.
func (r *Registry) openSearch() (err error) {
	c := r.config
	r.search, err = search.Open(filepath.Join(c.DataDir, "search"), map[search.Kind]search.Source{
		search.NPM:    shelf[packages.Summary]{search.NPM, r.packages, documentOfPackage, func(ctx context.Context) iter.Seq2[packages.Summary, error] { return r.packages.List(ctx, "") }},
		search.Zig:    shelf[zigpackages.Summary]{search.Zig, r.zig, documentOfZig, r.zig.List},
		search.Lumen:  shelf[lumenpackages.Summary]{search.Lumen, r.lumen, documentOfLumen, r.lumen.List},
		search.Commit: shelf[commits.Summary]{search.Commit, r.commits, documentOfRepository, r.commits.List},
	}, search.Options{Feed: r.stores.db, Settle: r.stores.settle, Popularity: popularity{r.stats}, Now: c.Now, Log: c.Log})
	return err
}

// closeSearch ends what keeps the index up to date.
func (r *Registry) closeSearch() error {
	if r.search == nil {
		return nil
	}
	return r.search.Close()
}

// shelf is search.Source.
type shelf[S any] struct {
	kind search.Kind
	from interface {
		Summary(ctx context.Context, name string) (S, error)
	}
	document func(S) search.Document
	list     func(ctx context.Context) iter.Seq2[S, error]
}

// Read implements search.Source.
func (s shelf[S]) Read(ctx context.Context, key string) (search.Document, bool, error) {
	sum, err := s.from.Summary(ctx, key)
	if errors.Is(err, fault.NotFound) {
		return search.Document{}, false, nil
	}
	return s.document(sum), err == nil, err
}

// List implements search.Source.
func (s shelf[S]) List(ctx context.Context) iter.Seq2[search.Document, error] {
	return func(yield func(search.Document, error) bool) {
		for sum, err := range s.list(ctx) {
			if !yield(s.document(sum), err) {
				return
			}
		}
	}
}

func documentOfPackage(s packages.Summary) search.Document {
	return search.Document{
		Kind: search.NPM, Key: s.Name, Name: s.Name, Version: s.Version, Description: s.Description, Keywords: s.Keywords,
		Author: s.Author, Publisher: s.Publisher, Owners: s.Owners, Depends: s.Dependencies, Modified: s.Date,
	}
}

func documentOfZig(s zigpackages.Summary) search.Document {
	return search.Document{
		Kind: search.Zig, Key: zigpackages.Key(s.Name), Name: s.Name, Version: s.Version, Description: s.Description,
		Publisher: s.Publisher, Modified: s.Date,
	}
}

func documentOfLumen(s lumenpackages.Summary) search.Document {
	return search.Document{
		Kind: search.Lumen, Key: s.Name, Name: s.Name, Version: s.Latest, Description: s.Description, Keywords: s.Categories, Modified: s.Modified,
	}
}

func documentOfRepository(s commits.Summary) search.Document {
	path := s.Repository.Path
	return search.Document{
		Kind: search.Commit, Key: commits.Key(s.Repository), Name: path, Version: s.SHA, Publisher: s.Publisher, Packages: s.Packages, Modified: s.PublishedAt,
	}
}

// popularity is search.Popularity.
type popularity struct{ *stats.Service }

// monthDays is what npm calls a month of downloads.
const monthDays = 30

// Monthly sums up what was downloaded of a package.
func (p popularity) Monthly(ctx context.Context, kind search.Kind, name string) (sum int64, err error) {
	days, err := p.Timeline(ctx, name, "", []stats.Kind{stats.Kind(kind)}, monthDays)
	for _, d := range days {
		sum += d.Count
	}
	return sum, err
}

// What follows searches the packages of one protocol. Until the index has all there is, the rows themselves are
// searched: that takes longer, and knows no filters and no typos, but leaves nothing out.

// index is catalog.Index.
type index struct {
	releases
	all *search.Service
}

// Search finds packages of npm; there are none in a text that asks for other kinds.
func (x index) Search(ctx context.Context, text string, from, size int) ([]catalog.Result, int, error) {
	if !x.all.Complete() {
		return x.releases.Search(ctx, text, from, size)
	}
	found, err := x.all.Search(ctx, search.Query{Text: text, Kinds: []search.Kind{search.NPM}, From: from, Size: size})
	out := make([]catalog.Result, 0, len(found.Documents))
	for _, d := range found.Documents {
		out = append(out, catalog.Result{
			Name: d.Name, Version: d.Version, Description: d.Description, Keywords: d.Keywords, Author: d.Author,
			Publisher: d.Publisher, Owners: d.Owners, Date: d.Modified, Downloads: d.Downloads,
		})
	}
	return out, found.Total, err
}

// zigIndex is zigapi.Index.
type zigIndex struct {
	*zigpackages.Service
	all *search.Service
}

// Search finds Zig packages.
func (x zigIndex) Search(ctx context.Context, text string, offset, limit int) ([]zigpackages.Summary, int, error) {
	if err := zigpackages.CheckSearch(text); err != nil || !x.all.Complete() {
		return x.Service.Search(ctx, text, offset, limit)
	}
	found, err := x.all.Search(ctx, search.Query{Text: text, Kinds: []search.Kind{search.Zig}, From: offset, Size: limit})
	out := make([]zigpackages.Summary, 0, len(found.Documents))
	for _, d := range found.Documents {
		out = append(out, zigpackages.Summary{Name: d.Name, Version: d.Version, Description: d.Description, Publisher: d.Publisher, Date: d.Modified})
	}
	return out, found.Total, err
}

// lumenIndex is lumenapi.Index.
type lumenIndex struct {
	*lumenpackages.Service
	all *search.Service
}

// Search finds Lumen packages.
func (x lumenIndex) Search(ctx context.Context, text string, offset, limit int) ([]lumen.IndexEntry, int, error) {
	if err := lumenpackages.CheckSearch(text); err != nil || !x.all.Complete() {
		return x.Service.Search(ctx, text, offset, limit)
	}
	found, err := x.all.Search(ctx, search.Query{Text: text, Kinds: []search.Kind{search.Lumen}, From: offset, Size: limit})
	out := make([]lumen.IndexEntry, 0, len(found.Documents))
	for _, d := range found.Documents {
		out = append(out, lumenpackages.Summary{Name: d.Name, Latest: d.Version, Description: d.Description, Modified: d.Modified}.Entry())
	}
	return out, found.Total, err
}
