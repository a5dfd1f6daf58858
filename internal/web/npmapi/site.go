package npmapi

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/web/httpkit"
)

// previewPrefix is the path of a repository's preview registry, as a pattern.
const previewPrefix = "/~/{owner}/{repo}"

// pullPrefix is that of what forks propose by a pull request, beside the repository's.
const pullPrefix = previewPrefix + "/-/pr/{pull}"

// site is a registry, or the preview registries of all repositories, at one address.
type site struct {
	*API
	prefix  string       // of paths, as a pattern
	main    catalog.Root // unless it is previews
	preview bool
	mux     *httpkit.Mux
	headers headers
	audits  chan struct{} // one for each that is being answered
}

// headers are the values that most answers share.
type headers struct {
	full, abbreviated, gzip, vary, stale []string
	revalidate                           []string // Cache-Control
	immutable                            string
}

func (a *API) newSite(prefix string) *site {
	s := &site{API: a, prefix: prefix, preview: strings.HasPrefix(prefix, previewPrefix), main: catalog.Root{URL: a.BaseURL + prefix}, mux: &httpkit.Mux{}, audits: make(chan struct{}, auditsAtOnce)}
	s.headers = headers{
		full: []string{packument.FullType}, abbreviated: []string{packument.AbbreviatedType}, gzip: []string{"gzip"},
		vary:       []string{"Accept, Accept-Encoding"},
		stale:      []string{`110 - "Response is Stale"`, `111 - "Revalidation Failed"`}, // RFC 7234 §5.5
		revalidate: []string{httpkit.Revalidate}, immutable: httpkit.Immutable,
	}
	if a.Auth.ReadAuth() {
		s.headers.revalidate, s.headers.immutable = []string{httpkit.PrivateRevalidate}, httpkit.PrivateImmutable
	}
	s.routes()
	return s
}

// ServeHTTP dispatches the request. A slash at the end of a path means nothing.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if path := httpkit.Path(r); len(path) > 1 && path[len(path)-1] == '/' {
		r = httpkit.WithPath(r, strings.TrimSuffix(r.URL.Path, "/"), strings.TrimSuffix(r.URL.RawPath, "/"))
	}
	s.mux.ServeHTTP(w, r)
}

// root is the registry that is asked, as the catalog knows it.
func (s *site) root(r *http.Request) catalog.Root {
	if !s.preview {
		return s.main
	}
	repository := r.PathValue("owner") + "/" + r.PathValue("repo")
	if s.prefix == pullPrefix {
		repository += "/-/pr/" + r.PathValue("pull")
	}
	return catalog.Root{URL: s.BaseURL + npm.PreviewPath(repository), Repository: repository}
}

// pullRegistry is a path below the registry of a pull request. No number begins with 0, so that each registry has one address.
var pullRegistry = regexp.MustCompile(`^/~/[^/]+/[^/]+/-/pr/[1-9][0-9]{0,9}(/|$)`)

// writable is a handler of a write, which a preview registry refuses.
func (s *site) writable(h httpkit.Handler) httpkit.Handler {
	if !s.preview {
		return h
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		root := s.root(r)
		return fault.New(fault.Forbidden, "%.300s is the preview registry of %.200s and read-only: publish commits with publish-commit, and releases to %s", root.URL, root.Repository, s.BaseURL).WithCode("read_only_registry")
	}
}

// about answers the address of the registry itself.
func (s *site) about(w http.ResponseWriter, r *http.Request) error {
	root := s.root(r)
	if err := s.Catalog.Serves(r.Context(), root); err != nil {
		return err
	}
	v := map[string]string{"registry": root.URL + "/"}
	if s.preview {
		v["repository"] = root.Repository
	}
	return s.json(w, r, v)
}
