package webui

import (
	"context"
	"errors"
	"time"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/memo"
)

const (
	topRows      = 5           // of a kind
	topVersions  = 5           // of a package of commits, of which one may be here
	keptPreviews = 100         // packages of commits whose page is remembered
	keepPreview  = time.Minute // how long
)

// topList is the packages of one kind that are downloaded most.
type topList struct {
	Title string
	Rows  []downloaded
}

// downloaded is a package with its downloads. Of one of a commit Kind is its kind, unless it is npm's, and Of the commit.
type downloaded struct {
	Name, Kind, Of, URL string
	Downloads           int64
}

// topTitles are the kinds, in the order in which they are shown.
var topTitles = []struct {
	stats.Kind
	title string
}{{stats.NPM, "npm"}, {stats.Commit, "Of commits"}, {stats.Zig, "Zig"}, {stats.Lumen, "Lumen"}}

// top is what was downloaded most this month, of each kind. A page without it is better than none.
func (u *UI) top(ctx context.Context) []topList {
	var all []topList
	for _, kind := range topTitles {
		ranked, err := u.Stats.Top(ctx, []stats.Kind{kind.Kind}, stats.Month, topRows)
		if err != nil {
			u.Log.WarnContext(ctx, "reading the most downloaded packages", "kind", kind.Kind, "err", err)
			return all
		}
		list := topList{Title: kind.title}
		for _, d := range ranked {
			row := downloaded{Name: d.Name, URL: pageOf(string(d.Kind), d.Name)}
			if d.Kind == stats.Commit {
				row = u.previewOf(ctx, d.Name)
			}
			if row.URL != "" {
				row.Downloads = d.Downloads
				list.Rows = append(list.Rows, row)
			}
		}
		if len(list.Rows) > 0 {
			all = append(all, list)
		}
	}
	return all
}

// previewOf is a package of commits, as of the commit from which it was downloaded last; zero if that is gone, or is what
// a fork proposes. Downloads know only the package.
func (u *UI) previewOf(ctx context.Context, name string) downloaded {
	if at, ok := u.previews.Get(name); ok {
		return at
	}
	at, err := u.findPreview(ctx, name)
	if err != nil {
		u.Log.WarnContext(ctx, "finding the page of a package of commits", "package", name, "err", err)
		return downloaded{}
	}
	u.previews.Put(name, at, keepPreview)
	return at
}

func newPreviewPages() *memo.Memo[downloaded] { return memo.New[downloaded](keptPreviews, time.Now) }

func (u *UI) findPreview(ctx context.Context, name string) (downloaded, error) {
	versions, err := u.Stats.Lately(ctx, stats.Commit, name, topVersions)
	if err != nil {
		return downloaded{}, err
	}
	for _, version := range versions {
		p, err := u.Commits.Package(ctx, npm.PreviewCommit(version), name)
		if err == nil && !p.FromFork() {
			return downloaded{Name: shownName(p), Kind: kindOf(p), Of: ofCommit(p), URL: packagePath(p)}, nil
		}
		if _, public := fault.Public(err); err != nil && !public || errors.Is(err, fault.Unavailable) { // else it is gone, or its digits are another's too
			return downloaded{}, err
		}
	}
	return downloaded{}, nil
}

// ofCommit says where a package is from.
func ofCommit(p commits.Package) string {
	if p.Repository.IsZero() {
		return shortSHA(p.SHA)
	}
	return p.Repository.Base().Path + " " + shortSHA(p.SHA)
}
