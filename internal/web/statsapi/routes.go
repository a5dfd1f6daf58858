package statsapi

import (
	"net/http"

	"github.com/org/registry-action/internal/web/httpkit"
)

// Handler is the handler of everything below /analytics/.
func (a *API) Handler() http.Handler {
	a.exports = make(chan struct{}, maxExports)
	kit, mux := httpkit.Kit{Log: a.Log}, &httpkit.Mux{}
	read := func(h httpkit.Handler) http.Handler { return kit.Handle(a.Readable(h)) }
	mux.Handle("GET /analytics/top", read(a.top))
	mux.Handle("GET /analytics/export.csv", kit.Handle(a.known(a.export)))
	mux.Handle("GET /analytics/{name}", read(a.pkg))
	mux.Handle("GET /analytics/{name}/timeline", read(a.timeline))
	mux.Handle("GET /analytics/downloads/point/{period}/{name}", read(a.point))
	mux.Handle("POST /analytics/events", kit.Write(a.events))
	return mux
}
