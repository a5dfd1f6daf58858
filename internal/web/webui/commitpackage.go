package webui

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
)

// commitPackagePage is the content of the page of one package of a commit.
type commitPackagePage struct {
	commits.Package
	Shown, Kind, Short string
	Commit, Tarball    string // addresses, below the base
	Repository         string
	Home               string // the repository's page, "" if it has none
	Forge              string
	Install            []command // from the preview registry, or as a package of its kind is used
	ByURL              []command
	Settings           string
	Compilers          []string
	FilesURL           string
	Readme             readmeView
	Fork               *forkNote // nil: no fork published it
	Chart              *chart
	Origin             *origin // nil: no CI run has proven that it made this
}

// commitPackage is the page of a package of a commit.
func (u *UI) commitPackage(w http.ResponseWriter, r *http.Request) error {
	sha, name := r.PathValue("sha"), r.PathValue("name")
	p, err := u.Commits.Package(r.Context(), sha, name)
	if base, ok := strings.CutSuffix(name, ".tgz"); ok && errors.Is(err, fault.NotFound) {
		if p, err = u.Commits.Package(r.Context(), sha, base); err == nil { // what the API has at this address
			return u.moved(w, r, packagePath(p)+"/tarball")
		}
	}
	if name == "changes" && errors.Is(err, fault.NotFound) { // what the API has at this address the commit's page says
		return u.moved(w, r, "/commits/"+url.PathEscape(sha))
	}
	if err != nil {
		return err
	}
	if sha != p.SHA {
		return u.moved(w, r, packagePath(p))
	}
	page := u.describePackage(p)
	page.Readme = u.tryReadme(r.Context(), u.archiveOf(p))
	page.Chart = u.chartOf(r.Context(), "Downloads of "+page.Shown, p.Name, npm.PreviewVersion(p.SHA), stats.Commit)
	return u.render(w, r, http.StatusOK, "commitpackage", Page{
		Title: page.Shown + " of commit " + page.Short, Description: page.Shown + " as built from commit " + p.SHA, Data: page,
	})
}

func (u *UI) describePackage(p commits.Package) commitPackagePage {
	repo := p.Repository.Base()
	page := commitPackagePage{
		Fork: forkOf([]commits.Package{p}), Package: p, Shown: shownName(p), Kind: kindOf(p), Short: shortSHA(p.SHA), Commit: "/commits/" + p.SHA, Tarball: packagePath(p) + "/tarball",
		FilesURL: packagePath(p) + "/files", Origin: originOf(p.Proof),
		Repository: repo.Path, Forge: forgeURL(p.Repository, forgeCommit, p.SHA),
	}
	if hasPages(repo.Path) {
		page.Home = repositoryPath(repo.Path)
	}
	switch {
	case p.Zig != nil:
		page.Install, page.Compilers = u.ofZig(p), p.Zig.Compilers
	case p.Lumen != nil:
		page.Install = u.ofLumen(p)
	default:
		if page.Home != "" {
			page.Install, page.Settings = u.installAll(p.Repository.Path, []commits.Package{p}, "")
		}
		page.ByURL = u.byURL(p)
	}
	return page
}
