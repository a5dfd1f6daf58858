// Package restapi speaks the REST protocol of the Pantry registry: reading
// packages, searching, and publishing in one POST. docs/api.md describes every
// endpoint.
//
// It keeps Pantry's shapes, statuses and words, so that its clients work
// unchanged, but not its mistakes: a version shows its own fields, the archive
// decides what a publish says of itself, and the versions of an unknown package
// are 404, not an empty list.
package restapi

import (
	"log/slog"
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/domain/search"
	"github.com/org/registry-action/internal/web/httpkit"
)

// API answers the protocol.
type API struct {
	Catalog    *catalog.Service
	Packages   *packages.Service
	Index      *search.Service // what finds other kinds than npm's; nil: nothing
	Auth       *auth.Service
	BaseURL    string            // the server's public URL, without a slash at its end
	MaxPackage int64             // bytes of a tarball
	ReadAuth   bool              // reads need a principal
	Downloads  httpkit.Downloads // nil: they are not counted
	Log        *slog.Logger
}

// root is the registry that the protocol shows.
func (a *API) root() catalog.Root { return catalog.Root{URL: a.BaseURL} }

// principal returns who makes the request; anonymous if it shows nothing.
func (a *API) principal(r *http.Request) (auth.Principal, error) {
	c := httpkit.CredentialsOf(r)
	who, err := a.Auth.Identify(r.Context(), auth.Credentials{Token: c.Secret, User: c.User, Local: c.Local, Addr: c.Addr})
	if err == nil {
		httpkit.Audit(r, "", "", who.String())
	}
	return who, err
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

// immutable is the Cache-Control of tarballs.
func (a *API) immutable() string {
	if a.ReadAuth {
		return httpkit.PrivateImmutable
	}
	return httpkit.Immutable
}
