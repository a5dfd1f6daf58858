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
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/httpkit"
)

// API answers the protocol.
type API struct {
	access.Control
	Packages   *lumenpackages.Service
	Index      Index             // what searches ask; nil: Packages
	BaseURL    string            // the server's public URL, without a slash at its end
	MaxPackage int64             // bytes of an archive
	Downloads  httpkit.Downloads // nil: they are not counted
	Log        *slog.Logger
}

// bearer is Writer by a token that stands in the request's body, if one does.
func (a *API) bearer(r *http.Request, token string) (auth.Principal, error) {
	if token == "" {
		return a.Writer(r)
	}
	c := access.Shown(r)
	who, err := a.Identify(r, auth.Credentials{Token: token, Local: c.Local, Addr: c.Addr})
	if err == nil {
		err = who.MayUpload()
	}
	return who, err
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
func auditName(name, version string) string { return kind.Lumen.Name(name) + "@" + version }
