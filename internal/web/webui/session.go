package webui

import (
	"net/http"
	"strings"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
)

// sessionFor is how long somebody stays signed in.
const sessionFor = 12 * time.Hour

// sessionName is what the list of tokens calls a session.
const sessionName = "web session"

func (u *UI) secure() bool { return strings.HasPrefix(u.BaseURL, "https://") }

// cookie is the session's: on https browsers take __Host- from this very host only, over https.
func (u *UI) cookie(value string, age time.Duration) *http.Cookie {
	c := &http.Cookie{Name: "session", Value: value, Path: "/", MaxAge: int(age / time.Second), HttpOnly: true, Secure: u.secure(), SameSite: http.SameSiteLaxMode}
	if value == "" {
		c.MaxAge = -1
	}
	if c.Secure {
		c.Name = "__Host-session"
	}
	return c
}

// session is the token of the request's cookie. Where there are several a neighbour has set some of them: none counts.
func (u *UI) session(r *http.Request) string {
	found := r.CookiesNamed(u.cookie("", 0).Name)
	if len(found) != 1 {
		return ""
	}
	return found[0].Value
}

// begin makes a session of who has signed in: a token of its own, which may do what they may.
func (u *UI) begin(w http.ResponseWriter, r *http.Request, who auth.Principal) error {
	ask := auth.NewToken{Name: sessionName, User: who.User(), Permission: auth.Read, Expires: sessionFor}
	switch {
	case who.IsAdmin():
		ask.Permission = auth.Admin
	case who.MayUpload() == nil:
		ask.Permission = auth.Publish
	}
	if ends := who.Expires(); !ends.IsZero() && time.Until(ends) < sessionFor && !who.IsAdmin() {
		ask.Expires = 0 // the token's own
	}
	secret, _, err := u.Auth.CreateToken(r.Context(), who, ask)
	if err != nil {
		return err
	}
	http.SetCookie(w, u.cookie(secret, sessionFor))
	return nil
}
