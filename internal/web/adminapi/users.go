package adminapi

import (
	"errors"
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

func (a *API) users(w http.ResponseWriter, r *http.Request, who auth.Principal) error {
	all, err := a.Auth.Users(r.Context(), who)
	if err != nil {
		return err
	}
	out := wire.Users{Users: []wire.User{}}
	for _, p := range all {
		out.Users = append(out.Users, renderUser(p))
	}
	return httpkit.JSON(w, r, http.StatusOK, out)
}

// addUser makes an account, or sets the password of one that is there.
func (a *API) addUser(w http.ResponseWriter, r *http.Request, who auth.Principal) error {
	httpkit.Audit(r, "user add", "", "")
	var b wire.NewUser
	if err := httpkit.DecodeJSON(w, r, maxText, &b); err != nil {
		return err
	}
	httpkit.Audit(r, "", b.Name, "")
	_, err := a.Auth.Profile(r.Context(), b.Name)
	isNew := errors.Is(err, fault.NotFound)
	switch {
	case isNew && b.Email != "":
		_, _, err = a.Auth.SignIn(r.Context(), who, b.Name, b.Password, b.Email)
	case err == nil && b.Email != "":
		err = fault.New(fault.Exists, "there is an account %q already, whose e-mail address only its user can change; leave the address out to set a new password", b.Name).WithCode("user_exists")
	case err == nil || isNew:
		err = a.Auth.SetPassword(r.Context(), who, b.Name, "", b.Password)
	}
	if err != nil {
		return err
	}
	p, err := a.Auth.Profile(r.Context(), b.Name)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if isNew {
		status = http.StatusCreated
	}
	return httpkit.JSON(w, r, status, wire.CreatedUser{User: renderUser(p), Created: isNew})
}

func (a *API) removeUser(w http.ResponseWriter, r *http.Request, who auth.Principal) error {
	httpkit.Audit(r, "user remove", r.PathValue("user"), "")
	if err := a.Auth.RemoveUser(r.Context(), who, r.PathValue("user")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func renderUser(p auth.Profile) wire.User {
	return wire.User{Name: p.Name, Email: p.Email, FullName: p.FullName, Created: p.Created, Updated: p.Updated}
}
