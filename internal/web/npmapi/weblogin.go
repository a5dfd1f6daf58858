package npmapi

import (
	"bytes"
	_ "embed"
	"errors"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// beginLogin begins a login in a browser: the user opens one address, the
// client polls the other, which is the secret.
func (s *site) beginLogin(w http.ResponseWriter, r *http.Request) error {
	l, err := s.Auth.BeginLogin(r.Context())
	if err != nil {
		return err
	}
	root := s.root(r).URL
	w.Header().Set("Cache-Control", "no-store")
	return httpkit.JSON(w, r, http.StatusOK, map[string]string{
		"loginUrl": root + "/-/login/" + url.PathEscape(l.ID),
		"doneUrl":  root + "/-/v1/done?authId=" + url.QueryEscape(l.Secret),
	})
}

// pollEvery is how long a client waits between two polls, in seconds.
const pollEvery = 1

func (s *site) pollLogin(w http.ResponseWriter, r *http.Request) error {
	token, ok, err := s.Auth.PollLogin(r.Context(), r.URL.Query().Get("authId"))
	if err != nil {
		return err
	}
	status, v := http.StatusOK, map[string]string{"token": token}
	if !ok {
		w.Header().Set("Retry-After", strconv.Itoa(pollEvery))
		status, v = http.StatusAccepted, map[string]string{}
	}
	return s.secret(w, status, v)
}

//go:embed login.html
var loginHTML string

var loginTemplate = template.Must(template.New("login").Parse(loginHTML))

// page is what the login page shows.
type page struct {
	Style    string // the address of its style sheet; empty: it has none
	Site     string
	Registry string
	User     string
	Email    string
	Error    string
	SignUp   bool // the form makes accounts, too
	Done     bool
}

func (s *site) loginPage(w http.ResponseWriter, r *http.Request) error {
	return s.showPage(w, r, http.StatusOK, page{})
}

// confirmLogin takes what the user wrote into the page. What is wrong is shown
// there; a wrong user and a wrong password look alike.
func (s *site) confirmLogin(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "login", "in a browser", "")
	if _, _, err := httpkit.MediaType(r, "application/x-www-form-urlencoded"); err != nil {
		return err
	}
	body, err := httpkit.Body(w, r, maxSmall)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "the form is broken")
	}
	err = s.confirm(r, form)
	if err == nil {
		return s.showPage(w, r, http.StatusOK, page{Done: true})
	}
	e, public := fault.Public(err)
	if !public {
		return err
	}
	p := page{Error: e.Message, User: form.Get("user"), Email: form.Get("email")}
	if errors.Is(err, fault.NotFound) {
		p = page{Error: "This login has expired, or was used already. Run npm login again."}
	}
	return s.showPage(w, r, httpkit.Status(err), p)
}

// confirm signs the user in, or up, and hands the login over. A token needs no user,
// and on the server's own machine nothing may be needed at all.
func (s *site) confirm(r *http.Request, form url.Values) error {
	user, password := form.Get("user"), form.Get("password")
	c := httpkit.CredentialsOf(r)
	shown := auth.Credentials{Local: c.Local, Addr: c.Addr}
	if user == "" {
		shown.Token = password
	}
	p, err := s.Auth.Identify(r.Context(), shown)
	if err == nil && (user != "" || p.Anonymous()) {
		var created bool
		if p, created, err = s.Auth.SignIn(r.Context(), p, user, password, form.Get("email")); created {
			httpkit.Audit(r, "sign up", "", "")
		}
	}
	if e, ok := fault.Public(err); ok && (errors.Is(e, fault.Unauthenticated) || e.Code == "email_required") {
		way := "ask who runs this registry for an account"
		if s.SignUp {
			way = "to make an account, give an e-mail address too"
		}
		return fault.Wrap(err, fault.Unauthenticated, "User and password do not fit, or there is no such token. Try again; %s.", way)
	}
	if err != nil {
		return err
	}
	httpkit.Audit(r, "", "", p.String())
	return s.Auth.ConfirmLogin(r.Context(), p, r.PathValue("id"))
}

// showPage sends the page with a policy of its own: our style, one form, no script.
func (s *site) showPage(w http.ResponseWriter, r *http.Request, status int, p page) error {
	p.Style, p.Site, p.Registry, p.SignUp = s.Stylesheet, s.Site, s.root(r).URL+"/", s.SignUp
	var b bytes.Buffer
	if err := loginTemplate.Execute(&b, p); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "same-origin") // with none, browsers hide the form's own origin from us
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Del("Access-Control-Allow-Origin")
	h.Del("Access-Control-Expose-Headers")
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	return err
}
