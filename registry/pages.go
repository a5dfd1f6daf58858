package registry

import (
	"context"
	"sync"
	"time"

	"github.com/org/registry-action/internal/domain/changes"
	"github.com/org/registry-action/internal/domain/search"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/web/webui"
)

// siteName is what the pages call the registry.
const siteName = "Registry"

// What a page of a commit looks into, which people wait for: the API tells more.
const (
	findingsOf   = 30 // packages
	findingsTime = 3 * time.Second
)

// pages are what people see of all this.
func (r *Registry) pages() *webui.UI {
	c := r.config
	return webui.New(webui.Config{
		Catalog: r.catalog, Packages: r.packages, Commits: r.commits, Zig: r.zig, Lumen: r.lumen, Auth: r.auth, Trust: r.trust,
		Files: r.changes.Files, Changes: changes.New(changes.Options{Packages: findingsOf, Time: findingsTime, Log: c.Log}), Stats: r.stats, Search: finder{r.search}, Storage: &usage{blobs: r.stores.raw, now: c.Now},
		Site: siteName, BaseURL: c.BaseURL, Version: c.Version, Log: c.Log,
	})
}

// finder is webui.Finder.
type finder struct{ all *search.Service }

// Search implements webui.Finder.
func (f finder) Search(ctx context.Context, query string, from, size int) ([]webui.Found, int, error) {
	found, err := f.all.Search(ctx, search.Query{Text: query, From: from, Size: size})
	return shown(found.Documents), found.Total, err
}

// Suggest implements webui.Finder.
func (f finder) Suggest(ctx context.Context, prefix string, limit int) ([]webui.Found, error) {
	all, err := f.all.Suggest(ctx, prefix, nil, limit)
	return shown(all), err
}

// Dependents implements webui.Finder.
func (f finder) Dependents(ctx context.Context, name string, from, size int) ([]webui.Found, int, error) {
	found, err := f.all.Dependents(ctx, search.NPM, name, from, size)
	return shown(found.Documents), found.Total, err
}

// Recent implements webui.Finder.
func (f finder) Recent(ctx context.Context, limit int) ([]webui.Found, error) {
	all, err := f.all.Recent(ctx, limit)
	return shown(all), err
}

func shown(all []search.Document) []webui.Found {
	out := make([]webui.Found, len(all))
	for i, d := range all {
		out[i] = webui.Found{Kind: string(d.Kind), Name: d.Name, Version: d.Version, Description: d.Description, Publisher: d.Publisher, Modified: d.Modified}
	}
	return out
}

// How counting what is stored is bounded.
const (
	usageFor   = 10 * time.Minute // what was counted is shown
	usageLimit = 1_000_000        // blobs of a space
	usageTime  = 20 * time.Second
)

// usage is webui.Storage: it counts blobs by listing them, for one at a time.
type usage struct {
	blobs blob.Store
	now   func() time.Time

	mu      sync.Mutex
	counted time.Time
	spaces  []webui.Usage
}

// Usage counts what is stored, unless that was done lately.
func (u *usage) Usage(ctx context.Context) ([]webui.Usage, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.spaces != nil && u.now().Sub(u.counted) < usageFor {
		return u.spaces, nil
	}
	limited, cancel := context.WithTimeout(ctx, usageTime)
	defer cancel()
	var spaces []webui.Usage
	for _, s := range []struct {
		space blob.Space
		name  string
	}{{blob.Packages, "released packages"}, {blob.Commits, "packages of commits"}} {
		counted, err := u.count(limited, s.space)
		if err != nil {
			return nil, err
		}
		counted.Name = s.name
		spaces = append(spaces, counted)
	}
	u.counted, u.spaces = u.now(), spaces
	return spaces, nil
}

// count adds up a space. One that takes too long is counted in part.
func (u *usage) count(ctx context.Context, space blob.Space) (webui.Usage, error) {
	var sum webui.Usage
	for b, err := range u.blobs.List(ctx, space, digest.SHA256{}) {
		if sum.Partial = sum.Objects >= usageLimit || ctx.Err() == context.DeadlineExceeded; sum.Partial {
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
		sum.Objects++
		sum.Bytes += b.Size
	}
	return sum, nil
}
