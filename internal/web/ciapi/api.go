// Package ciapi answers CI runs, below /-/ci/v1/: they prove what they are and get a token for some minutes, which they
// end when they are done. docs/api.md describes every endpoint.
package ciapi

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/trust"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/httpkit"
)

// API answers the protocol.
type API struct {
	Trust *trust.Service
	Auth  *auth.Service
	Log   *slog.Logger
}

// endToken ends the token that is shown. One that has ended already is as good.
func (a *API) endToken(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "token revoke", "the token that is shown", "")
	c := access.Shown(r)
	if who, err := a.Auth.Identify(r.Context(), c); err == nil {
		httpkit.Audit(r, "", "", who.String())
	}
	if err := a.Auth.Revoke(r.Context(), auth.Principal{}, c.Token); err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
