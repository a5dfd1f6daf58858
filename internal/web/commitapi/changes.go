package commitapi

import (
	"net/http"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/web/httpkit"
)

// changes tells what became of a commit's packages since its base. A package may be called like that: who asks for
// nothing gets it.
func (a *API) changes(w http.ResponseWriter, r *http.Request) error {
	const name = "changes"
	sha, query := r.PathValue("sha"), r.URL.Query()
	if len(query) == 0 {
		if _, err := a.Commits.Package(r.Context(), sha, name); err == nil {
			r.SetPathValue("name", name)
			return a.pkg(w, r)
		}
	}
	since := commits.Since{Bases: query["base"], Branch: query.Get("branch")}
	if repository := query.Get("repository"); repository != "" {
		parsed, err := commits.ParseRepository(repository)
		if err != nil {
			return err
		}
		since.Repository = parsed.Path
	}
	out, err := a.Changes.Since(r.Context(), sha, since)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, out)
}
