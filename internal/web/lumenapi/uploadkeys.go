package lumenapi

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/web/httpkit"
)

// uploadKey answers a key that uploads are signed with.
type uploadKey struct {
	KeyID     string `json:"key_id"`
	Algorithm string `json:"algorithm"`
	PublicKey string `json:"public_key"`
	CreatedAt string `json:"created_at"`
	RevokedAt string `json:"revoked_at,omitempty"`
}

func uploadKeyOf(k lumenpackages.UploadKey) uploadKey {
	out := uploadKey{KeyID: k.KeyID, Algorithm: lumen.Algorithm, PublicKey: k.PublicKey, CreatedAt: k.Created.UTC().Format(time.RFC3339)}
	if !k.Revoked.IsZero() {
		out.RevokedAt = k.Revoked.UTC().Format(time.RFC3339)
	}
	return out
}

// uploadKeys lists the keys of who asks.
func (a *API) uploadKeys(w http.ResponseWriter, r *http.Request) error {
	who, err := a.Principal(r)
	if err != nil {
		return err
	}
	all, err := a.Packages.UploadKeys(r.Context(), who)
	if err != nil {
		return err
	}
	list := []uploadKey{}
	for _, k := range all {
		list = append(list, uploadKeyOf(k))
	}
	w.Header().Set("Cache-Control", httpkit.PrivateRevalidate)
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{"keys": list})
}

// registerKey takes {"public_key", "key_id"}, as the client keeps them, but for the secret beside them.
func (a *API) registerKey(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "key register", "", "")
	who, err := a.Writer(r)
	if err != nil {
		return err
	}
	var request struct {
		PublicKey string          `json:"public_key"`
		KeyID     string          `json:"key_id"`
		Secret    json.RawMessage `json:"secret_key"`
	}
	if err := httpkit.DecodeJSON(w, r, maxChange, &request); err != nil {
		return err
	}
	if request.Secret != nil {
		return fault.New(fault.Invalid, "the request has the secret half of the key, which is for nobody but its owner; nothing was kept, but make another key, and send \"public_key\" and \"key_id\" only").WithCode("secret_key_sent")
	}
	k, created, err := a.Packages.RegisterKey(r.Context(), who, request.PublicKey, request.KeyID)
	if err != nil {
		return err
	}
	httpkit.Audit(r, "", kind.Lumen.Name(k.KeyID), "")
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return httpkit.JSON(w, r, status, uploadKeyOf(k))
}

func (a *API) revokeKey(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "key revoke", kind.Lumen.Name(r.PathValue("key")), "")
	who, err := a.Writer(r)
	if err != nil {
		return err
	}
	k, err := a.Packages.RevokeUploadKey(r.Context(), who, r.PathValue("key"))
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, uploadKeyOf(k))
}
