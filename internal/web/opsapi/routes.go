package opsapi

import (
	"net/http"

	"github.com/org/registry-action/internal/web/httpkit"
)

// Handler is the handler of /health, /ready and /metrics.
func (a *API) Handler() http.Handler {
	kit, mux := httpkit.Kit{Log: a.Log}, &httpkit.Mux{}
	mux.Handle("GET /health", kit.Handle(health))
	mux.Handle("GET /ready", kit.Handle(a.ready))
	mux.Handle("GET /metrics", kit.Handle(a.metrics))
	return mux
}
