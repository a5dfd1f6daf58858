package webui

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/manifestdiff"
	"github.com/org/registry-action/internal/format/packument"
)

// releaseRow is a version in the list of a package's.
type releaseRow struct {
	Version, URL string
	Tags         []string
	Published    time.Time // zero: not known
	Size         int64     // 0: not known
	Deprecated   string
}

// versionsPage is the content of the list of a package's versions.
type versionsPage struct {
	packageHead
	chooser
	Rows     []releaseRow
	Pager    pager
	DistTags []tagRow
}

// chooser lets choose two versions to compare.
type chooser struct {
	Of, From, To string
	Versions     []string
}

func newChooser(name, from, to string, rows []releaseRow) chooser {
	c := chooser{Of: name, From: from, To: to}
	for _, row := range rows[:min(len(rows), maxChoices)] {
		c.Versions = append(c.Versions, row.Version)
	}
	return c
}

// tagRow is a dist-tag.
type tagRow struct{ Tag, Version, URL string }

// maxChoices bounds the versions that a form lets choose from.
const maxChoices = 200

// packageVersions lists the versions of a package.
func (u *UI) packageVersions(w http.ResponseWriter, r *http.Request) error {
	s, err := u.subject(r)
	if err != nil {
		return err
	}
	rows, err := u.versions(r.Context(), s)
	if err != nil {
		return err
	}
	p := versionsPage{packageHead: u.head(s, "versions")}
	from := s.version()
	if len(rows) > 1 {
		from = rows[1].Version
	}
	p.chooser = newChooser(s.Name, from, s.version(), rows)
	p.Rows, p.Pager = part(r, rows, maxRows)
	for tag, version := range s.tags {
		p.DistTags = append(p.DistTags, tagRow{tag, version, s.home() + "/" + url.PathEscape(version)})
	}
	slices.SortFunc(p.DistTags, func(a, b tagRow) int { return cmp.Compare(a.Tag, b.Tag) })
	p.DistTags = p.DistTags[:min(len(p.DistTags), maxRows)]
	return u.render(w, r, http.StatusOK, "packageversions", p.page(p))
}

// dependenciesPage is the content of the list of what a version depends on, and of what depends on the package.
type dependenciesPage struct {
	packageHead
	Groups     []dependencyGroup
	Dependents dependents
}

// dependents is a page of the packages here whose latest version depends on some package.
type dependents struct {
	Rows    []Found
	Pager   pager
	Unknown bool // they could not be found out
}

// dependencyGroup is one of the fields of a manifest that name dependencies.
type dependencyGroup struct {
	Label string
	Rows  []dependency
	Left  int
}

// dependency is a package that a version asks for.
type dependency struct{ Name, Range, URL string }

// dependencyFields are the fields with what they are called.
var dependencyFields = []link{
	{"Dependencies", "dependencies"}, {"Optional dependencies", "optionalDependencies"},
	{"Peer dependencies", "peerDependencies"}, {"Development dependencies", "devDependencies"},
}

// packageDependencies lists what a version depends on.
func (u *UI) packageDependencies(w http.ResponseWriter, r *http.Request) error {
	s, err := u.subject(r)
	if err != nil {
		return err
	}
	p := dependenciesPage{packageHead: u.head(s, "dependencies")}
	for _, field := range dependencyFields {
		members, err := packument.ParseObject(s.Manifest.Get(field.URL))
		if err != nil || len(members) == 0 {
			continue
		}
		g := dependencyGroup{Label: field.Text, Left: max(0, len(members)-maxRows)}
		for _, m := range members[:min(len(members), maxRows)] {
			g.Rows = append(g.Rows, dependency{shorten(m.Key, 214), shorten(manifestdiff.Value(m.Value), maxChangedValue), packagesPath + url.PathEscape(m.Key)})
		}
		p.Groups = append(p.Groups, g)
	}
	p.Dependents = u.dependents(r, s.Name)
	return u.render(w, r, http.StatusOK, "packagedependencies", p.page(p))
}

// dependents finds what depends on a package. A page without it is better than none.
func (u *UI) dependents(r *http.Request, name string) (d dependents) {
	ctx, cancel := context.WithTimeout(r.Context(), slowList)
	defer cancel()
	from := min(offset(r), maxFrom)
	found, total, err := u.Search.Dependents(ctx, name, from, searchPage)
	if err != nil {
		u.Log.WarnContext(r.Context(), "finding what depends on a package", "package", name, "err", err)
		return dependents{Unknown: true}
	}
	d = dependents{Rows: found, Pager: newPager(from, len(found), total, searchPage)}
	if len(found) == 0 || from+searchPage > maxFrom {
		d.Pager.After = ""
	}
	const place = "#dependents"
	if d.Pager.Before != "" {
		d.Pager.Before += place
	}
	if d.Pager.After != "" {
		d.Pager.After += place
	}
	return d
}

// packageCompare leads from the form that chooses two versions to the page that compares them.
func (u *UI) packageCompare(w http.ResponseWriter, r *http.Request) error {
	from, to := r.URL.Query().Get("from"), r.URL.Query().Get("to")
	if from == "" || to == "" || len(from)+len(to) > maxNext {
		return fault.New(fault.Invalid, "two versions are needed to compare: the query parameters from and to").WithCode("missing_version")
	}
	at := u.base + packagesPath + url.PathEscape(r.PathValue("name")) + "/" + url.PathEscape(to) + "/diff/" + url.PathEscape(from)
	http.Redirect(w, r, at, http.StatusSeeOther)
	return nil
}
