package webui

import (
	"net/http"
	"net/url"
)

// commitDiffPage is the content of the page that compares a package's files in two commits.
type commitDiffPage struct {
	Shown         string
	Before, After link
	Package, All  string // the page of the package, and that of all packages of the two commits
	Self, File    string
	Diff          *comparison
	Pager         pager
}

// commitDiff is the page of what is different in a package since another commit.
func (u *UI) commitDiff(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	after, err := u.Commits.Package(r.Context(), r.PathValue("sha"), name)
	if err != nil {
		return err
	}
	before, err := u.Commits.Package(r.Context(), r.PathValue("other"), name)
	if err != nil {
		return err
	}
	page := commitDiffPage{
		Shown: shownName(after), Before: commitLink(before.SHA), After: commitLink(after.SHA), Package: packagePath(after),
		Self: packagePath(after) + "/diff/" + before.SHA, File: r.URL.Query().Get("file"),
	}
	if after.Repository.Same(before.Repository) && hasPages(after.Repository.Path) {
		page.All = comparePath(after.Repository.Path, before.SHA, after.SHA)
	}
	want := diffWant{Only: page.File, From: offset(r), URL: func(path string) string { return page.Self + "?file=" + url.QueryEscape(path) }}
	if kindOf(after) == "" {
		want.Manifest = "package.json"
	}
	from, to := u.commitSource(before), u.commitSource(after)
	if page.Diff, err = u.compare(r.Context(), &from, &to, want); err != nil {
		return err
	}
	if page.File == "" {
		page.Pager = newPager(min(offset(r), page.Diff.Of()), len(page.Diff.Files), page.Diff.Of(), shownChanges)
	}
	return u.render(w, r, http.StatusOK, "commitdiff", Page{Title: page.Shown + " since " + page.Before.Text, Data: page})
}
