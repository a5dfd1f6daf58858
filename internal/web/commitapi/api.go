// Package commitapi speaks the commit-package protocol: publishing (the forms
// of the Pantry registry and our two-step upload), reading, and the short
// install URLs. docs/api.md describes every endpoint.
package commitapi

import (
	"log/slog"
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/web/changeset"
	"github.com/org/registry-action/internal/web/httpkit"
)

// API answers the protocol.
type API struct {
	Commits    *commits.Service
	Changes    changeset.Reader
	Auth       *auth.Service
	BaseURL    string            // the server's public URL, without a slash at its end
	MaxPackage int64             // bytes
	MaxPublish int64             // bytes
	ReadAuth   bool              // reads need a principal
	Downloads  httpkit.Downloads // nil: they are not counted
	// Published is told of what CI runs have published; nil: nobody is. It must not wait. It returns whether this server
	// writes the comment on the pull request, so that the run does not.
	Published func(commits.Commit, provenance.Proof) (comments bool)
	Log       *slog.Logger
}

// principal returns who makes the request; anonymous if it shows nothing.
func (a *API) principal(r *http.Request) (auth.Principal, error) {
	c := httpkit.CredentialsOf(r)
	who, err := a.Auth.Identify(r.Context(), auth.Credentials{Token: c.Secret, User: c.User, Local: c.Local, Addr: c.Addr})
	if err == nil {
		httpkit.Audit(r, "", "", who.String())
	}
	return who, err
}

// writer returns who makes a write. Who may publish nothing is refused before the body is read.
func (a *API) writer(r *http.Request) (auth.Principal, error) {
	who, err := a.principal(r)
	if err != nil {
		return who, err
	}
	return who, who.MayUpload()
}

// readable is a handler of a read, which a private server lets only principals make.
func (a *API) readable(h httpkit.Handler) httpkit.Handler {
	if !a.ReadAuth {
		return h
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		who, err := a.principal(r)
		if err == nil {
			err = who.MayRead()
		}
		if err != nil {
			return err
		}
		w.Header().Set("Cache-Control", httpkit.PrivateRevalidate)
		return h(w, r)
	}
}
