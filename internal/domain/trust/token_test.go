package trust

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/org/registry-action/internal/domain/trust/issuertest"
	"github.com/org/registry-action/internal/fault"
)

// A token that is not what it must be is refused, by the name of what is wrong with it.
func TestTokens(t *testing.T) {
	w := newWorld(t)
	w.policy(nil)
	other := issuertest.New(t)
	other.At(w.Now)
	now := w.Now()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	sign := func(change issuertest.Claims) string { return w.issuer.Token(audience, push().With(change)) }
	for what, tt := range map[string]struct {
		token, field string
	}{
		"another issuer":                    {other.Token(audience, push()), "iss"},
		"another's key":                     {w.issuer.Sign(issuertest.Key{ID: w.issuer.Key().ID, Private: other.Key().Private}, w.issuer.Complete(audience, push())), "signature"},
		"another issuer's key under its id": {w.issuer.Sign(other.Key(), w.issuer.Complete(audience, push())), "kid"},
		"an issuer that begins alike":       {sign(issuertest.Claims{"iss": w.issuer.URL + "/acme"}), "iss"},
		"an issuer with a slash":            {sign(issuertest.Claims{"iss": w.issuer.URL + "/"}), "iss"},
		"another audience":                  {w.issuer.Token("npm:registry.other.example", push()), "aud"},
		"no audience":                       {sign(issuertest.Claims{"aud": nil}), "aud"},
		"two audiences":                     {sign(issuertest.Claims{"aud": []string{audience, "sigstore"}}), "aud"},
		"the audience twice":                {sign(issuertest.Claims{"aud": []string{audience, audience}}), "aud"},
		"expired":                           {sign(issuertest.Claims{"exp": at(-31 * time.Second)}), "exp"},
		"without an end":                    {sign(issuertest.Claims{"exp": nil}), "exp"},
		"with an end in a year":             {sign(issuertest.Claims{"exp": at(365 * 24 * time.Hour)}), "iat"},
		"not yet good":                      {sign(issuertest.Claims{"nbf": at(31 * time.Second)}), "nbf"},
		"issued in the future":              {sign(issuertest.Claims{"iat": at(31 * time.Second)}), "iat"},
		"without a time of issue":           {sign(issuertest.Claims{"iat": nil}), "iat"},
		"without an id":                     {sign(issuertest.Claims{"jti": nil}), "jti"},
		"without the repository's id":       {sign(issuertest.Claims{"repository_id": nil}), "repository_id"},
		"with a repository's id of 0":       {sign(issuertest.Claims{"repository_id": "0"}), "repository_id"},
		"with no number for an id":          {sign(issuertest.Claims{"repository_id": "74 "}), ""},
		"without the owner's id":            {sign(issuertest.Claims{"repository_owner_id": nil}), "repository_owner_id"},
		"without a commit":                  {sign(issuertest.Claims{"sha": "main"}), "sha"},
		"without an event":                  {sign(issuertest.Claims{"event_name": nil}), "event_name"},
		"without a workflow":                {sign(issuertest.Claims{"workflow_ref": nil}), "workflow_ref"},
		"with a repository that is a path":  {sign(issuertest.Claims{"repository": "acme/widgets/../other"}), "repository"},
		"with a line in a name":             {sign(issuertest.Claims{"environment": "a\nb"}), "environment"},
		"with a long name":                  {sign(issuertest.Claims{"environment": strings.Repeat("a", 600)}), "environment"},
		"too large":                         {sign(issuertest.Claims{"padding": strings.Repeat("a", maxToken)}), ""},
		"of a key without a name":           {w.issuer.Sign(issuertest.Key{Private: w.issuer.Key().Private}, w.issuer.Complete(audience, push())), "kid"},
		"of a key with a long name":         {w.issuer.Sign(issuertest.Key{ID: strings.Repeat("k", maxText+1), Private: w.issuer.Key().Private}, w.issuer.Complete(audience, push())), "kid"},
		"of no form":                        {"regact_abc", ""},
		"of two parts":                      {"e30.e30", ""},
		"of parts that are no JSON":         {"a.b.c", ""},
		"nothing":                           {"", ""},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := w.show(tt.token)
			refused(t, err, fault.Unauthenticated, tt.field)
			w.Pass(0)
			w.failures = newFailures(w.Now) // each has its own tries
		})
	}
	if w.made.count() != 0 {
		t.Errorf("%d tokens were made", w.made.count())
	}
	if n := w.issuer.Asked(); n != 1 {
		t.Errorf("the issuer was asked for keys %d times", n)
	}
	if _, err := w.run(push()); err != nil {
		t.Errorf("a good token: %v", err)
	}
}

