// Package zigapi speaks the REST protocol for Zig packages: publishing an archive,
// reading packages by name or hash, and the archives themselves as every Zig
// compiler fetches them. docs/api.md describes every endpoint, docs/zig.md their use.
//
// Addresses, shapes and words are Pantry's where it has them. The hashes are those
// that compilers compute, and the dependency is text that they read.
package zigapi

import (
	"log/slog"
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/zigmirror"
	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/web/httpkit"
)

// API answers the protocol.
type API struct {
	Packages   *zigpackages.Service
	Index      Index              // what searches ask; nil: Packages
	Mirror     *zigmirror.Service // of forges; nil: off
	Auth       *auth.Service
	BaseURL    string            // the server's public URL, without a slash at its end
	MaxPackage int64             // bytes of an archive
	ReadAuth   bool              // reads need a principal
	Downloads  httpkit.Downloads // nil: they are not counted
	Log        *slog.Logger
}

// principal returns who makes the request; anonymous if it shows nothing. Compilers
// show a token as the user or the password of the URL they fetch.
func (a *API) principal(r *http.Request) (auth.Principal, error) {
	c := httpkit.CredentialsOf(r)
	who, err := a.Auth.Identify(r.Context(), auth.Credentials{Token: c.Secret, User: c.User, Local: c.Local, Addr: c.Addr})
	if err == nil {
		httpkit.Audit(r, "", "", who.String())
	}
	return who, err
}

// private is a handler of a read that only principals may make, and no shared cache may keep.
func (a *API) private(h httpkit.Handler) httpkit.Handler {
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
