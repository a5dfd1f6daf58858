package webui

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/zig"
)

// zigPage is the content of the page of a Zig package, which shows one version of it.
type zigPage struct {
	zigpackages.Version
	Home     string
	Latest   string
	IsLatest bool
	Owners   []string
	Versions []versionRow
	Pager    pager
	Tarball  string
	Use      []command
	Depends  []zigDependency
	FilesURL string
	Origin   *origin // nil: no CI run has proven that it made this
	Readme   readmeView
	All      *chart // downloads of all versions
	This     *chart // of the one that is shown
}

// versionRow is a version in the list of all.
type versionRow struct {
	Version, URL string
	Published    time.Time
	Badges       []string // compilers
	Yanked       bool
	Reason       string
	Size         int64
}

// zigDependency is what a package depends on; the URL is a link only where it is one of the web.
type zigDependency struct{ zig.Dependency }

// Link is the dependency's address, if a browser may follow it.
func (d zigDependency) Link() string { return webURL(d.URL) }

// zig is the page of a Zig package, of its latest version unless the address names another.
func (u *UI) zig(w http.ResponseWriter, r *http.Request) error {
	p, err := u.Zig.Package(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	v, err := versionOf(p, r.PathValue("version"))
	if err != nil {
		return err
	}
	page := u.describeZig(p, v)
	page.Readme = u.tryReadme(r.Context(), u.archiveOfZig(v))
	page.All = u.chartOf(r.Context(), "Downloads of all versions", p.Name, "", stats.Zig)
	page.This = u.chartOf(r.Context(), "Downloads of "+v.Version, p.Name, v.Version, stats.Zig)
	rows := slices.Clone(p.Versions)
	slices.Reverse(rows)
	rows, page.Pager = part(r, rows, maxRows)
	for _, row := range rows {
		page.Versions = append(page.Versions, versionRow{row.Version, page.Home + "/" + url.PathEscape(row.Version), row.PublishedAt, row.Zig, row.Yanked, row.YankReason, row.Artifact.Size})
	}
	return u.render(w, r, http.StatusOK, "zig", Page{Title: v.Name + " " + v.Version + " for Zig", Description: v.Description, Data: page})
}

// versionOf picks the version that an address names.
func versionOf(p zigpackages.Package, version string) (zigpackages.Version, error) {
	if version == "" || version == "latest" {
		return p.Latest(), nil
	}
	i := slices.IndexFunc(p.Versions, func(v zigpackages.Version) bool { return v.Version == version })
	if i < 0 {
		return zigpackages.Version{}, fault.New(fault.NotFound, "%s has no version %.140q", p.Name, version)
	}
	return p.Versions[i], nil
}

func (u *UI) describeZig(p zigpackages.Package, v zigpackages.Version) zigPage {
	home := zigPath(p.Name)
	page := zigPage{Version: v, Origin: originOf(v.Proof), Home: home, Latest: p.Latest().Version, Owners: p.Owners, Tarball: home + "/" + url.PathEscape(v.Version) + "/tarball"}
	page.FilesURL = home + "/" + url.PathEscape(v.Version) + "/files"
	page.IsLatest = page.Latest == v.Version
	hash, _ := zig.Hashes{Hash: v.Hash, Legacy: v.Legacy}.Best(v.Zig)
	at := u.BaseURL + page.Tarball
	page.Use = []command{
		{"Let Zig write the dependency", "zig fetch --save " + shellWord(at)},
		{"Or in build.zig.zon, within .dependencies", zig.Snippet(v.Name, at, hash)},
		{"In build.zig", buildLines(v.Name)},
	}
	for _, d := range v.Depends[:min(len(v.Depends), maxRows)] {
		page.Depends = append(page.Depends, zigDependency{d})
	}
	return page
}

// zigPath is the page of a Zig package.
func zigPath(name string) string { return "/zig/packages/" + url.PathEscape(name) }

// webURL is an address if a browser may follow it, else "".
func webURL(address string) string {
	parsed, err := url.Parse(strings.TrimPrefix(address, "git+"))
	if err != nil || parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Host == "" || parsed.User != nil {
		return ""
	}
	return parsed.String()
}
