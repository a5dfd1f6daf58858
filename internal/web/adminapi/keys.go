package adminapi

import (
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

func (a *API) keys(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	keys, err := a.Signing.Keys(r.Context())
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, wire.Keys{Keys: keys})
}

func (a *API) rotateKey(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	httpkit.Audit(r, "key rotate", "", "")
	key, err := a.Signing.Rotate(r.Context())
	if err != nil {
		return err
	}
	httpkit.Audit(r, "", key.KeyID, "")
	return httpkit.JSON(w, r, http.StatusCreated, key)
}
