package webui

import (
	"net/http"
	"net/url"
)

// packageFilesPage is the content of the list of a version's files.
type packageFilesPage struct {
	packageHead
	List *fileList
}

// packageFiles lists the files of a version.
func (u *UI) packageFiles(w http.ResponseWriter, r *http.Request) error {
	s, err := u.subject(r)
	if err != nil {
		return err
	}
	p := packageFilesPage{packageHead: u.head(s, "files")}
	if p.List, err = u.listFiles(r, u.archive(s)); err != nil {
		return err
	}
	return u.render(w, r, http.StatusOK, "packagefiles", p.page(p))
}

// packageFilePage is the content of the page of a file.
type packageFilePage struct {
	packageHead
	Source *sourceView
}

// packageFile shows a file of a version.
func (u *UI) packageFile(w http.ResponseWriter, r *http.Request) error {
	s, err := u.subject(r)
	if err != nil {
		return err
	}
	p := packageFilePage{packageHead: u.head(s, "files")}
	if p.Source, err = u.showSource(r, u.archive(s), r.PathValue("path")); err != nil {
		return err
	}
	page := p.page(p)
	page.Title = visible(p.Source.Path) + " · " + page.Title
	return u.render(w, r, http.StatusOK, "packagefile", page)
}

// packageRaw answers with the bytes of a file of a version.
func (u *UI) packageRaw(w http.ResponseWriter, r *http.Request) error {
	s, err := u.subject(r)
	if err != nil {
		return err
	}
	return u.raw(w, r, u.archive(s), r.PathValue("path"))
}

// packageDiffPage is the content of the page that compares two versions.
type packageDiffPage struct {
	packageHead
	chooser
	Swapped string // the comparison the other way round
	Only    string // the one file that is shown
	All     string // the page of all files
	Diff    *comparison
	Pager   pager
}

// packageDiff compares a version with another one, which was before it.
func (u *UI) packageDiff(w http.ResponseWriter, r *http.Request) error {
	s, err := u.subject(r)
	if err != nil {
		return err
	}
	other, err := u.find(r.Context(), s.Name, r.PathValue("other"))
	if err != nil {
		return err
	}
	at := s.at() + "/diff/" + url.PathEscape(other.version())
	p := packageDiffPage{packageHead: u.head(s, "versions"), Only: r.URL.Query().Get("file"), All: at}
	p.Swapped = other.at() + "/diff/" + url.PathEscape(s.version())
	rows, err := u.versions(r.Context(), s)
	if err != nil {
		return err
	}
	p.chooser = newChooser(s.Name, other.version(), s.version(), rows)
	before, after := u.archive(other).Source, u.archive(s).Source
	p.Diff, err = u.compare(r.Context(), &before, &after, diffWant{
		Manifest: "package.json", Only: p.Only, From: offset(r),
		URL: func(path string) string { return at + "?file=" + url.QueryEscape(path) },
	})
	if err != nil {
		return err
	}
	if p.Only == "" {
		p.Pager = newPager(offset(r), len(p.Diff.Files), p.Diff.Of(), shownChanges)
	}
	page := p.page(p)
	page.Title = p.Name + " " + p.From + " and " + p.Version
	return u.render(w, r, http.StatusOK, "packagediff", page)
}
