package lumenapi

import (
	"net/http"

	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/web/httpkit"
)

// certificate answers a key that is certified, as the client reads it.
type certificate struct {
	ID        string `json:"cert_id"`
	PEM       string `json:"certificate_pem"`
	PublicKey string `json:"public_key"`
	Identity  claims `json:"identity"`
	NotBefore string `json:"not_before"`
	NotAfter  string `json:"not_after"`
}

// claims are what the client knows of who it speaks for.
type claims struct {
	Subject  string `json:"sub"`
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// certify takes {"oidc_token", "public_key"}: whose token it is, the key is certified for. The client sends its token nowhere
// else; others may send it as they do with all requests.
func (a *API) certify(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "certify", "", "")
	var request struct {
		Token     string `json:"oidc_token"`
		PublicKey string `json:"public_key"`
	}
	if err := httpkit.DecodeJSON(w, r, maxChange, &request); err != nil {
		return err
	}
	who, err := a.bearer(r, request.Token)
	if err != nil {
		return err
	}
	issuer := a.BaseURL + root
	c, err := a.Packages.Certify(r.Context(), who, request.PublicKey, issuer)
	if err != nil {
		return err
	}
	httpkit.Audit(r, "", kind.Lumen.Name(c.ID), "")
	out := certificate{
		ID: c.ID, PEM: c.PEM, PublicKey: c.PublicKey, NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		Identity: claims{Subject: c.Subject, Issuer: issuer, Audience: issuer, IssuedAt: c.From.Unix(), Expires: c.Until.Unix()},
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpkit.JSON(w, r, http.StatusOK, out)
}
