package forkapi

import (
	"net/http"

	"github.com/org/registry-action/internal/web/httpkit"
)

// Handler returns the handler of /-/ci/v1/claims, what is below, and /-/ci/v1/webhook.
func (a *API) Handler() http.Handler {
	kit, mux := httpkit.Kit{Log: a.Log}, &httpkit.Mux{}
	mux.Handle("POST /-/ci/v1/claims", kit.Write(a.claim))
	mux.Handle("POST /-/ci/v1/claims/vouched", kit.Write(a.vouched))
	mux.Handle("POST /-/ci/v1/claims/{id}/prove", kit.Write(a.prove))
	mux.Handle("POST /-/ci/v1/webhook", kit.Write(a.webhook))
	return mux
}
