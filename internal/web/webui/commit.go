package webui

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/kind"
)

// link is a text that leads somewhere; the URL is below the base.
type link struct{ Text, URL string }

// commitPage is the content of a commit's page.
type commitPage struct {
	SHA, Short         string
	Published, Expires time.Time
	Groups             []commitGroup
	Count              int
	Pager              pager
}

// commitGroup is what one repository has in a commit.
type commitGroup struct {
	Fork       *forkNote // nil: no fork published them
	Repository string    // "" if it was published for none
	URL        string    // its page, "" if there is none
	Forge      string    // the commit there
	Refs       []link
	Base       *link   // what the packages are compared with
	Origin     *origin // of all of them; nil: no one CI run has proven that it made them
	Packages   []packageRow
	Findings   review
	Install    []command // of all npm packages of the commit
	Settings   string    // of a project that keeps them
}

// packageRow is a package in a list.
type packageRow struct {
	Name, URL, Kind, Version, Size string
	Status                         commits.ChangeKind // against the base; "": there is none
	Growth                         string
}

// maxRows bounds the rows of a table, and maxInstalled the packages that one line installs.
const (
	maxRows      = 100
	maxInstalled = 10
)

// commit is the page of all packages of a commit.
func (u *UI) commit(w http.ResponseWriter, r *http.Request) error {
	c, err := u.Commits.Commit(r.Context(), r.PathValue("sha"))
	if err != nil {
		return err
	}
	if r.PathValue("sha") != c.SHA { // what a prefix means can change
		return u.moved(w, r, "/commits/"+c.SHA)
	}
	page := commitPage{SHA: c.SHA, Short: shortSHA(c.SHA), Published: c.PublishedAt, Expires: c.ExpiresAt, Count: len(c.Packages)}
	slices.SortStableFunc(c.Packages, func(a, b commits.Package) int { return strings.Compare(a.Repository.String(), b.Repository.String()) })
	var shown []commits.Package
	shown, page.Pager = part(r, c.Packages, maxRows)
	for len(shown) > 0 {
		n := 0
		for n < len(shown) && shown[n].Repository == shown[0].Repository {
			n++
		}
		group, err := u.group(r.Context(), c, shown[:n])
		if err != nil {
			return err
		}
		page.Groups, shown = append(page.Groups, group), shown[n:]
	}
	return u.render(w, r, http.StatusOK, "commit", Page{Title: "Commit " + page.Short, Description: "Packages of commit " + c.SHA, Data: page})
}

// group describes packages of a commit that have one repository.
func (u *UI) group(ctx context.Context, c commits.Commit, shown []commits.Package) (commitGroup, error) {
	repo := shown[0].Repository
	base := repo.Base().Path
	g := commitGroup{Repository: base, Forge: forgeURL(repo, forgeCommit, c.SHA)}
	all := slices.DeleteFunc(slices.Clone(c.Packages), func(p commits.Package) bool { return p.Repository != repo })
	g.Origin = originOfAll(all)
	var before map[string]commits.Change
	g.Fork = forkOf(all)
	if hasPages(base) {
		g.URL = repositoryPath(base)
		refs, err := u.Commits.RefsAt(ctx, repo.Path, c.SHA)
		if err != nil {
			return g, err
		}
		for _, ref := range refs {
			g.Refs = append(g.Refs, link{refTitle(ref), refPath(base, ref)})
		}
		if g.Base, before, err = u.changes(ctx, base, c.SHA, all); err != nil {
			return g, err
		}
		g.Install, g.Settings = u.installAll(repo.Path, all, "")
	}
	g.Packages = packageRows(shown, before)
	g.Findings = u.findings(ctx, shown, g.Packages, before)
	return g, nil
}

// changes compares the packages of a commit with those of its base; without one base is nil.
func (u *UI) changes(ctx context.Context, repository, sha string, packages []commits.Package) (base *link, by map[string]commits.Change, err error) {
	from, err := u.Commits.Base(ctx, repository, sha)
	if err != nil || from == "" {
		return nil, nil, err
	}
	old, err := u.Commits.Commit(ctx, from)
	if errors.Is(err, fault.NotFound) { // it has just expired
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	by = map[string]commits.Change{}
	for _, c := range commits.Compare(commits.Of(repository, old.Packages), packages) {
		by[c.Name] = c
	}
	return &link{shortSHA(from), comparePath(repository, from, sha)}, by, nil
}

// packageRows lists packages, with what became of them where there is something to compare with.
func packageRows(packages []commits.Package, before map[string]commits.Change) []packageRow {
	var rows []packageRow
	for _, p := range packages {
		row := packageRow{Name: shownName(p), URL: packagePath(p), Kind: kindOf(p), Version: p.Version, Size: formatBytes(p.Artifact.Size)}
		if c, ok := before[p.Name]; ok {
			row.Status, row.Growth = c.Kind(), formatGrowth(c)
		}
		rows = append(rows, row)
	}
	return rows
}

// kindOf is the badge of a package that is not npm's.
func kindOf(p commits.Package) string {
	switch {
	case p.Zig != nil:
		return "Zig"
	case p.Lumen != nil:
		return "Lumen"
	}
	return ""
}

// shownName is a package's name without what tells its kind.
func shownName(p commits.Package) string {
	_, plain := kind.Of(p.Name)
	return plain
}

// packagePath is the page of a package of a commit.
func packagePath(p commits.Package) string { return "/commits/" + p.SHA + "/" + escapePath(p.Name) }

// formatGrowth says how much larger a package has become; "" if it is as large as before, or was not there.
func formatGrowth(c commits.Change) string {
	n := c.Growth()
	switch {
	case c.Before == nil || c.After == nil || n == 0:
		return ""
	case n < 0:
		return "−" + formatBytes(-n)
	}
	return "+" + formatBytes(n)
}

// moved leads to the address that a page has for good.
func (u *UI) moved(w http.ResponseWriter, r *http.Request, path string) error {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Vary", "Accept, Cookie")
	http.Redirect(w, r, u.base+path, http.StatusFound)
	return nil
}
