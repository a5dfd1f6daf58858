package zigapi

import (
	"net/http"

	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/web/httpkit"
)

// maxChange bounds the body of a change, in bytes.
const maxChange = 64 << 10

// yank takes {"reason": "…"}, or no body at all.
func (a *API) yank(w http.ResponseWriter, r *http.Request) error {
	var request struct {
		Reason string `json:"reason"`
	}
	if r.ContentLength != 0 {
		if err := httpkit.DecodeJSON(w, r, maxChange, &request); err != nil {
			return err
		}
	}
	return a.setYanked(w, r, "yank", true, request.Reason)
}

func (a *API) unyank(w http.ResponseWriter, r *http.Request) error {
	return a.setYanked(w, r, "unyank", false, "")
}

func (a *API) setYanked(w http.ResponseWriter, r *http.Request, action string, yanked bool, reason string) error {
	name, version := r.PathValue("name"), r.PathValue("version")
	httpkit.Audit(r, action, auditName(name, version), "")
	who, err := a.Principal(r)
	if err != nil {
		return err
	}
	v, err := a.Packages.Yank(r.Context(), who, name, version, yanked, reason)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, a.render(v))
}

// ownerList answers who owns a package.
type ownerList struct {
	Owners []string `json:"owners"`
}

func (a *API) owners(w http.ResponseWriter, r *http.Request) error {
	p, err := a.Packages.Package(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, ownerList{p.Owners})
}

func (a *API) addOwner(w http.ResponseWriter, r *http.Request) error {
	return a.setOwner(w, r, "owner add", true)
}

func (a *API) removeOwner(w http.ResponseWriter, r *http.Request) error {
	return a.setOwner(w, r, "owner remove", false)
}

func (a *API) setOwner(w http.ResponseWriter, r *http.Request, action string, owns bool) error {
	name, user := r.PathValue("name"), r.PathValue("user")
	httpkit.Audit(r, action, kind.Zig.Name(name)+" "+user, "")
	who, err := a.Writer(r)
	if err == nil && owns {
		err = a.Auth.CheckOwner(r.Context(), who, user)
	}
	if err != nil {
		return err
	}
	list, err := a.Packages.SetOwner(r.Context(), who, name, user, owns)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, ownerList{list})
}
