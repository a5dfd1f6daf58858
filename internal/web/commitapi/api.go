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

// principal returns who makes a write.
func (a *API) principal(r *http.Request) (auth.Principal, error) {
	return a.Auth.Authenticate(auth.Credentials{Token: httpkit.Token(r), Local: httpkit.Local(r)})
}
