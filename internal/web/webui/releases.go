package webui

import (
	"context"
	"slices"
	"time"

	"github.com/org/registry-action/internal/memo"
)

const (
	maxReleaseLists = 64 // packages whose versions are remembered
	keepReleases    = time.Hour
	keepUpstream    = time.Minute
)

// releases lists the versions of packages. It remembers ours for as long as the package stays at its revision, and
// upstream's for a moment: a list is long, and all of it is read to show a part.
type releases struct {
	u     *UI
	known *memo.Memo[releaseList]
}

type releaseList struct {
	revision string
	rows     []releaseRow // without what is told of a page: their tags and addresses
}

func newReleases(u *UI) *releases {
	return &releases{u, memo.New[releaseList](maxReleaseLists, time.Now)}
}

// of lists the versions of a package, the highest first. The rows are the caller's.
func (l *releases) of(ctx context.Context, s *subject) ([]releaseRow, error) {
	if s.ours == nil {
		return l.upstream(ctx, s.Name)
	}
	if list, ok := l.known.Get(s.Name); ok && list.revision == s.ours.Revision {
		return slices.Clone(list.rows), nil
	}
	p, err := l.u.Packages.Package(ctx, s.Name)
	if err != nil {
		return nil, err
	}
	list := releaseList{revision: p.Revision}
	for _, v := range slices.Backward(p.Versions) {
		list.rows = append(list.rows, releaseRow{Version: v.Version.Version, Published: v.PublishedAt, Size: v.Artifact.Size, Deprecated: v.Deprecated})
	}
	l.known.Put(s.Name, list, keepReleases)
	return slices.Clone(list.rows), nil
}

// upstream lists the versions of a package of upstream, with their dates as far as it tells them.
func (l *releases) upstream(ctx context.Context, name string) ([]releaseRow, error) {
	key := "upstream " + name
	if list, ok := l.known.Get(key); ok {
		return slices.Clone(list.rows), nil
	}
	all, err := l.u.Catalog.Versions(ctx, l.u.npmRoot(), name)
	if err != nil {
		return nil, err
	}
	dates, err := l.u.Catalog.Dates(ctx, name)
	if err != nil {
		return nil, err
	}
	var list releaseList
	for _, v := range all {
		list.rows = append(list.rows, releaseRow{Version: v, Published: dates[v]})
	}
	l.known.Put(key, list, keepUpstream)
	return slices.Clone(list.rows), nil
}
