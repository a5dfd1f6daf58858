// Package statsapi answers what was downloaded: the analytics of the Pantry registry, and npm's counts of downloads.
// docs/api.md describes every endpoint.
//
// It keeps Pantry's shapes and adds members to them. Unlike Pantry's, its counters can't be written from outside:
// events that clients report are counted by themselves.
package statsapi

import (
	"log/slog"
	"net/http"

	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/httpkit"
)

// API answers the protocol.
type API struct {
	access.Control
	Stats *stats.Service
	Log   *slog.Logger

	exports chan struct{} // holds one for each export under way
}

// known is a handler of what nobody may read anonymously, though all else be open.
func (a *API) known(h httpkit.Handler) httpkit.Handler {
	return a.Private(func(w http.ResponseWriter, r *http.Request) error {
		who, err := a.Principal(r)
		if err == nil && who.Anonymous() {
			err = fault.New(fault.Unauthenticated, "Authorization required: this is for whoever has a token; send one as Authorization: Bearer <token>")
		}
		if err != nil {
			return err
		}
		return h(w, r)
	})
}
