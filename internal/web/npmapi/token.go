package npmapi

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// token is how a token is shown; Token is the whole secret only when it was just made.
type token struct {
	Key        string   `json:"key"`
	Token      string   `json:"token"`
	Name       string   `json:"name"`
	Created    string   `json:"created"`
	Updated    string   `json:"updated"`
	Expires    string   `json:"expires,omitempty"`
	Readonly   bool     `json:"readonly"`
	Automation bool     `json:"automation"`
	Permission string   `json:"permission"`
	Packages   []string `json:"packages,omitempty"`
	CIDR       []string `json:"cidr_whitelist"`
}

func showToken(t auth.TokenInfo, text string) token {
	out := token{
		Key: t.Key, Token: text, Name: t.Name, Created: t.Created.UTC().Format(isoTime), Updated: t.Created.UTC().Format(isoTime),
		Readonly: t.Permission == auth.Read, Permission: string(t.Permission), Packages: t.Packages, CIDR: t.CIDR,
	}
	if !t.Expires.IsZero() {
		out.Expires = t.Expires.UTC().Format(isoTime)
	}
	return out
}

func (s *site) tokens(w http.ResponseWriter, r *http.Request) error {
	who, err := s.known(r)
	if err != nil {
		return err
	}
	all, err := s.Auth.Tokens(r.Context(), who, who.User())
	if err != nil {
		return err
	}
	objects := []token{}
	for _, t := range all {
		objects = append(objects, showToken(t, t.Hint))
	}
	return s.personal(w, r, map[string]any{"objects": objects, "total": len(objects), "urls": struct{}{}})
}

// tokenRequest is what npm 10 (password, readonly, cidr_whitelist), npm 11 and pnpm 12 send.
type tokenRequest struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Password    string   `json:"password"`
	Readonly    bool     `json:"readonly"`
	Permission  string   `json:"packages_and_scopes_permission"`
	Packages    []string `json:"packages"`
	PackagesAll bool     `json:"packages_all"`
	Scopes      []string `json:"scopes"`
	Orgs        []string `json:"orgs"`
	CIDR        []string `json:"cidr_whitelist"`
	Expires     int      `json:"expires"` // days
}

// maxTokenDays is a hundred years.
const maxTokenDays = 36_500

// token turns the request into the token to make. What npm can say and we don't
// know only ever makes it weaker.
func (t tokenRequest) token() (auth.NewToken, error) {
	n := auth.NewToken{Name: cmp.Or(t.Name, t.Description, "npm token create"), CIDR: t.CIDR, Expires: time.Duration(t.Expires) * 24 * time.Hour}
	if t.Expires < 0 || t.Expires > maxTokenDays {
		return n, fault.New(fault.Invalid, "a token expires after 1 to %d days, or never (0); not after %d", maxTokenDays, t.Expires)
	}
	if !t.PackagesAll {
		n.Packages = append(n.Packages, t.Packages...)
		for _, scope := range t.Scopes {
			n.Packages = append(n.Packages, "@"+strings.TrimPrefix(scope, "@")+"/*")
		}
	}
	switch t.Permission {
	case "read-only", "no-access":
		n.Permission = auth.Read
	case "":
		if t.Readonly || len(t.Orgs) > 0 && len(n.Packages) == 0 && !t.PackagesAll {
			n.Permission = auth.Read
		}
	case readWrite:
	default:
		return n, fault.New(fault.Invalid, "permission %.100q is not known here; use read-only or read-write", t.Permission)
	}
	return n, nil
}

// createToken makes a token. Clients send the password too; what it may, and for
// how long, is bounded by what was shown in its place.
func (s *site) createToken(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "token create", "", "")
	who, err := s.known(r)
	if err != nil {
		return err
	}
	var req tokenRequest
	if err := httpkit.DecodeJSON(w, r, maxSmall, &req); err != nil {
		return err
	}
	n, err := req.token()
	if err != nil {
		return err
	}
	if !who.IsAdmin() {
		if who, _, err = s.Auth.SignIn(r.Context(), who, who.User(), req.Password, ""); err != nil {
			return err
		}
	}
	n.User = who.User()
	secret, info, err := s.Auth.CreateToken(r.Context(), who, n)
	if err != nil {
		return err
	}
	httpkit.Audit(r, "", "token "+info.Key, "")
	return s.secret(w, http.StatusOK, showToken(info, secret))
}

func (s *site) revokeToken(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "token revoke", "", "")
	who, err := s.known(r)
	if err == nil {
		err = s.Auth.Revoke(r.Context(), who, r.PathValue("token"))
	}
	if err != nil {
		return err
	}
	return done(w, r, http.StatusOK)
}
