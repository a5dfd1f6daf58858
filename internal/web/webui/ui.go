package webui

import (
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/domain/changes"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/files"
	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/domain/trust"
	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/memo"
	"github.com/org/registry-action/internal/web/httpkit"
)

// Config is what the pages show and how. All are required but Storage.
type Config struct {
	Catalog  *catalog.Service
	Packages *packages.Service
	Commits  *commits.Service
	Zig      *zigpackages.Service
	Lumen    *lumenpackages.Service
	Auth     *auth.Service
	Trust    *trust.Service // nil: policies are not shown
	Files    *files.Service
	Changes  *changes.Service
	Stats    *stats.Service
	Search   Finder
	Storage  Storage // nil: what is stored is not shown
	Site     string  // what the registry is called
	BaseURL  string  // public, without a slash at its end
	Version  string
	Log      *slog.Logger
}

// UI answers with pages.
type UI struct {
	Config
	base   string // the path of BaseURL, which every link begins with
	pages  map[string]*template.Template
	assets map[string]asset
	mux    *httpkit.Mux
	readme *readmes
	// releases has what lists of versions show.
	releases *releases
	// facts has what lists of versions of Lumen packages show.
	facts *memo.Memo[lumenFacts]
	// previews has the pages of packages of commits that are downloaded most.
	previews *memo.Memo[downloaded]
	// repositories has what begins with a repository's name. Beside the others its patterns would be ambiguous.
	repositories *httpkit.Mux
}

// New returns the pages over their domains, which stay the caller's.
func New(c Config) *UI {
	u := &UI{Config: c}
	if parsed, err := url.Parse(c.BaseURL); err == nil {
		u.base = strings.TrimSuffix(parsed.Path, "/")
	}
	u.assets, u.readme, u.releases, u.previews = readAssets(), newReadmes(), newReleases(u), newPreviewPages()
	u.facts = memo.New[lumenFacts](keptFacts, time.Now)
	u.pages = u.parse()
	u.mux, u.repositories = u.routes(), u.repositoryRoutes()
	return u
}

// Wants reports whether a request is for a page, and whether there is one at its address: who asks prefers HTML, or the
// address has nothing else.
func (u *UI) Wants(r *http.Request) (page, here bool) {
	if path := httpkit.Path(r); strings.HasPrefix(path, ownPrefix) || isBadge(path) {
		return true, true
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead || !u.has(r) {
		return false, false
	}
	return httpkit.Prefers(r, "text/html", "application/json"), true
}

// has reports whether an address has a page.
func (u *UI) has(r *http.Request) bool {
	mux, r := u.muxOf(r)
	return mux.Knows(r) && !isDocument(httpkit.Path(r))
}

// muxOf is who knows the address of a request, and the request as it knows it.
func (u *UI) muxOf(r *http.Request) (*httpkit.Mux, *http.Request) {
	path := httpkit.Path(r)
	if !isRepository(path) {
		return u.mux, r
	}
	if form := grouped(path); form != path {
		r = httpkit.WithPath(r, r.URL.Path, form)
	}
	return u.repositories, r
}

// ServeHTTP answers with a page.
func (u *UI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mux, r := u.muxOf(r)
	mux.ServeHTTP(w, r)
}
