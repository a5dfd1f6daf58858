package webui

import (
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// maxForm bounds a form, in bytes.
const maxForm = 64 << 10

// form reads the form that a page has sent.
func form(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if _, _, err := httpkit.MediaType(r, "application/x-www-form-urlencoded"); err != nil {
		return nil, err
	}
	body, err := httpkit.Body(w, r, maxForm)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the form is broken; open the page again")
	}
	return values, nil
}

// loginView is what the page to sign in shows.
type loginView struct {
	Next  string // where it leads to
	Error string
	User  string // what was typed
	As    string // who has signed in already
	Ends  bool   // by a session, which can be ended
}

// login is the page to sign in.
func (u *UI) login(w http.ResponseWriter, r *http.Request) error {
	return u.showLogin(w, r, http.StatusOK, loginView{Next: u.ownPath(r.URL.Query().Get("next"))})
}

func (u *UI) showLogin(w http.ResponseWriter, r *http.Request, status int, v loginView) error {
	v.As, v.Ends = u.viewer(r).User(), u.session(r) != ""
	return u.render(w, r, status, "login", Page{Title: "Sign in", Secret: true, Data: v})
}

// signIn begins a session. It is always a new one: what the browser had before, whoever put it there, is over.
func (u *UI) signIn(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "login", "to the pages", "")
	values, err := form(w, r)
	if err != nil {
		return err
	}
	next := u.ownPath(values.Get("next"))
	who, err := u.recognize(r, values.Get("user"), values.Get("password"))
	if err == nil {
		httpkit.Audit(r, "", "", who.String())
		err = u.begin(w, r, who)
	}
	if e, public := fault.Public(err); public {
		return u.showLogin(w, r, httpkit.Status(err), loginView{Next: next, Error: e.Message, User: values.Get("user")})
	}
	if err != nil {
		return err
	}
	u.end(r)
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// recognize checks a user's password, or a token, which needs no user. That somebody is on the server's own machine
// does not count: they ask to be somebody else.
func (u *UI) recognize(r *http.Request, user, password string) (auth.Principal, error) {
	shown := auth.Credentials{Addr: httpkit.Remote(r)}
	if user == "" {
		shown.Token = password
	}
	who, err := u.Auth.Identify(r.Context(), shown)
	if err == nil && user != "" {
		who, _, err = u.Auth.SignIn(r.Context(), who, user, password, "")
	}
	e, public := fault.Public(err)
	if err == nil && who.Anonymous() || public && (errors.Is(e, fault.Unauthenticated) || e.Code == "email_required") {
		return who, fault.Wrap(err, fault.Unauthenticated, "User and password do not fit, or there is no such token. Try again, or ask who runs this registry for an account.")
	}
	return who, err
}

// signOut ends the session.
func (u *UI) signOut(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "logout", "of the pages", "")
	u.end(r)
	http.SetCookie(w, u.cookie("", 0))
	http.Redirect(w, r, u.base+"/", http.StatusSeeOther)
	return nil
}

// end revokes the token of the request's session. One that is unknown, or can't be revoked now, ends by itself.
func (u *UI) end(r *http.Request) {
	secret := u.session(r)
	if secret == "" {
		return
	}
	if err := u.Auth.Revoke(r.Context(), u.viewer(r), secret); err != nil && !errors.Is(err, fault.NotFound) {
		u.Log.WarnContext(r.Context(), "ending a session", "err", err)
	}
}
