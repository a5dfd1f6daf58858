package trust

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/org/registry-action/internal/fault"
)

const (
	algorithm = "RS256"
	maxToken  = 16 << 10 // bytes
	leeway    = 30 * time.Second
	maxLife   = 6 * time.Hour // of a token; GitHub's have 5 minutes
)

// verify checks a token, the cheap before the dear: nothing is asked of anybody for one that is not of an issuer of ours.
func (s *Service) verify(ctx context.Context, text string) (Claims, error) {
	keys, kid, err := s.glance(text)
	if err != nil {
		return Claims{}, err
	}
	if err := s.anyFor(ctx, keys.issuer); err != nil {
		return Claims{}, err
	}
	key, err := keys.key(ctx, kid)
	if err != nil {
		return Claims{}, err
	}
	var r raw
	parser := jwt.NewParser(jwt.WithValidMethods([]string{algorithm}), jwt.WithIssuer(keys.issuer.URL), jwt.WithAudience(s.opt.Audiences...), jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(), jwt.WithLeeway(leeway), jwt.WithStrictDecoding(), jwt.WithTimeFunc(s.opt.Now))
	if _, err := parser.ParseWithClaims(text, &r, func(*jwt.Token) (any, error) { return key, nil }); err != nil {
		return Claims{}, s.unfit(err, r)
	}
	if len(r.Audience) != 1 { // for another, too: whoever got it there could show it here
		return Claims{}, s.wrongAudience(r)
	}
	if r.IssuedAt == nil || r.ExpiresAt.Sub(r.IssuedAt.Time) > maxLife {
		return Claims{}, refuse(fault.Unauthenticated, "invalid_id_token", "iat", "a time within "+maxLife.String()+" of exp", "another")
	}
	return r.claims(keys.issuer)
}

// glance reads what a token says of itself, of which nothing is believed.
func (s *Service) glance(text string) (*keyset, string, error) {
	if len(text) > maxToken || strings.Count(text, ".") != 2 {
		return nil, "", notJWT(nil)
	}
	var r raw
	t, _, err := jwt.NewParser(jwt.WithStrictDecoding()).ParseUnverified(text, &r)
	if err != nil && (t == nil || t.Method == nil && !errors.Is(err, jwt.ErrTokenUnverifiable)) {
		return nil, "", notJWT(err)
	}
	name, _ := t.Header["alg"].(string)
	kid, _ := t.Header["kid"].(string)
	_, critical := t.Header["crit"]
	switch {
	case name != algorithm:
		return nil, "", refuse(fault.Unauthenticated, "invalid_id_token", "alg", algorithm, name)
	case critical:
		return nil, "", refuse(fault.Unauthenticated, "invalid_id_token", "crit", "none", "some")
	case kid == "" || len(kid) > maxText:
		return nil, "", refuse(fault.Unauthenticated, "invalid_id_token", "kid", "the name of a key", kid)
	}
	i := slices.IndexFunc(s.keysets, func(k *keyset) bool { return k.issuer.URL == r.Issuer })
	if i < 0 {
		return nil, "", refuse(fault.Unauthenticated, "invalid_id_token", "iss", "one of "+strings.Join(s.issuerURLs(), ", ")+" (OIDC_ISSUERS)", r.Issuer)
	}
	return s.keysets[i], kid, nil
}

func notJWT(cause error) error {
	return fault.Wrap(cause, fault.Unauthenticated, "Authorization required: send the OIDC token of the run as Authorization: Bearer <token>; what was sent is none").WithCode("invalid_id_token")
}

// unfit says what is wrong with a token, by the first that is.
func (s *Service) unfit(err error, r raw) error {
	at := func(t *jwt.NumericDate) string {
		if t == nil {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	now := s.opt.Now().UTC().Format(time.RFC3339)
	refused := func(field, expected, got string) error {
		return refuse(fault.Unauthenticated, "invalid_id_token", field, expected, got)
	}
	switch {
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return refused("signature", "made with the key that it names", "another")
	case errors.Is(err, jwt.ErrTokenExpired), errors.Is(err, jwt.ErrTokenRequiredClaimMissing) && r.ExpiresAt == nil:
		return refused("exp", "after "+now, at(r.ExpiresAt))
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return refused("nbf", "before "+now, at(r.NotBefore))
	case errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return refused("iat", "before "+now, at(r.IssuedAt))
	case errors.Is(err, jwt.ErrTokenInvalidAudience), errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return s.wrongAudience(r)
	}
	return notJWT(err)
}

func (s *Service) wrongAudience(r raw) error {
	return refuse(fault.Unauthenticated, "invalid_id_token", "aud", strings.Join(s.opt.Audiences, " or ")+", and no other", strings.Join(r.Audience, ", "))
}
