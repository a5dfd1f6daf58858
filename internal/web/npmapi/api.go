// Package npmapi speaks npm's registry protocol: packuments, tarballs, publish,
// dist-tags, owners, accounts, tokens, search, audit and staged publishing, as
// npm, pnpm, yarn and bun ask for them. The main registry, its alias and the
// preview registries are the same handlers at other addresses. docs/api.md
// describes every endpoint.
package npmapi

import (
	"log/slog"
	"net/http"
	"sync"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/domain/trust"
	"github.com/org/registry-action/internal/web/httpkit"
)

// API answers the protocol.
type API struct {
	Packages   *packages.Service
	Auth       *auth.Service
	Trust      *trust.Service
	Catalog    *catalog.Service
	Site       string            // what the registry is called
	Stylesheet string            // the address of that of its pages; empty: the login page has none
	BaseURL    string            // the server's public URL, without a slash at its end
	MaxPackage int64             // bytes of a tarball
	MaxPublish int64             // bytes of the tarballs of one request
	ReadAuth   bool              // reads need a principal
	SignUp     bool              // the login page makes accounts
	Downloads  httpkit.Downloads // nil: they are not counted
	Log        *slog.Logger

	writers sync.Pool // *gzip.Writer
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

// known is principal for what nobody may do anonymously.
func (a *API) known(r *http.Request) (auth.Principal, error) {
	who, err := a.principal(r)
	if err == nil && who.Anonymous() {
		err = errSignIn()
	}
	return who, err
}

// visitor is principal for signing in: a token that is no longer good does not matter.
func (a *API) visitor(r *http.Request) (auth.Principal, error) {
	if who, err := a.principal(r); err == nil {
		return who, nil
	}
	c := httpkit.CredentialsOf(r)
	return a.Auth.Identify(r.Context(), auth.Credentials{Local: c.Local, Addr: c.Addr})
}
