package webui

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
)

// lumenPage is the content of the page of a Lumen package, which shows one version of it.
type lumenPage struct {
	lumen.Metadata
	Home         string
	Latest       string
	IsLatest     bool
	Owners       []lumenpackages.Owner
	Versions     []versionRow
	Pager        pager
	Artifacts    []artifactRow
	Use          []command
	Depends      []dependsRow
	Website      string // the repository's, if a browser may follow it
	Manual       string // likewise of the documentation
	MetadataPath string
	Published    time.Time // zero: not known
	Origin       *origin   // nil: no CI run has proven that it made this
	FilesURL     string
	About        readmeView
	All          *chart // downloads of all versions
	This         *chart // of the one that is shown
}

// artifactRow is an archive of a version.
type artifactRow struct {
	lumen.Artifact
	Link string
}

// dependsRow is what a package depends on.
type dependsRow struct{ Name, Constraint, URL string }

// lumen is the page of a Lumen package, of its latest version unless the address names another.
func (u *UI) lumen(w http.ResponseWriter, r *http.Request) error {
	index, m, err := u.readLumen(r)
	if err != nil {
		return err
	}
	owners, err := u.Lumen.Owners(r.Context(), index.Name)
	if err != nil {
		return err
	}
	page := u.describeLumen(index, m)
	page.Owners = owners
	if a, ok := u.archiveOfLumen(m); ok {
		page.About, page.FilesURL = u.tryReadme(r.Context(), a), a.Home+"/files"
	}
	page.All = u.chartOf(r.Context(), "Downloads of all versions", m.Name, "", stats.Lumen)
	page.This = u.chartOf(r.Context(), "Downloads of "+m.Version, m.Name, m.Version, stats.Lumen)
	page.Versions, page.Pager = u.lumenVersions(r, index)
	return u.render(w, r, http.StatusOK, "lumen", Page{Title: m.Name + " " + m.Version + " for Lumen", Description: m.Description, Data: page})
}

// lumenFacts is what never changes of a version.
type lumenFacts struct {
	published time.Time // zero: not known
	size      int64     // of the first archive
}

const (
	keptFacts   = 5000
	factsAtOnce = 16
)

// lumenVersions lists the versions of a package, the latest first, a part for the request's page.
func (u *UI) lumenVersions(r *http.Request, index lumen.PackageIndex) ([]versionRow, pager) {
	versions := slices.Clone(index.Versions)
	slices.Reverse(versions)
	versions, pager := part(r, versions, maxRows)
	rows := make([]versionRow, len(versions))
	var g errgroup.Group
	g.SetLimit(factsAtOnce)
	for i, v := range versions {
		g.Go(func() error {
			reason, yanked := index.Yanked[v]
			facts := u.factsOf(r.Context(), index.Name, v)
			rows[i] = versionRow{Version: v, URL: lumenPath(index.Name) + "/" + url.PathEscape(v), Yanked: yanked, Reason: reason, Published: facts.published, Size: facts.size}
			return nil
		})
	}
	_ = g.Wait() // none fails
	return rows, pager
}

// factsOf reads a version for the list of all, which can do without.
func (u *UI) factsOf(ctx context.Context, name, version string) lumenFacts {
	key := name + " " + version
	if facts, ok := u.facts.Get(key); ok {
		return facts
	}
	doc, err := u.Lumen.Metadata(ctx, name, version)
	if err != nil {
		u.Log.WarnContext(ctx, "reading a version of a Lumen package", "package", name, "version", version, "err", err)
		return lumenFacts{}
	}
	m, err := lumen.DecodeMetadata(doc.Body)
	if err != nil {
		u.Log.WarnContext(ctx, "reading a version of a Lumen package", "package", name, "version", version, "err", err)
		return lumenFacts{}
	}
	facts := lumenFacts{published: publishedAt(m)}
	if len(m.Artifacts) > 0 {
		facts.size = m.Artifacts[0].Size
	}
	u.facts.Put(key, facts, keepReleases)
	return facts
}

// publishedAt is when a version was published; zero if it does not say.
func publishedAt(m lumen.Metadata) time.Time {
	at, err := time.Parse(time.RFC3339, m.PublishedAt)
	if err != nil {
		return time.Time{}
	}
	return at
}

// readLumen reads the documents of the package and the version that an address names.
func (u *UI) readLumen(r *http.Request) (index lumen.PackageIndex, m lumen.Metadata, err error) {
	name, version := r.PathValue("name"), r.PathValue("version")
	doc, err := u.Lumen.PackageIndex(r.Context(), name)
	if err != nil {
		return index, m, err
	}
	if index, err = lumen.DecodePackageIndex(doc.Body); err != nil {
		return index, m, err
	}
	if version == "" || version == "latest" {
		if version = index.Latest; version == "" && len(index.Versions) > 0 { // all are yanked
			version = index.Versions[len(index.Versions)-1]
		}
	}
	if !slices.Contains(index.Versions, version) {
		return index, m, fault.New(fault.NotFound, "%s has no version %.140q", name, version)
	}
	if doc, err = u.Lumen.Metadata(r.Context(), name, version); err == nil {
		m, err = lumen.DecodeMetadata(doc.Body)
	}
	return index, m, err
}

func (u *UI) describeLumen(index lumen.PackageIndex, m lumen.Metadata) lumenPage {
	page := lumenPage{
		Metadata: m, Published: publishedAt(m), Origin: originOf(m.Provenance), Home: lumenPath(m.Name), Latest: index.Latest, IsLatest: index.Latest == m.Version,
		Website: webURL(m.Repository), Manual: webURL(m.Documentation), MetadataPath: "/lumen/" + lumen.MetadataPath(escapePath(m.Name), url.PathEscape(m.Version)),
	}
	registry := u.BaseURL + "/lumen"
	page.Use = []command{
		{"In lumen.toml", "[registry]\ndefault = " + quoted(registry) + "\n\n[dependencies]\n" + quoted(m.Name) + " = " + quoted("^"+m.Version)},
		{"Or for every project of yours", "export LUMEN_REGISTRY=" + shellWord(registry)},
		{"Then", "wares install"},
	}
	for _, a := range m.Artifacts {
		page.Artifacts = append(page.Artifacts, artifactRow{a, "/lumen/" + a.URL})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Deps)) {
		if len(page.Depends) < maxRows {
			page.Depends = append(page.Depends, dependsRow{name, m.Deps[name], lumenPath(name)})
		}
	}
	return page
}

// lumenPath is the page of a Lumen package.
func lumenPath(name string) string { return "/lumen/packages/" + escapePath(name) }
