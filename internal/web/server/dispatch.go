package server

import (
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/web/pkgprnewapi"
)

// dispatcher finds the protocol of a request by its path. npm's has all of "/",
// so that its own paths, /{name} and what is below /{name}/-/, are npm's for
// packages too that are called as another protocol's paths begin; what they have
// besides is found below /npm/.
type dispatcher struct {
	index  http.Handler     // of "/"
	short  http.Handler     // of install URLs, which have a ref: /{owner}/{repo}/{name}@{ref}
	npm    http.Handler     // of the rest
	admin  http.Handler     // of adminPath
	cli    http.Handler     // of cliPath
	ci     http.Handler     // of ciPath
	pkgpr  http.Handler     // of what pkgprnewapi.Means; nil: nobody
	forks  http.Handler     // of claimPath and webhookPath
	mounts map[string]mount // by the first segment of the path
}

// These are in npm's reserved space, but not npm's.
const (
	adminPath = "/-/admin/"
	cliPath   = "/-/cli/"
	ciPath    = "/-/ci/"

	claimPath   = "/-/ci/v1/claims"
	webhookPath = "/-/ci/v1/webhook"
)

// mount is a protocol at a first segment.
type mount struct {
	below http.Handler               // of /{segment}/…
	bare  http.Handler               // of /{segment} itself, if it is not npm's package of this name
	asked func(r *http.Request) bool // whether bare is meant
	alias bool                       // below has paths of npm
}

// ServeHTTP dispatches the request.
func (d *dispatcher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.find(r).ServeHTTP(w, r)
}

func (d *dispatcher) find(r *http.Request) http.Handler {
	path := httpkit.Path(r)
	switch {
	case d.pkgpr != nil && pkgprnewapi.Means(r):
		return d.pkgpr
	case path == "/":
		return d.index
	case strings.HasPrefix(path, adminPath):
		return d.admin
	case strings.HasPrefix(path, cliPath):
		return d.cli
	case path == claimPath, path == webhookPath, strings.HasPrefix(path, claimPath+"/"):
		return d.forks
	case strings.HasPrefix(path, ciPath):
		return d.ci
	}
	first, rest, deeper := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	m, ok := d.mounts[first]
	switch {
	case ok && !deeper && m.bare != nil && m.asked(r):
		return m.bare
	case hasRef(r.URL.Path) && (!ok || m.alias):
		return d.short
	case ok && m.below != nil && (rest != "" || m.alias && deeper) && !m.isPackage(rest):
		return m.below
	}
	return d.npm
}

// isPackage reports whether what follows the first segment makes it the name of a
// package: npm's tarballs and revisions.
func (m mount) isPackage(rest string) bool {
	second, file, _ := strings.Cut(rest, "/")
	switch second {
	case "-rev":
		return true
	case "-":
		file, _, _ = strings.Cut(file, "/")
		return !m.alias || strings.HasSuffix(file, ".tgz")
	}
	return false
}

// hasRef reports whether a path is an install URL: an "@" that does not begin a
// scope, before any of npm's reserved segments.
func hasRef(path string) bool {
	if i := strings.Index(path, "/-/"); i >= 0 {
		path = path[:i]
	}
	for i := 2; i < len(path); i++ {
		if path[i] == '@' && path[i-1] != '/' {
			return true
		}
	}
	return false
}

func isNoPut(r *http.Request) bool { return r.Method != http.MethodPut }

// isProbe reports whether a request is none for npm's package of this name: to install
// it, clients ask for npm's own media type.
func isProbe(r *http.Request) bool {
	return isNoPut(r) && !strings.Contains(r.Header.Get("Accept"), "application/vnd.npm.")
}

func isPost(r *http.Request) bool { return r.Method == http.MethodPost }

func hasQuery(r *http.Request) bool { return isRead(r) && r.URL.RawQuery != "" }

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }
