// Package opsapi is what an operator's machinery asks a server: whether it is up, whether
// it should be sent requests, and what it measures; docs/api.md describes every endpoint.
package opsapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/httpkit"
)

// API answers the protocol.
type API struct {
	// Ready reports which parts of the server work, and whether it is stopping.
	Ready func(ctx context.Context) (parts map[string]bool, stopping bool)

	Metrics http.Handler // nil: there are none
	Public  bool         // everybody may read the metrics
	Token   string       // who bears it may; empty: nobody does
	Auth    *auth.Service
	Proxies httpkit.Proxies // in front of the server

	Log *slog.Logger
}

func health(w http.ResponseWriter, r *http.Request) error {
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{"status": "ok", "timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00")})
}

// ready is for load balancers, so it says no more than which part fails.
func (a *API) ready(w http.ResponseWriter, r *http.Request) error {
	parts, stopping := a.Ready(r.Context())
	status, state := http.StatusOK, "ready"
	checks := map[string]string{}
	for part, works := range parts {
		checks[part] = "ok"
		if !works {
			checks[part], status, state = "failed", http.StatusServiceUnavailable, "unavailable"
		}
	}
	if stopping {
		status, state = http.StatusServiceUnavailable, "stopping"
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpkit.JSON(w, r, status, map[string]any{"status": state, "checks": checks})
}

func (a *API) metrics(w http.ResponseWriter, r *http.Request) error {
	if a.Metrics == nil {
		return httpkit.NotFound(r)
	}
	w.Header().Set("Cache-Control", "no-store")
	if err := a.mayRead(r); err != nil {
		return err
	}
	a.Metrics.ServeHTTP(w, r)
	return nil
}

// mayRead lets in who bears the token or an admin's, and this machine itself. A proxy on it
// that does not say it is one is known by its address, if the operator has named it.
func (a *API) mayRead(r *http.Request) error {
	c := access.Shown(r)
	c.Local = c.Local && !a.Proxies.Sent(r)
	if a.Public || a.Token != "" && httpkit.SameSecret(c.Token, a.Token) || c.Local {
		return nil
	}
	who, err := a.Auth.Identify(r.Context(), c)
	if err != nil {
		return err
	}
	if who.IsAdmin() {
		return nil
	}
	kind := fault.Forbidden
	if who.Anonymous() {
		kind = fault.Unauthenticated
	}
	return fault.New(kind, "the metrics are for this server's machine, and for who bears the METRICS_TOKEN or an admin's token: send the header Authorization: Bearer <token>")
}
