// Package commitapi speaks the commit-package protocol: publishing (the forms
// of the Pantry registry and our two-step upload), reading, and the short
// install URLs. docs/api.md describes every endpoint.
package commitapi

import (
	"log/slog"
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/web/httpkit"
)

// API answers the protocol.
type API struct {
	Commits    *commits.Service
	Auth       *auth.Service
	BaseURL    string // the server's public URL, without a slash at its end
	MaxPackage int64  // bytes
	MaxPublish int64  // bytes
	Log        *slog.Logger
}

// principal returns who makes a write. Who may publish nothing is refused before the body is read.
func (a *API) principal(r *http.Request) (auth.Principal, error) {
	c := httpkit.CredentialsOf(r)
	who, err := a.Auth.Identify(r.Context(), auth.Credentials{Token: c.Secret, User: c.User, Local: c.Local, Addr: c.Addr})
	if err != nil {
		return who, err
	}
	httpkit.Audit(r, "", "", who.String())
	return who, who.MayPublish("")
}
