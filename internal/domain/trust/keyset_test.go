package trust

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/trust/issuertest"
	"github.com/org/registry-action/internal/fault"
)

// Tokens that name keys which nobody has make one question a minute, not one each; a key that is new is found after that.
func TestUnknownKeys(t *testing.T) {
	w := newWorld(t)
	w.policy(nil)
	if _, err := w.run(push()); err != nil {
		t.Fatal(err)
	}
	asked := w.issuer.Asked()
	flood := func() {
		t.Helper()
		for i := range 30 {
			key := issuertest.Key{ID: fmt.Sprint("made up ", i), Private: w.issuer.Key().Private}
			_, err := w.show(w.issuer.Sign(key, w.issuer.Complete(audience, push())))
			refused(t, err, fault.Unauthenticated, "kid")
		}
		w.failures = newFailures(w.Now)
	}
	flood()
	if got := w.issuer.Asked(); got != asked {
		t.Errorf("it asked %d times within the minute", got-asked)
	}
	w.Pass(coolDown)
	flood()
	if got := w.issuer.Asked(); got != asked+1 {
		t.Errorf("it asked %d times after the minute", got-asked)
	}
	w.issuer.Rotate()
	_, err := w.run(push())
	refused(t, err, fault.Unauthenticated, "kid")
	w.Pass(coolDown)
	if _, err := w.run(push()); err != nil {
		t.Errorf("a new key, a minute later: %v", err)
	}
}

// While the issuer can't be asked, keys that are known are good for a day; one that is not known is no lie, but can't be checked.
func TestIssuerIsDown(t *testing.T) {
	w := newWorld(t)
	w.policy(nil)
	w.issuer.Break(true)
	_, err := w.run(push())
	refused(t, err, fault.Unavailable, "")
	if fault.Wait(err) == 0 {
		t.Error("it does not say when to try again")
	}
	w.issuer.Break(false)
	_, err = w.run(push())
	refused(t, err, fault.Unavailable, "") // it has just been asked
	w.Pass(coolFailure)
	if _, err := w.run(push()); err != nil {
		t.Fatal(err)
	}
	w.issuer.Break(true)
	w.Pass(23 * time.Hour)
	if _, err := w.run(push()); err != nil {
		t.Errorf("with a key of yesterday: %v", err)
	}
	w.Pass(time.Hour)
	_, err = w.run(push())
	refused(t, err, fault.Unavailable, "")
}

// Many at once make one question.
func TestOneQuestion(t *testing.T) {
	w := newWorld(t)
	w.policy(nil)
	var wg sync.WaitGroup
	for range 20 {
		token := w.issuer.Token(audience, push())
		wg.Go(func() {
			if _, err := w.show(token); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := w.issuer.Asked(); got != 1 {
		t.Errorf("it asked %d times", got)
	}
}

// Who goes away while others ask does not wait.
func TestImpatient(t *testing.T) {
	w := newWorld(t)
	k := w.keysets[0]
	k.turn <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.key(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// What an issuer says is taken only if it is what an issuer may say.
func TestHostileIssuer(t *testing.T) {
	good := issuertest.New(t)
	keys, err := json.Marshal(good.Keys())
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		t.Error("another host was asked")
		_, _ = w.Write(keys)
	}))
	defer elsewhere.Close()
	for what, answer := range map[string]func(w http.ResponseWriter, r *http.Request, self string){
		"another issuer":       func(w http.ResponseWriter, _ *http.Request, self string) { about(w, self+"/", self+"/good") },
		"keys of another host": func(w http.ResponseWriter, _ *http.Request, self string) { about(w, self, elsewhere.URL+"/keys") },
		"keys of another user": func(w http.ResponseWriter, _ *http.Request, self string) {
			about(w, self, strings.Replace(self, "://", "://a@", 1)+"/keys")
		},
		"a file for keys": func(w http.ResponseWriter, _ *http.Request, self string) { about(w, self, "file:///etc/passwd") },
		"a redirect of itself": func(w http.ResponseWriter, r *http.Request, _ string) {
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		},
		"a redirect in circles": func(w http.ResponseWriter, r *http.Request, _ string) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		},
		"a redirect of keys": func(w http.ResponseWriter, r *http.Request, self string) {
			if r.URL.Path == "/keys" {
				http.Redirect(w, r, elsewhere.URL, http.StatusFound)
				return
			}
			about(w, self, self+"/keys")
		},
		"more than it may say": func(w http.ResponseWriter, _ *http.Request, self string) {
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": self, "jwks_uri": self + "/good", "padding": strings.Repeat("a", maxDocument)})
		},
		"no JSON":   func(w http.ResponseWriter, _ *http.Request, _ string) { _, _ = w.Write([]byte("<html>")) },
		"a failure": func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(http.StatusTeapot) },
		"no keys": func(w http.ResponseWriter, r *http.Request, self string) {
			if r.URL.Path == "/keys" {
				_, _ = w.Write([]byte(`{"keys":[]}`))
				return
			}
			about(w, self, self+"/keys")
		},
	} {
		t.Run(what, func(t *testing.T) {
			var self string
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/good" {
					_, _ = w.Write(keys)
					return
				}
				answer(w, r, self)
			}))
			defer s.Close()
			self = s.URL
			k := newKeyset(Issuer{URL: self}, keysClient(), time.Now, slog.New(slog.DiscardHandler))
			_, err := k.key(t.Context(), good.Key().ID)
			refused(t, err, fault.Unavailable, "")
			if strings.Contains(fmt.Sprint(err), "passwd") {
				t.Errorf("the refusal repeats what the issuer said: %v", err)
			}
		})
	}
}

