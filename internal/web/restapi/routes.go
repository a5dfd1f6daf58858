package restapi

import (
	"net/http"

	"github.com/org/registry-action/internal/web/httpkit"
)

// Handler is the handler of /packages/, /search and /publish.
func (a *API) Handler() http.Handler {
	kit, mux := httpkit.Kit{Log: a.Log}, &httpkit.Mux{}
	read := func(h httpkit.Handler) http.Handler { return kit.Handle(a.Readable(h)) }
	mux.Handle("GET /packages/{name}", read(a.pkg))
	mux.Handle("GET /packages/{name}/versions", read(a.versions))
	mux.Handle("GET /packages/{name}/paywall", read(a.paywall))
	mux.Handle("GET /packages/{name}/{version}", read(a.version))
	mux.Handle("GET /packages/{name}/{version}/tarball", read(a.tarball))
	mux.Handle("GET /search", read(a.search))
	mux.Handle("POST /publish", kit.Write(a.publish))
	return mux
}
