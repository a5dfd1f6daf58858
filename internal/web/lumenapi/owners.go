package lumenapi

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/web/httpkit"
)

// owner is one who may publish, as the client reads it.
type owner struct {
	UserID  string             `json:"user_id"`
	Email   string             `json:"email"` // the user's name too: by it owners are added and removed, and what people gave as their address is nobody's business
	Role    lumenpackages.Role `json:"role"`
	AddedAt string             `json:"added_at"`
	AddedBy string             `json:"added_by"`
}

func (a *API) owners(w http.ResponseWriter, r *http.Request) error {
	list, err := a.ownerList(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, list)
}

func (a *API) ownerList(ctx context.Context, name string) ([]owner, error) {
	all, err := a.Packages.Owners(ctx, name)
	list := []owner{}
	for _, o := range all {
		list = append(list, owner{UserID: o.User, Email: o.User, Role: o.Role, AddedAt: o.AddedAt.UTC().Format(time.RFC3339), AddedBy: o.AddedBy})
	}
	return list, err
}

// addOwner takes {"email": "<user>", "role": "owner" or "maintainer"}; the client names no Content-Type.
func (a *API) addOwner(w http.ResponseWriter, r *http.Request) error {
	var request struct {
		Email string             `json:"email"`
		Role  lumenpackages.Role `json:"role"`
	}
	if err := httpkit.DecodeJSON(w, r, maxChange, &request); err != nil {
		return err
	}
	return a.setOwner(w, r, "owner add", request.Email, cmp.Or(request.Role, lumenpackages.RoleOwner))
}

func (a *API) removeOwner(w http.ResponseWriter, r *http.Request) error {
	return a.setOwner(w, r, "owner remove", r.PathValue("user"), "")
}

func (a *API) setOwner(w http.ResponseWriter, r *http.Request, action, user string, role lumenpackages.Role) error {
	name := r.PathValue("name")
	httpkit.Audit(r, action, kind.Lumen.Name(name)+" "+user, "")
	who, err := a.Writer(r)
	if err == nil && role != "" {
		err = a.Auth.CheckOwner(r.Context(), who, user)
	}
	if err == nil {
		err = a.Packages.SetOwner(r.Context(), who, name, user, role)
	}
	if err != nil {
		return err
	}
	list, err := a.ownerList(r.Context(), name)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, list)
}
