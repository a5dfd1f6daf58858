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
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/httpkit"
)

// API answers the protocol.
type API struct {
	access.Control
	Packages   *packages.Service
	Trust      *trust.Service
	Catalog    *catalog.Service
	Site       string            // what the registry is called
	Stylesheet string            // the address of that of its pages; empty: the login page has none
	BaseURL    string            // the server's public URL, without a slash at its end
	MaxPackage int64             // bytes of a tarball
	MaxPublish int64             // bytes of the tarballs of one request
	SignUp     bool              // the login page makes accounts
	Downloads  httpkit.Downloads // nil: they are not counted
	Log        *slog.Logger

	writers sync.Pool // *gzip.Writer
}

// known is Principal for what nobody may do anonymously.
func (a *API) known(r *http.Request) (auth.Principal, error) {
	who, err := a.Principal(r)
	if err == nil && who.Anonymous() {
		err = errSignIn()
	}
	return who, err
}

// visitor is Principal for signing in: a token that is no longer good does not matter.
func (a *API) visitor(r *http.Request) (auth.Principal, error) {
	if who, err := a.Principal(r); err == nil {
		return who, nil
	}
	c := access.Shown(r)
	return a.Auth.Identify(r.Context(), auth.Credentials{Local: c.Local, Addr: c.Addr})
}
