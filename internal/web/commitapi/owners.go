package commitapi

import (
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

// by makes a handler of what a principal changes.
func (a *API) by(change func(w http.ResponseWriter, r *http.Request, who auth.Principal) error) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		httpkit.Audit(r, "owner", r.PathValue("user"), "") // a repository's URL may hold a token
		who, err := a.Writer(r)
		if err != nil {
			return err
		}
		return change(w, r, who)
	}
}

// repository is the one that the query names: its path has any number of parts.
func repository(r *http.Request) (commits.Repository, error) {
	return commits.ParseRepository(r.URL.Query().Get("repository"))
}

func answerOwners(w http.ResponseWriter, r *http.Request, repo commits.Repository, owners []string) error {
	return httpkit.JSON(w, r, http.StatusOK, wire.Owners{Repository: repo.String(), Owners: owners})
}

// Owners answers who owns the repository of the query.
func (a *API) Owners(w http.ResponseWriter, r *http.Request) error {
	repo, err := repository(r)
	if err != nil {
		return err
	}
	owners, err := a.Commits.Owners(r.Context(), repo)
	if err != nil {
		return err
	}
	return answerOwners(w, r, repo, owners)
}

// AddOwner makes the user of the path an owner of the repository of the query.
func (a *API) AddOwner(w http.ResponseWriter, r *http.Request, who auth.Principal) error {
	repo, user, err := changed(r, "owner add")
	if err != nil {
		return err
	}
	known, err := a.Auth.Known(r.Context(), user)
	if err != nil {
		return err
	}
	if !known { // a misspelt name would belong to whoever signs up with it
		return fault.New(fault.Invalid, "there is no user %.100q here; who is to be an owner signs in first (npm login), or has an admin make the account or a token", user).WithCode("unknown_user")
	}
	owners, err := a.Commits.AddOwner(r.Context(), who, repo, user)
	if err != nil {
		return err
	}
	return answerOwners(w, r, repo, owners)
}

// RemoveOwner undoes AddOwner.
func (a *API) RemoveOwner(w http.ResponseWriter, r *http.Request, who auth.Principal) error {
	repo, user, err := changed(r, "owner remove")
	if err != nil {
		return err
	}
	owners, err := a.Commits.RemoveOwner(r.Context(), who, repo, user)
	if err != nil {
		return err
	}
	return answerOwners(w, r, repo, owners)
}

// changed is whose owners a request changes, and by whom.
func changed(r *http.Request, action string) (commits.Repository, string, error) {
	user := r.PathValue("user")
	httpkit.Audit(r, action, user, "")
	repo, err := repository(r)
	if err == nil {
		httpkit.Audit(r, "", repo.String()+" "+user, "")
	}
	return repo, user, err
}
