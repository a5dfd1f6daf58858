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
)

// releases lists the versions of packages. It remembers ours for as long as the package stays at its revision: a
// list is long, and all of it is read to show a part.
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

func (l *releases) upstream(ctx context.Context, name string) ([]releaseRow, error) {
	all, err := l.u.Catalog.Versions(ctx, l.u.npmRoot(), name)
	var rows []releaseRow
	for _, v := range all {
		rows = append(rows, releaseRow{Version: v})
	}
	return rows, err
}
