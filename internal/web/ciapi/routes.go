package ciapi

import (
	"net/http"

	"github.com/org/registry-action/internal/web/httpkit"
)

// Handler is the handler of /-/ci/v1/.
func (a *API) Handler() http.Handler {
	kit, mux := httpkit.Kit{Log: a.Log}, &httpkit.Mux{}
	mux.Handle("POST /-/ci/v1/exchange", kit.Write(a.exchange))
	mux.Handle("DELETE /-/ci/v1/tokens/self", kit.Write(a.endToken))
	return mux
}