// A token that names another way to sign is refused before a key is looked for: nobody signs with our public key.
func TestAlgorithms(t *testing.T) {
	w := newWorld(t)
	w.policy(nil)
	claims := jwt.MapClaims(w.issuer.Complete(audience, push()))
	der, err := x509.MarshalPKIXPublicKey(&w.issuer.Key().Private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	for _, tt := range []struct {
		method jwt.SigningMethod
		key    any
	}{
		{jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType},
		{jwt.SigningMethodHS256, public},
		{jwt.SigningMethodHS256, der},
		{jwt.SigningMethodRS512, w.issuer.Key().Private},
		{jwt.SigningMethodPS256, w.issuer.Key().Private},
	} {
		token := jwt.NewWithClaims(tt.method, claims)
		token.Header["kid"] = w.issuer.Key().ID
		text, err := token.SignedString(tt.key)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.show(text)
		refused(t, err, fault.Unauthenticated, "alg", "RS256")
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["kid"], token.Header["crit"] = w.issuer.Key().ID, []string{"exp"}
	text, err := token.SignedString(w.issuer.Key().Private)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.show(text)
	refused(t, err, fault.Unauthenticated, "crit")
	if n := w.issuer.Asked(); n != 0 {
		t.Errorf("the issuer was asked for keys %d times", n)
	}
}

// Clocks differ a little: 30 seconds are allowed.
func TestLeeway(t *testing.T) {
	w := newWorld(t)
	w.policy(nil)
	now := w.Now()
	for _, change := range []issuertest.Claims{
		{"exp": now.Add(-29 * time.Second).Unix()},
		{"nbf": now.Add(29 * time.Second).Unix()},
		{"iat": now.Add(29 * time.Second).Unix(), "nbf": nil},
	} {
		if _, err := w.run(push().With(change)); err != nil {
			t.Errorf("%v: %v", change, err)
		}
	}
}

// The audience may have the port, as yarn asks for it.
func TestAudiences(t *testing.T) {
	for base, want := range map[string]string{
		"https://registry.example.com":      "npm:registry.example.com",
		"https://registry.example.com:8443": "npm:registry.example.com npm:registry.example.com:8443",
		"http://[::1]:3000":                 "npm:::1 npm:[::1]:3000",
	} {
		if got := strings.Join(Audiences(base), " "); got != want {
			t.Errorf("Audiences(%s) = %s, want %s", base, got, want)
		}
	}
}

// An address that shows one bad token after the other has to wait; runs that are only not trusted don't count.
func TestGuessing(t *testing.T) {
	w := newWorld(t)
	w.policy(nil)
	for range maxFailures {
		_, err := w.run(push().With(issuertest.Claims{"event_name": "pull_request"}))
		refused(t, err, fault.Forbidden, "event_name")
	}
	for range maxFailures {
		_, err := w.show("a.b.c")
		refused(t, err, fault.Unauthenticated, "")
	}
	_, err := w.run(push())
	refused(t, err, fault.Unavailable, "", "too many")
	if fault.Wait(err) <= 0 || fault.Wait(err) > failuresFor {
		t.Errorf("it says to wait %s", fault.Wait(err))
	}
	w.Pass(failuresFor)
	if _, err := w.run(push()); err != nil {
		t.Error(err)
	}
}

func FuzzTokens(f *testing.F) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.Fatal(err)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"iss": GitHub})
	token.Header["kid"] = "k"
	text, err := token.SignedString(key)
	if err != nil {
		f.Fatal(err)
	}
	issuers, err := ParseIssuers(nil)
	if err != nil {
		f.Fatal(err)
	}
	s := New(nil, Options{Issuers: issuers, Audiences: Audiences(base)})
	f.Add(text)
	f.Add("e30.e30.")
	f.Add("eyJhbGciOjF9.e30.")
	f.Fuzz(func(t *testing.T, text string) {
		keys, kid, err := s.glance(text)
		if err == nil && (keys == nil || kid == "") {
			t.Errorf("%q names neither key nor error", text)
		}
	})
}
