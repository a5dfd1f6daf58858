package cliapi

import (
	"net/http"

	"github.com/org/registry-action/internal/web/httpkit"
)

// Handler is the handler of everything below /-/cli/.
func (a *API) Handler() http.Handler {
	kit, mux := httpkit.Kit{Log: a.Log}, &httpkit.Mux{}
	mux.Handle("GET /-/cli/v1/{version}/{file}", kit.Handle(a.file))
	return mux
}
