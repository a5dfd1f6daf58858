package webui

import (
	"net/http"

	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
)

// repositoryPage is the content of a repository's page.
type repositoryPage struct {
	commits.Overview
	Path, Forge string
	Kinds       []refList
	Commits     []commitRow
	Pager       pager
	Registry    string    // the preview registry
	Install     []command // of a package, as an example; none if there is no npm package
	Settings    string
	Badge       badgeLink
}

// refList is the refs of one kind.
type refList struct {
	Title string
	Rows  []refRow
	More  int // that are not listed
}

type refRow struct {
	commits.Placed
	Link   link
	Commit link
	Tag    string // its dist-tag in the preview registry
}

type commitRow struct {
	commits.Listed
	Commit link
	Refs   []link
}

// repository is the page of a repository. npm has versions of packages at such addresses: who follows one gets the
// package's page.
func (u *UI) repository(w http.ResponseWriter, r *http.Request) error {
	path := repositoryOf(r)
	o, err := u.Commits.Overview(r.Context(), path, offset(r))
	if isGone(err) && u.hasPackage(r, r.PathValue("owner")) {
		return u.moved(w, r, "/packages/"+escapePath(r.PathValue("owner"))+"/"+escapePath(r.PathValue("repo")))
	}
	if isGone(err) {
		return fault.Wrap(err, fault.NotFound, "%.200q is not here: no commit of a repository of this owner and name was published.", path).WithCode("no_repository")
	}
	if err != nil {
		return err
	}
	page := u.describeRepository(o, offset(r))
	return u.render(w, r, http.StatusOK, "repository", Page{Title: page.Path, Description: "Previews of " + page.Path, Data: page})
}

// hasPackage reports whether an address is one of a version of an npm package.
func (u *UI) hasPackage(r *http.Request, name string) bool {
	_, err := u.Catalog.Version(r.Context(), catalog.Root{}, name, r.PathValue("repo"))
	return err == nil
}

func (u *UI) describeRepository(o commits.Overview, from int) repositoryPage {
	path := o.Repository.Path
	page := repositoryPage{
		Overview: o, Path: path, Forge: forgeURL(o.Repository, nil, ""), Registry: u.previewRegistry(path) + "/",
		Pager: newPager(min(from, o.Total), len(o.Commits), o.Total, commits.MaxOverviewCommits), Badge: u.badgeOf(path, o.Default),
	}
	at := map[string][]link{} // refs by the commit they point at
	for _, kind := range []struct {
		commits.RefKind
		title string
	}{{commits.Branch, "Branches"}, {commits.PR, "Pull requests"}, {commits.Tag, "Tags"}} {
		list := refList{Title: kind.title, More: o.RefCount[kind.RefKind] - len(o.Refs[kind.RefKind])}
		for _, ref := range o.Refs[kind.RefKind] {
			row := refRow{ref, link{refName(ref.Ref), refPath(path, ref.Ref)}, commitLink(ref.SHA), npm.PreviewTag(string(ref.Kind), ref.Name)}
			list.Rows = append(list.Rows, row)
			at[ref.SHA] = append(at[ref.SHA], row.Link)
		}
		if len(list.Rows) > 0 {
			page.Kinds = append(page.Kinds, list)
		}
	}
	for _, c := range o.Commits {
		page.Commits = append(page.Commits, commitRow{c, commitLink(c.SHA), at[c.SHA]})
	}
	page.Install, page.Settings = u.example(o)
	return page
}

// refName is a ref among others of its kind.
func refName(ref commits.Ref) string {
	if ref.Kind == commits.PR {
		return "#" + ref.Name
	}
	return ref.Name
}

// example installs a package of the newest commit by the tag of the default branch, or by its version.
func (u *UI) example(o commits.Overview) ([]command, string) {
	if len(o.Commits) == 0 {
		return nil, ""
	}
	newest := o.Commits[0]
	for _, name := range newest.Packages {
		if npm.ValidName(name) != nil { // it is of Zig or Lumen
			continue
		}
		spec := name + "@" + npm.PreviewVersion(newest.SHA)
		return u.fromRegistry(u.previewRegistry(o.Repository.Path), []string{spec}), npmrc(u.previewRegistry(o.Repository.Path), []string{name})
	}
	return nil, ""
}
