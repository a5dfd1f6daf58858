package webui

import (
	"net/http"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
)

// refPage is the content of the page of a pull request, a branch or a tag.
type refPage struct {
	Fork *forkNote // nil: no fork published them
	commits.History
	Heading, Repository, Home string
	Forge                     string // the ref there
	ForgeCommit               string
	Commit                    link
	Origin                    *origin // of all of them; nil: no one CI run has proven that it made them
	Base                      *link   // what the packages are compared with
	Packages                  []packageRow
	Findings                  review
	Pager                     pager
	Removed                   []string // packages of the base that are gone
	Install                   []command
	Settings                  string
	Earlier                   []earlierRow
	Badge                     badgeLink
}

// earlierRow is a commit that a ref pointed at before.
type earlierRow struct {
	commits.Listed
	Commit  link
	Compare string // with the present one
}

func (u *UI) pull(w http.ResponseWriter, r *http.Request) error { return u.ref(w, r, commits.PR) }

func (u *UI) tree(w http.ResponseWriter, r *http.Request) error { return u.ref(w, r, commits.Branch) }

func (u *UI) tag(w http.ResponseWriter, r *http.Request) error { return u.ref(w, r, commits.Tag) }

// ref is the page of a ref.
func (u *UI) ref(w http.ResponseWriter, r *http.Request, kind commits.RefKind) error {
	ref, err := commits.ParseRef(string(kind) + "/" + r.PathValue("ref"))
	if err != nil {
		return err
	}
	h, err := u.Commits.History(r.Context(), repositoryOf(r), ref)
	if err != nil {
		return err
	}
	c, err := u.Commits.Commit(r.Context(), h.SHA)
	if err != nil {
		return err
	}
	page, err := u.describeRef(r, h, commits.Of(h.Current.Repository.Path, c.Packages))
	if err != nil {
		return err
	}
	return u.render(w, r, http.StatusOK, "ref", Page{
		Title: page.Heading + " of " + page.Repository, Description: "Packages of " + page.Heading + " of " + page.Repository, Data: page,
	})
}

func (u *UI) describeRef(r *http.Request, h commits.History, packages []commits.Package) (refPage, error) {
	place, repo := h.Current.Repository.Path, h.Current.Repository.Base() // a fork's preview registry is another one
	page := refPage{
		Fork: forkOf(packages), History: h, Heading: refTitle(h.Ref), Repository: repo.Path, Home: repositoryPath(repo.Path),
		Forge: forgeURL(repo, forgeRef(h.Kind), h.Name), ForgeCommit: forgeURL(repo, forgeCommit, h.SHA), Commit: commitLink(h.SHA),
		Origin: originOfAll(packages), Badge: u.badgeOf(repo.Path, h.Ref),
	}
	base, before, err := u.changes(r.Context(), repo.Path, h.SHA, packages)
	if err != nil {
		return page, err
	}
	page.Base, page.Removed = base, removed(before)
	page.Install, page.Settings = u.installAll(place, packages, npm.PreviewTag(string(h.Kind), h.Name))
	packages, page.Pager = part(r, packages, maxRows)
	page.Packages = packageRows(packages, before)
	page.Findings = u.findings(r.Context(), packages, page.Packages, before)
	for _, c := range h.Earlier {
		page.Earlier = append(page.Earlier, earlierRow{c, commitLink(c.SHA), comparePath(repo.Path, c.SHA, h.SHA)})
	}
	return page, nil
}

// removed lists the packages that are gone.
func removed(changes map[string]commits.Change) []string {
	var names []string
	for _, c := range sortedByName(changes) {
		if c.Kind() == commits.Removed && len(names) < maxRows {
			names = append(names, shownName(*c.Before))
		}
	}
	return names
}

func commitLink(sha string) link { return link{shortSHA(sha), "/commits/" + sha} }

// repositoryOf is the repository that a page's address names.
func repositoryOf(r *http.Request) string { return r.PathValue("owner") + "/" + r.PathValue("repo") }

// noSuchRange refuses an address of a comparison.
func noSuchRange(text string) error {
	return fault.New(fault.Invalid, "%.300q names no two commits: expected a...b, each a commit, pr-7, branch:main or tag:v1", text)
}
