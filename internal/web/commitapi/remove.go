package commitapi

import (
	"net/http"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/web/httpkit"
)

// remove ends a commit of the repository that the query names, if it names one.
func (a *API) remove(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "remove commit", r.PathValue("sha"), "") // a repository's URL may hold a token
	who, err := a.Writer(r)
	if err != nil {
		return err
	}
	var repo commits.Repository
	if r.URL.Query().Has("repository") {
		if repo, err = repository(r); err != nil {
			return err
		}
		httpkit.Audit(r, "", repo.String()+"@"+r.PathValue("sha"), "")
	}
	sha, err := a.Commits.Remove(r.Context(), who, repo, r.PathValue("sha"))
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, map[string]string{"removed": sha})
}
