package webui

import (
	"context"
	"errors"
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

const adminPath = ownPrefix + "admin"

// Usage is what is stored of one kind.
type Usage struct {
	Name    string // of the kind
	Objects int64
	Bytes   int64
	Partial bool // there is more: counting was stopped
}

// Storage knows what is stored.
type Storage interface {
	// Usage counts it, or answers what was counted some minutes ago.
	Usage(ctx context.Context) ([]Usage, error)
}

// adminView is what the page for admins shows.
type adminView struct {
	Users   []auth.Profile
	More    int // users that are not shown
	Storage []Usage
	Error   string
	Done    string
}

func (u *UI) admin(w http.ResponseWriter, r *http.Request) error {
	return u.showAdmin(w, r, http.StatusOK, adminView{Done: doneText(r)})
}

func (u *UI) showAdmin(w http.ResponseWriter, r *http.Request, status int, v adminView) error {
	who, err := u.adminOnly(r)
	if err != nil {
		return err
	}
	if v.Users, err = u.Auth.Users(r.Context(), who); err != nil {
		return err
	}
	v.More = max(0, len(v.Users)-maxShown)
	v.Users = v.Users[:min(len(v.Users), maxShown)]
	if u.Storage != nil {
		if v.Storage, err = u.Storage.Usage(r.Context()); err != nil {
			return err
		}
	}
	return u.render(w, r, status, "admin", Page{Title: "Administration", Secret: true, Data: v})
}

// adminOnly is the viewer, who must be an admin.
func (u *UI) adminOnly(r *http.Request) (auth.Principal, error) {
	who, err := u.known(r)
	if err == nil && !who.IsAdmin() {
		err = fault.New(fault.Forbidden, "This page is for admins: sign in with the REGISTRY_TOKEN of this server, or a token with the permission admin.")
	}
	return who, err
}

// addUser makes an account, or sets the password of one that is there.
func (u *UI) addUser(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "user add", "", "")
	who, err := u.adminOnly(r)
	if err != nil {
		return err
	}
	values, err := form(w, r)
	if err != nil {
		return err
	}
	name, password, email := values.Get("name"), values.Get("password"), values.Get("email")
	httpkit.Audit(r, "", name, "")
	_, err = u.Auth.Profile(r.Context(), name)
	switch isNew := errors.Is(err, fault.NotFound); {
	case isNew && email != "":
		_, _, err = u.Auth.SignIn(r.Context(), who, name, password, email)
	case err == nil && email != "":
		err = fault.New(fault.Exists, "there is an account %q already, whose e-mail address only its user can change; leave the address out to set a new password", name)
	case err == nil || isNew:
		err = u.Auth.SetPassword(r.Context(), who, name, "", password)
	}
	if e, public := fault.Public(err); public {
		return u.showAdmin(w, r, httpkit.Status(err), adminView{Error: e.Message})
	}
	if err != nil {
		return err
	}
	return u.done(w, r, adminPath, "user")
}

func (u *UI) removeUser(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "user remove", "", "")
	who, err := u.adminOnly(r)
	if err != nil {
		return err
	}
	values, err := form(w, r)
	if err != nil {
		return err
	}
	httpkit.Audit(r, "", values.Get("name"), "")
	if err := u.Auth.RemoveUser(r.Context(), who, values.Get("name")); err != nil {
		return err
	}
	return u.done(w, r, adminPath, "removed")
}
