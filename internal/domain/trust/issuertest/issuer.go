// Package issuertest is an issuer of OIDC tokens for tests: it has the discovery document and the keys that a registry
// asks for, and the endpoint by which the jobs of GitHub Actions get their tokens.
package issuertest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Claims are what a token says, beside what the Issuer knows itself (iss, aud, jti and the times). A nil value leaves
// a claim out, of these too.
type Claims map[string]any

// With returns a copy with other values.
func (c Claims) With(more Claims) Claims {
	c = maps.Clone(c)
	maps.Copy(c, more)
	return c
}

// Issuer signs tokens.
type Issuer struct {
	URL string // what its tokens have as iss

	t    testing.TB
	mu   sync.Mutex
	keys []Key // the last one signs
	jobs map[string]Claims
	asks map[string]int // by path
	now  func() time.Time
	fail bool
}

// Key is a key of the Issuer.
type Key struct {
	ID      string
	Private *rsa.PrivateKey
}

// New starts an Issuer on loopback, which ends with the test.
func New(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{t: t, jobs: map[string]Claims{}, asks: map[string]int{}, now: time.Now}
	i.Rotate()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /.well-known/jwks", i.jwks)
	mux.HandleFunc("GET /job/token", i.jobToken)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	i.URL = s.URL
	return i
}

// At sets the Issuer's clock.
func (i *Issuer) At(now func() time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.now = now
}

// Rotate makes a new key, which signs from now on. The old ones stay in the list.
func (i *Issuer) Rotate() Key {
	i.t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		i.t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	k := Key{ID: rand.Text(), Private: private}
	i.keys = append(i.keys, k)
	return k
}

// Key is the one that signs.
func (i *Issuer) Key() Key {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys[len(i.keys)-1]
}

// Break lets discovery and keys fail, or work again.
func (i *Issuer) Break(broken bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fail = broken
}

// Asked is how often the keys were fetched.
func (i *Issuer) Asked() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asks["jwks"]
}

// Token makes a token for an audience such as npm:registry.example.
func (i *Issuer) Token(audience string, c Claims) string {
	i.t.Helper()
	return i.Sign(i.Key(), i.Complete(audience, c))
}

// Complete returns all claims of a token.
func (i *Issuer) Complete(audience string, c Claims) Claims {
	i.mu.Lock()
	now := i.now()
	i.mu.Unlock()
	all := Claims{
		"iss": i.URL, "aud": audience, "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Add(-10 * time.Minute).Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(all, c)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

// Sign makes a token of exactly these claims, by RS256 and whatever key.
func (i *Issuer) Sign(k Key, c Claims) string {
	i.t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims(c))
	token.Header["kid"] = k.ID
	text, err := token.SignedString(k.Private)
	if err != nil {
		i.t.Fatal(err)
	}
	return text
}

// Job returns the environment in which a job of GitHub Actions asks for its tokens: they have these claims.
func (i *Issuer) Job(c Claims) []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	secret := rand.Text()
	i.jobs[secret] = c
	return []string{
		"GITHUB_ACTIONS=true",
		"ACTIONS_ID_TOKEN_REQUEST_URL=" + i.URL + "/job/token?api-version=2.0",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN=" + secret,
	}
}

func (i *Issuer) jobToken(w http.ResponseWriter, r *http.Request) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	i.mu.Lock()
	c, ok := i.jobs[secret]
	i.mu.Unlock()
	if !ok || !strings.EqualFold(scheme, "bearer") {
		http.Error(w, `{"message":"unknown request token"}`, http.StatusUnauthorized)
		return
	}
	audience := r.URL.Query().Get("audience")
	if audience == "" {
		audience = "https://github.com/acme"
	}
	i.answer(w, "job", map[string]any{"count": 1, "value": i.Token(audience, c)})
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	i.answer(w, "discovery", map[string]any{
		"issuer": i.URL, "jwks_uri": i.URL + "/.well-known/jwks", "id_token_signing_alg_values_supported": []string{"RS256"},
		"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
	})
}

func (i *Issuer) jwks(w http.ResponseWriter, _ *http.Request) { i.answer(w, "jwks", i.Keys()) }

// Keys is the document of the public keys (JWKS).
func (i *Issuer) Keys() map[string]any {
	i.mu.Lock()
	defer i.mu.Unlock()
	list := []map[string]string{}
	for _, k := range i.keys {
		list = append(list, map[string]string{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": k.ID,
			"n": base64.RawURLEncoding.EncodeToString(k.Private.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.Private.E)).Bytes()),
		})
	}
	return map[string]any{"keys": list}
}

func (i *Issuer) answer(w http.ResponseWriter, what string, body any) {
	i.mu.Lock()
	i.asks[what]++
	fail := i.fail && what != "job"
	i.mu.Unlock()
	if fail {
		http.Error(w, "out of order", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
