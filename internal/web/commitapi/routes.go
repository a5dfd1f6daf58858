package commitapi

import (
	"net/http"

	"github.com/org/registry-action/internal/web/httpkit"
)

// Publishing returns the handler of /publish/commit and what is below.
func (a *API) Publishing() http.Handler {
	kit, mux := httpkit.Kit{Log: a.Log}, &httpkit.Mux{}
	mux.Handle("POST /publish/commit", kit.Write(a.publish))
	mux.Handle("POST /publish/commit/plan", kit.Handle(a.plan))
	mux.Handle("PUT /publish/commit/blobs/{digest}", kit.Write(a.putBlob))
	mux.Handle("DELETE /publish/commit/{sha}", kit.Write(a.remove))
	mux.Handle("GET /publish/commit/owners", kit.Handle(a.Readable(a.Owners)))
	mux.Handle("PUT /publish/commit/owners/{user}", kit.Write(a.by(a.AddOwner)))
	mux.Handle("DELETE /publish/commit/owners/{user}", kit.Write(a.by(a.RemoveOwner)))
	return mux
}

// Reading returns the handler of /commits/.
func (a *API) Reading() http.Handler {
	kit, mux := httpkit.Kit{Log: a.Log}, &httpkit.Mux{}
	mux.Handle("GET /commits/{sha}", kit.Handle(a.Readable(a.commit)))
	mux.Handle("GET /commits/{sha}/changes", kit.Handle(a.Readable(a.changes)))
	mux.Handle("GET /commits/{sha}/{name}", kit.Handle(a.Readable(a.pkg)))
	mux.Handle("GET /commits/{sha}/{name}/tarball", kit.Handle(a.Readable(a.tarball)))
	mux.Handle("GET /commits/{sha}/{name}/tarball.tgz", kit.Handle(a.Readable(a.tarball)))
	return mux
}

// Short returns the handler of the short install URLs, /{name}@{sha} and
// /{owner}/{repo}/{name}@{ref}.
func (a *API) Short() http.Handler {
	kit, mux := httpkit.Kit{Log: a.Log}, &httpkit.Mux{}
	mux.Handle("GET /{path...}", kit.Handle(a.Readable(a.short)))
	return mux
}
