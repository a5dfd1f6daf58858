// Package access is where requests come in, whatever protocol they speak: who makes one, and whether they may read or write
// at all. What exactly somebody may is for the domains to say.
package access

import (
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/web/httpkit"
)

// Control is that of a server; the protocols embed it.
type Control struct{ Auth *auth.Service }

// Shown is what a request shows of who makes it.
func Shown(r *http.Request) auth.Credentials {
	c := httpkit.CredentialsOf(r)
	return auth.Credentials{Token: c.Secret, User: c.User, Local: c.Local, Addr: c.Addr}
}

// Principal returns who makes the request; anonymous if it shows nothing.
func (c Control) Principal(r *http.Request) (auth.Principal, error) { return c.Identify(r, Shown(r)) }

// Identify is Principal by credentials that stand elsewhere in the request.
func (c Control) Identify(r *http.Request, shown auth.Credentials) (auth.Principal, error) {
	who, err := c.Auth.Identify(r.Context(), shown)
	if err == nil {
		httpkit.Audit(r, "", "", who.String())
	}
	return who, err
}

// Writer is Principal for who may write something. Others are refused before the body is read.
func (c Control) Writer(r *http.Request) (auth.Principal, error) {
	who, err := c.Principal(r)
	if err == nil {
		err = who.MayUpload()
	}
	return who, err
}

// Readable is a handler of a read, which a private server lets only principals make. On others reading looks at no
// credentials.
func (c Control) Readable(h httpkit.Handler) httpkit.Handler {
	if c.Auth.ReadAuth() {
		return c.Private(h)
	}
	return h
}

// Private is a handler of a read that only principals may make, and no shared cache may keep.
func (c Control) Private(h httpkit.Handler) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		who, err := c.Principal(r)
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

// Immutable is the Cache-Control of an answer that never changes.
func Immutable(w http.ResponseWriter) string {
	if isPrivate(w) {
		return httpkit.PrivateImmutable
	}
	return httpkit.Immutable
}

// Revalidate is the Cache-Control of an answer that may change.
func Revalidate(w http.ResponseWriter) string {
	if isPrivate(w) {
		return httpkit.PrivateRevalidate
	}
	return httpkit.Revalidate
}

// isPrivate reports whether Private lets in who gets the answer.
func isPrivate(w http.ResponseWriter) bool {
	return w.Header().Get("Cache-Control") == httpkit.PrivateRevalidate
}
