package adminapi

import (
	"context"
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

// Verifier verifies what a server keeps.
type Verifier interface {
	Verify(ctx context.Context) error // begins it
	Verification() wire.Verification
	StopVerification()
}

func (a *API) verify(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	httpkit.Audit(r, "verify", "", "")
	if err := a.Verifier.Verify(r.Context()); err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusAccepted, a.Verifier.Verification())
}

func (a *API) verification(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	return httpkit.JSON(w, r, http.StatusOK, a.Verifier.Verification())
}

func (a *API) stopVerification(w http.ResponseWriter, _ *http.Request, _ auth.Principal) error {
	a.Verifier.StopVerification()
	w.WriteHeader(http.StatusNoContent)
	return nil
}
