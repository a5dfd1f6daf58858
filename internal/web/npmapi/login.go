package npmapi

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// couchUser begins the id of a user's document, as CouchDB had it.
const couchUser = "org.couchdb.user:"

// userOf reads the user that an address names.
func userOf(r *http.Request) (string, error) {
	user, ok := strings.CutPrefix(r.PathValue("user"), couchUser)
	if !ok || user == "" {
		return "", httpkit.NotFound(r)
	}
	return user, nil
}

// couchLogin signs in with a password, or up. A right password is answered with
// a token at once, which saves clients the rest of CouchDB's dance: a conflict, a
// read, and a write of the revision.
func (s *site) couchLogin(w http.ResponseWriter, r *http.Request) error {
	user, err := userOf(r)
	if err != nil {
		return err
	}
	httpkit.Audit(r, "login", "user "+user, "")
	var body struct {
		Name     string `json:"name"`
		Password string `json:"password"`
		Email    string `json:"email"`
	}
	if err := httpkit.DecodeJSON(w, r, maxSmall, &body); err != nil {
		return err
	}
	if cmp.Or(body.Name, user) != user {
		return fault.New(fault.Invalid, "the address names user %.100q, the body %.100q", user, body.Name)
	}
	who, err := s.visitor(r)
	if err != nil {
		return err
	}
	p, created, err := s.Auth.SignIn(r.Context(), who, user, body.Password, body.Email)
	if err != nil {
		return err
	}
	if created {
		httpkit.Audit(r, "sign up", "", "")
	}
	secret, _, err := s.Auth.CreateToken(r.Context(), p, auth.NewToken{Name: "npm login", User: p.User()})
	if err != nil {
		return err
	}
	httpkit.Audit(r, "", "", p.String())
	w.Header().Set("Cache-Control", "no-store")
	return done(w, r, http.StatusCreated, "id", couchUser+user, "rev", "1-0", "token", secret)
}

// logout ends the token in the address.
func (s *site) logout(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "logout", "", "")
	who, err := s.visitor(r) // who has the token may end it
	if err == nil {
		err = s.Auth.Revoke(r.Context(), who, r.PathValue("token"))
	}
	if err != nil {
		return err
	}
	return done(w, r, http.StatusOK)
}

func (s *site) whoami(w http.ResponseWriter, r *http.Request) error {
	who, err := s.known(r)
	if err != nil {
		return err
	}
	return s.personal(w, r, map[string]string{"username": who.User()})
}
