package webui

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

type viewerKey struct{}

// viewer is who looks at the page: who has signed in, or whom the server lets in without (auth.Service.Identify).
func (u *UI) viewer(r *http.Request) auth.Principal {
	who, _ := r.Context().Value(viewerKey{}).(auth.Principal)
	return who
}

// reader is the viewer, if they may read. Every page asks for it before its handler is called.
func (u *UI) reader(r *http.Request) (auth.Principal, error) {
	who := u.viewer(r)
	return who, who.MayRead()
}

// page is a handler for readers, whose errors are pages, too.
func (u *UI) page(h httpkit.Handler) http.Handler {
	return u.public(func(w http.ResponseWriter, r *http.Request) error {
		if _, err := u.reader(r); err != nil {
			return err
		}
		return h(w, r)
	})
}

// public is a handler for everybody, as signing in must be.
func (u *UI) public(h httpkit.Handler) http.Handler {
	return u.kit().Handle(u.identified(u.answered(h)))
}

// answered is a handler whose errors are answered where it is known who looks.
func (u *UI) answered(h httpkit.Handler) httpkit.Handler {
	inner := u.kit().Handle(h)
	return func(w http.ResponseWriter, r *http.Request) error {
		inner.ServeHTTP(w, r)
		return nil
	}
}

// write is a handler of what changes something: it leaves a line in the audit log. Its domain says who may.
func (u *UI) write(h httpkit.Handler) http.Handler {
	return u.kit().Write(u.identified(u.answered(func(w http.ResponseWriter, r *http.Request) error {
		httpkit.Audit(r, "", "", u.viewer(r).String())
		return h(w, r)
	})))
}

func (u *UI) kit() httpkit.Kit { return httpkit.Kit{Log: u.Log, Errors: u.fail} }

// identified finds out who looks. Only the cookie counts: what else a browser sends by itself (Basic) is of the APIs,
// and these know nothing of the cookie.
func (u *UI) identified(h httpkit.Handler) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		shown := auth.Credentials{Local: httpkit.Local(r), Addr: httpkit.Remote(r), Token: u.session(r)}
		who, err := u.Auth.Identify(r.Context(), shown)
		if errors.Is(err, fault.Unauthenticated) { // the session is over
			shown.Token = ""
			who, err = u.Auth.Identify(r.Context(), shown)
		}
		if err != nil {
			return err
		}
		return h(w, r.WithContext(context.WithValue(r.Context(), viewerKey{}, who)))
	}
}

// signInURL is the page to sign in that leads back to a request's page.
func (u *UI) signInURL(r *http.Request) string {
	back := u.base + r.URL.RequestURI()
	return u.base + loginPath + "?next=" + url.QueryEscape(back)
}

// ownPath is a path that somebody else has given, if it leads to this server whoever reads it; else the start.
// Browsers take a backslash for a slash, drop control characters, and take two slashes for another host.
func (u *UI) ownPath(path string) string {
	start := u.base + "/"
	if len(path) > maxNext || !strings.HasPrefix(path, start) || strings.HasPrefix(path, "//") || strings.ContainsFunc(path, unsafeInPath) {
		return start
	}
	parsed, err := url.Parse(path)
	if err != nil || parsed.Host != "" || parsed.Scheme != "" || strings.HasPrefix(parsed.Path, "//") {
		return start
	}
	return path
}

// maxNext is the longest path to go back to.
const maxNext = 2000

func unsafeInPath(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f }