func about(w http.ResponseWriter, issuer, keys string) {
	_ = json.NewEncoder(w).Encode(map[string]string{"issuer": issuer, "jwks_uri": keys})
}

// A server that can't reach the issuer has its keys in a file.
func TestKeysFile(t *testing.T) {
	w := newWorld(t)
	w.policy(nil)
	file := filepath.Join(t.TempDir(), "keys.json")
	text, err := json.Marshal(w.issuer.Keys())
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := w.another(";keys=" + file)
	if _, _, err := s.Exchange(t.Context(), Ask{Token: w.issuer.Token(audience, push()), Addr: address, Packages: []string{"@acme/a"}}); err != nil {
		t.Error(err)
	}
	if w.issuer.Asked() != 0 {
		t.Error("the issuer was asked")
	}
	s = w.another(";keys=" + file + ".none")
	_, _, err = s.Exchange(t.Context(), Ask{Token: w.issuer.Token(audience, push()), Addr: address, Packages: []string{"@acme/a"}})
	refused(t, err, fault.Unavailable, "")
}

// Keys that are too short, for other uses or broken are left out.
func TestKeys(t *testing.T) {
	good := issuertest.New(t).Keys()["keys"].([]map[string]string)[0]
	with := func(member, value string) map[string]string {
		k := map[string]string{}
		maps.Copy(k, good)
		k[member] = value
		return k
	}
	number := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	for what, k := range map[string]map[string]string{
		"of another type": with("kty", "EC"), "for encryption": with("use", "enc"), "of another algorithm": with("alg", "RS512"), "without a name": with("kid", ""),
		"short":         with("n", number(new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 1023), big.NewInt(1)))),
		"huge":          with("n", number(new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 9000), big.NewInt(1)))),
		"even":          with("n", number(new(big.Int).Lsh(big.NewInt(1), 2047))),
		"of exponent 1": with("e", "AQ"), "of an even exponent": with("e", "Ag"), "of a long exponent": with("e", "AQAAAAE"), "no base64": with("n", "%%%"), "empty": {},
	} {
		text, err := json.Marshal(map[string]any{"keys": []any{k}})
		if err != nil {
			t.Fatal(err)
		}
		if keys, err := parseKeys(text); err == nil {
			t.Errorf("a key %s is taken: %v", what, keys)
		}
		if text, err = json.Marshal(map[string]any{"keys": []any{k, good}}); err != nil {
			t.Fatal(err)
		}
		if keys, err := parseKeys(text); err != nil || len(keys) != 1 {
			t.Errorf("beside a key %s: %d keys, %v", what, len(keys), err)
		}
	}
	many, err := json.Marshal(map[string]any{"keys": make([]jwk, maxKeys+1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parseKeys(many); err == nil {
		t.Error("a long list is taken")
	}
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := parseKeys(text)
		for id, k := range keys {
			if err != nil || id == "" || k.N.BitLen() < minModulus {
				t.Errorf("%q has the key %q %v", text, id, k)
			}
		}
	})
}
