package pkgprnewapi

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"

	"github.com/org/registry-action/internal/domain/pkgprnew"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/httpkit"
)

// maxCheck bounds the body of a check, in bytes.
const maxCheck = 4 << 10

// check answers the commit of the run that asks. The CLI sends JSON as text/plain.
func (a *API) check(w http.ResponseWriter, r *http.Request) error {
	body, err := httpkit.Body(w, r, maxCheck)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var in struct{ Owner, Repo, Key string }
	if err := json.Unmarshal(text, &in); err != nil {
		return httpkit.JSONError(httpkit.JSONBody, err)
	}
	run, err := a.Runs.Check(r.Context(), pkgprnew.Ask{Owner: in.Owner, Repo: in.Repo, Key: in.Key, From: httpkit.Remote(r)})
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, map[string]string{"sha": run.HeadSHA})
}

// exists says whether a repository has anything here.
func (a *API) exists(w http.ResponseWriter, r *http.Request) error {
	// Of what it has no list is asked for.
	seen, err := a.Commits.Overview(r.Context(), r.PathValue("owner")+"/"+r.PathValue("repo"), math.MaxInt)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", access.Revalidate(w))
	if seen.Total == 0 {
		h.Set("X-Has-Releases", "0")
		w.WriteHeader(http.StatusNotFound)
		return nil
	}
	h.Set("X-Has-Releases", "1")
	w.WriteHeader(http.StatusNoContent)
	return nil
}
