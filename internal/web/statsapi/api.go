// Package statsapi answers what was downloaded: the analytics of the Pantry registry, and npm's counts of downloads.
// docs/api.md describes every endpoint.
//
// It keeps Pantry's shapes and adds members to them. Unlike Pantry's, its counters can't be written from outside:
// events that clients report are counted by themselves.
package statsapi

import (
	"log/slog"
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// API answers the protocol.
type API struct {
	Stats    *stats.Service
	Auth     *auth.Service
	ReadAuth bool // reads need a principal
	Log      *slog.Logger

	exports chan struct{} // holds one for each export under way
}

// principal returns who makes the request; anonymous if it shows nothing.
func (a *API) principal(r *http.Request) (auth.Principal, error) {
	c := httpkit.CredentialsOf(r)
	who, err := a.Auth.Identify(r.Context(), auth.Credentials{Token: c.Secret, User: c.User, Local: c.Local, Addr: c.Addr})
	if err == nil {
		httpkit.Audit(r, "", "", who.String())
	}
	return who, err
}

// readable is a handler of a read, which a private server lets only principals make.
func (a *API) readable(h httpkit.Handler) httpkit.Handler {
	if !a.ReadAuth {
		return h
	}
	return a.private(h)
}

// private is a handler of what is for principals only.
func (a *API) private(h httpkit.Handler) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		who, err := a.principal(r)
		if err == nil {
			err = who.MayRead()
		}
		if err == nil && who.Anonymous() {
			err = fault.New(fault.Unauthenticated, "Authorization required: this is for whoever has a token; send one as Authorization: Bearer <token>")
		}
		if err != nil {
			return err
		}
		w.Header().Set("Cache-Control", httpkit.PrivateRevalidate)
		return h(w, r)
	}
}
