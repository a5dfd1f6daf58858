package adminapi

import (
	"context"
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

// Storage moves and copies what a server keeps.
type Storage interface {
	Migrate(ctx context.Context, m wire.Migration) error // begins it
	Migration() wire.MigrationStatus
	Abandon(ctx context.Context) error
	Snapshot(ctx context.Context) (wire.Snapshot, error)
}

// operator makes a handler of one that only commands on this machine reach, and no admin from elsewhere: it shows, or
// sends away, what the server keeps secret even from admins.
func (a *API) operator(h handler) httpkit.Handler {
	return a.admin(func(w http.ResponseWriter, r *http.Request, who auth.Principal) error {
		if !a.isControl(r) {
			return fault.New(fault.Forbidden, "only a command of registry-server on the server's own machine may do this")
		}
		return h(w, r, who)
	})
}

func (a *API) isControl(r *http.Request) bool {
	return a.ControlToken != "" && httpkit.SameSecret(httpkit.CredentialsOf(r).Secret, a.ControlToken) && sameMachine(r)
}

func (a *API) migrate(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	httpkit.Audit(r, "migrate", "", "")
	var in wire.Migration
	if err := httpkit.DecodeJSON(w, r, maxText, &in); err != nil {
		return err
	}
	if err := a.Storage.Migrate(r.Context(), in); err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusAccepted, a.Storage.Migration())
}

func (a *API) migration(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	return httpkit.JSON(w, r, http.StatusOK, a.Storage.Migration())
}

func (a *API) abandonMigration(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	httpkit.Audit(r, "migrate abandon", "", "")
	if err := a.Storage.Abandon(r.Context()); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) snapshot(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	httpkit.Audit(r, "backup", "", "")
	s, err := a.Storage.Snapshot(r.Context())
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusCreated, s)
}
