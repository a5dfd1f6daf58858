package adminapi

import (
	"math"
	"net/http"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

func (a *API) tokens(w http.ResponseWriter, r *http.Request, who auth.Principal) error {
	all, err := a.Auth.Tokens(r.Context(), who, "")
	if err != nil {
		return err
	}
	out := wire.Tokens{Tokens: []wire.Token{}}
	for _, t := range all {
		out.Tokens = append(out.Tokens, renderToken(t))
	}
	return httpkit.JSON(w, r, http.StatusOK, out)
}

func (a *API) createToken(w http.ResponseWriter, r *http.Request, who auth.Principal) error {
	httpkit.Audit(r, "token create", "", "")
	var b wire.NewToken
	if err := httpkit.DecodeJSON(w, r, maxText, &b); err != nil {
		return err
	}
	if b.ExpiresIn < 0 || b.ExpiresIn > math.MaxInt64/int64(time.Second) {
		return fault.New(fault.Invalid, "expiresIn %d is no number of seconds that a token can last; 0 is for ever", b.ExpiresIn)
	}
	secret, info, err := a.Auth.CreateToken(r.Context(), who, auth.NewToken{
		Name: b.Name, User: b.User, Permission: auth.Permission(b.Permission),
		Packages: b.Packages, Repositories: b.Repositories, Grant: b.Grant, CIDR: b.CIDR,
		Expires: time.Duration(b.ExpiresIn) * time.Second,
	})
	if err != nil {
		return err
	}
	httpkit.Audit(r, "", "token "+info.Key+" of "+info.User, "")
	return httpkit.JSON(w, r, http.StatusCreated, wire.CreatedToken{Secret: secret, Token: renderToken(info)})
}

func (a *API) revokeToken(w http.ResponseWriter, r *http.Request, who auth.Principal) error {
	httpkit.Audit(r, "token revoke", "token", "") // the path may hold a secret
	if err := a.Auth.Revoke(r.Context(), who, r.PathValue("key")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func renderToken(t auth.TokenInfo) wire.Token {
	return wire.Token{
		Key: t.Key, Name: t.Name, User: t.User, Hint: t.Hint, Permission: string(t.Permission),
		Packages: t.Packages, Repositories: t.Repositories, Grant: t.Grant, CIDR: t.CIDR, Created: t.Created, Expires: t.Expires,
	}
}
