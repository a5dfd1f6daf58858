package npmapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// profile is a user as npm shows it; what npm has besides is always null.
type profile struct {
	Name          string  `json:"name"`
	Email         string  `json:"email"`
	EmailVerified bool    `json:"email_verified"`
	FullName      string  `json:"fullname"`
	TFA           *string `json:"tfa"`
	CIDR          *string `json:"cidr_whitelist"`
	Created       string  `json:"created,omitempty"`
	Updated       string  `json:"updated,omitempty"`
}

func showProfile(p auth.Profile) profile {
	date := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(isoTime)
	}
	return profile{Name: p.Name, Email: p.Email, FullName: p.FullName, Created: date(p.Created), Updated: date(p.Updated)}
}

func (s *site) profile(w http.ResponseWriter, r *http.Request) error {
	who, err := s.known(r)
	if err != nil {
		return err
	}
	p, err := s.Auth.Profile(r.Context(), who.User())
	if errors.Is(err, fault.NotFound) { // a token's user needs no account
		p, err = auth.Profile{Name: who.User()}, nil
	}
	if err != nil {
		return err
	}
	return s.personal(w, r, showProfile(p))
}

// setProfile answers npm profile set, which sends all that can be written, and
// null for what is empty.
func (s *site) setProfile(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "profile", "", "")
	who, err := s.known(r)
	if err != nil {
		return err
	}
	httpkit.Audit(r, "", "user "+who.User(), "")
	var body struct {
		Email    *string         `json:"email"` // an account has one, so null leaves it
		FullName json.RawMessage `json:"fullname"`
		TFA      json.RawMessage `json:"tfa"`
		Password *struct {
			Old string `json:"old"`
			New string `json:"new"`
		} `json:"password"`
	}
	if err := httpkit.DecodeJSON(w, r, maxSmall, &body); err != nil {
		return err
	}
	if len(body.TFA) > 0 && string(body.TFA) != "null" {
		return errNoTwoFactor()
	}
	if body.Password != nil {
		httpkit.Audit(r, "password", "", "")
		if err := s.Auth.SetPassword(r.Context(), who, who.User(), body.Password.Old, body.Password.New); err != nil {
			return err
		}
	}
	p, err := s.Auth.SetProfile(r.Context(), who, body.Email, written(body.FullName))
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, showProfile(p))
}

// written reads a member that may be missing; null empties.
func written(raw json.RawMessage) *string {
	if len(raw) == 0 {
		return nil
	}
	text, _ := jsonText(raw)
	return &text
}

// user answers npm owner add, which wants the name and address of whom it adds.
// Who asks must be known: the answer says who has an account.
func (s *site) user(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.known(r); err != nil {
		return err
	}
	user, err := userOf(r)
	if err != nil {
		return err
	}
	p, err := s.Auth.Profile(r.Context(), user)
	if err != nil {
		return err
	}
	return s.personal(w, r, map[string]string{"_id": couchUser + p.Name, "name": p.Name, "email": p.Email, "type": "user"})
}
