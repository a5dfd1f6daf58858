// Package lumenapi serves the tree of Lumen packages, and takes what Lumen's client and its library
// write: publishes, owners and yanks. docs/api.md describes every endpoint, docs/lumen.md their use.
//
// The tree is the one that an export writes, byte for byte. Requests and answers are those of the
// client where it has them.
package lumenapi

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/web/httpkit"
)

// API answers the protocol.
type API struct {
	Packages   *lumenpackages.Service
	Index      Index // what searches ask; nil: Packages
	Auth       *auth.Service
	BaseURL    string            // the server's public URL, without a slash at its end
	MaxPackage int64             // bytes of an archive
	ReadAuth   bool              // reads need a principal
	Downloads  httpkit.Downloads // nil: they are not counted
	Log        *slog.Logger
}

// principal returns who makes the request; anonymous if it shows nothing.
func (a *API) principal(r *http.Request) (auth.Principal, error) {
	c := httpkit.CredentialsOf(r)
	return a.identify(r, auth.Credentials{Token: c.Secret, User: c.User, Local: c.Local, Addr: c.Addr})
}

// bearer is principal by a token that stands in the request's body, if one does.
func (a *API) bearer(r *http.Request, token string) (auth.Principal, error) {
	if token == "" {
		return a.principal(r)
	}
	c := httpkit.CredentialsOf(r)
	return a.identify(r, auth.Credentials{Token: token, Local: c.Local, Addr: c.Addr})
}

func (a *API) identify(r *http.Request, c auth.Credentials) (auth.Principal, error) {
	who, err := a.Auth.Identify(r.Context(), c)
	if err == nil {
		httpkit.Audit(r, "", "", who.String())
	}
	return who, err
}

// uploader is principal for who may write something.
func (a *API) uploader(r *http.Request) (auth.Principal, error) {
	who, err := a.principal(r)
	if err == nil {
		err = who.MayUpload()
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

// root is where the tree is.
const root = "/lumen"

// oneBase serves what is asked below /lumen/api/v1 as what is below /lumen: clients have a base of either form,
// and put /api/v1 behind it for some requests.
func oneBase(next http.Handler) http.Handler {
	const old = root + "/api/v1/"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 2 {
			raw, ok := strings.CutPrefix(httpkit.Path(r), old)
			path, same := strings.CutPrefix(r.URL.Path, old)
			if !ok || !same {
				break
			}
			r = httpkit.WithPath(r, root+"/"+path, root+"/"+raw)
		}
		next.ServeHTTP(w, r)
	})
}

// auditName is what audit lines call a version; the names of npm's packages have no colon.
func auditName(name, version string) string { return "lumen:" + name + "@" + version }
