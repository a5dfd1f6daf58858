package lumenapi

import (
	"errors"
	"io"
	"net/http"

	"github.com/org/registry-action/internal/web/httpkit"
)

// maxChange bounds the body of a change, in bytes.
const maxChange = 64 << 10

// yanked answers a yank and what undoes it.
type yanked struct {
	Success bool   `json:"success"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Yanked  bool   `json:"yanked"`
}

// yank takes {"reason": "…"}, or no body at all.
func (a *API) yank(w http.ResponseWriter, r *http.Request) error {
	var request struct {
		Reason string `json:"reason"`
	}
	if err := httpkit.DecodeJSON(w, r, maxChange, &request); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return a.setYanked(w, r, "yank", true, request.Reason)
}

func (a *API) unyank(w http.ResponseWriter, r *http.Request) error {
	return a.setYanked(w, r, "unyank", false, "")
}

func (a *API) setYanked(w http.ResponseWriter, r *http.Request, action string, yank bool, reason string) error {
	name, version := r.PathValue("name"), r.PathValue("version")
	httpkit.Audit(r, action, auditName(name, version), "")
	who, err := a.Writer(r)
	if err != nil {
		return err
	}
	if err := a.Packages.Yank(r.Context(), who, name, version, yank, reason); err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, yanked{true, name, version, yank})
}
