package lumenapi

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// identity answers who shows a token, as the client reads it.
type identity struct {
	UserID string   `json:"user_id"`
	Email  string   `json:"email"`
	Name   string   `json:"name,omitempty"`
	Scopes []string `json:"scopes"`
}

func (a *API) whoami(w http.ResponseWriter, r *http.Request) error {
	who, err := a.Principal(r)
	if err != nil {
		return err
	}
	if who.Anonymous() {
		return fault.New(fault.Unauthenticated, "Authorization required: set LUMEN_AUTH_TOKEN to a token of this server")
	}
	profile, err := a.Auth.Profile(r.Context(), who.User())
	if err != nil && !errors.Is(err, fault.NotFound) { // a user of tokens only
		return err
	}
	out := identity{UserID: who.User(), Email: cmp.Or(profile.Email, who.User()), Name: profile.FullName, Scopes: []string{"read"}}
	if who.MayUpload() == nil {
		out.Scopes = append(out.Scopes, "publish", "yank", "owner")
	}
	w.Header().Set("Cache-Control", httpkit.PrivateRevalidate)
	return httpkit.JSON(w, r, http.StatusOK, out)
}
