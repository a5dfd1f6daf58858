package lumenapi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/web/webtest"
)

// ephemeralKey is a key as clients since 0.6 make one for each publish, and its public half as they send it.
func ephemeralKey(t *testing.T) (*ecdsa.PrivateKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return key, base64.StdEncoding.EncodeToString(der)
}

// certify asks for a certificate as the client does: without a header, with the token in the body.
func (n *node) certify(base, public string) webtest.Answer {
	n.T.Helper()
	body := fmt.Sprintf(`{"oidc_token":%q,"public_key":%q}`, n.Token, public)
	return n.as("").Do(http.MethodPost, base+"/api/v1/auth/cert", strings.NewReader(body), "Content-Type: application/json")
}

// certifiedPublish is what the client sends then.
func certifiedPublish(t *testing.T, key *ecdsa.PrivateKey, pem, identity, name, version, archive, deps string) string {
	t.Helper()
	hash := digest.Of([]byte(archive))
	sum := sha256.Sum256([]byte(hash.String()))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return fmt.Sprintf(`{"deps":%s,"name":%q,"proof":null,"shasum":%q,"signature":{"certificate":%q,"identity":%q,"signature":%q},"tarball":%q,"version":%q}`,
		deps, name, hash.Hex(), pem, identity, base64.StdEncoding.EncodeToString(sig), base64.StdEncoding.EncodeToString([]byte(archive)), version)
}

func TestCertifiedPublish(t *testing.T) {
	n := start(t, setup{signatures: lumenpackages.SignaturesRequired})
	alice := n.newToken(auth.NewToken{Name: "a", User: "alice", Packages: []string{"lumen:@acme/*"}})
	for i, base := range []string{"/lumen", "/lumen/api/v1"} {
		key, public := ephemeralKey(t)
		got := alice.certify(strings.TrimSuffix(base, "/api/v1"), public).Want(t, http.StatusOK, "certificate_pem")
		var c struct {
			ID        string    `json:"cert_id"`
			PEM       string    `json:"certificate_pem"`
			PublicKey string    `json:"public_key"`
			NotBefore time.Time `json:"not_before"`
			NotAfter  time.Time `json:"not_after"`
			Identity  struct {
				Sub, Iss, Aud string
				Iat, Exp      int64
			}
		}
		if err := json.Unmarshal(got.Data, &c); err != nil {
			t.Fatal(err)
		}
		if c.ID == "" || c.PublicKey != public || c.Identity.Sub != "alice" || c.Identity.Iss == "" || c.Identity.Aud == "" || c.Identity.Exp != c.NotAfter.Unix() ||
			c.Identity.Iat != c.NotBefore.Unix() || time.Until(c.NotAfter) < time.Minute || time.Until(c.NotAfter) > 15*time.Minute {
			t.Errorf("the certificate is %s", got.Data)
		}
		if cache := got.Header.Get("Cache-Control"); cache != "no-store" {
			t.Errorf("Cache-Control = %q", cache)
		}
		version := fmt.Sprintf("1.0.%d", i)
		text := gzipped(t, archive(t, manifest(utils, version, "[dependencies]", `"@org/http" = "^1.0"`, `"@org/tls" = { version = "~2", optional = true }`), "x"))
		const deps = `{"@org/http":"^1.0","@org/tls":"~2"}`
		for _, wrong := range []string{"{}", `{"@org/http":"^1.0"}`, `{"@org/http":"^2.0","@org/tls":"~2"}`} {
			alice.put(base+"/api/v1/wares", certifiedPublish(t, key, c.PEM, "alice", utils, version, text, wrong)).Want(t, http.StatusBadRequest, "manifest_mismatch")
		}
		alice.put(base+"/api/v1/wares", certifiedPublish(t, key, c.PEM, "eve", utils, version, text, deps)).Want(t, http.StatusBadRequest, "bad_signature")
		n.put(base+"/api/v1/wares", certifiedPublish(t, key, c.PEM, "alice", utils, version, text, deps)).Want(t, http.StatusForbidden, "foreign_certificate")
		alice.put(base+"/api/v1/wares", certifiedPublish(t, key, c.PEM, "alice", utils, version, text, deps)).Want(t, http.StatusCreated, `"signed_by"`).Lacks(t, "notice")
		alice.put(base+"/api/v1/wares", certifiedPublish(t, key, c.PEM, "alice", utils, version, text, "null")).Want(t, http.StatusOK, `"unchanged":true`)
		m, err := lumen.DecodeMetadata(n.Get("/lumen/packages/@acme/utils/"+version+".json").Want(t, http.StatusOK, "upload_signature").Data)
		if err != nil || m.Upload.Verify(utils, version) != nil || m.Upload.Algorithm != lumen.AlgorithmP256 {
			t.Errorf("what is shown of the signature: %+v, %v", m.Upload, err)
		}
	}
	if log := n.Lines.String(); strings.Contains(log, alice.Token) || strings.Contains(log, webtest.RootToken) || !strings.Contains(log, "who=\"alice (token ") || !strings.Contains(log, "action=certify target=lumen:") {
		t.Errorf("the log has a token, or no line of the certificate: %s", log)
	}
}

func TestWhoIsCertified(t *testing.T) {
	n := start(t, setup{readAuth: true})
	_, public := ephemeralKey(t)
	reader := n.newToken(auth.NewToken{Name: "r", User: "alice", Permission: auth.Read})
	alice := n.newToken(auth.NewToken{Name: "a", User: "alice"})
	const cert = "/lumen/api/v1/auth/cert"
	n.as("wrong").certify("/lumen", public).Want(t, http.StatusUnauthorized, `"error"`).Lacks(t, "wrong")
	n.as("").certify("/lumen", public).Want(t, http.StatusUnauthorized, "")
	reader.certify("/lumen", public).Want(t, http.StatusForbidden, "read_only_token")
	alice.certify("/lumen", "AAAA").Want(t, http.StatusBadRequest, "bad_key")
	// The token of the body counts, also beside another in the header; that of the header without one.
	n.Do(http.MethodPost, cert, strings.NewReader(fmt.Sprintf(`{"oidc_token":"wrong","public_key":%q}`, public))).Want(t, http.StatusUnauthorized, "")
	n.Do(http.MethodPost, cert, strings.NewReader(fmt.Sprintf(`{"oidc_token":%q,"public_key":%q}`, alice.Token, public))).Want(t, http.StatusOK, `"sub":"alice"`)
	alice.Do(http.MethodPost, cert, strings.NewReader(fmt.Sprintf(`{"public_key":%q}`, public))).Want(t, http.StatusOK, `"sub":"alice"`)
	for name, body := range map[string]string{"nothing": "", "no JSON": "x", "a list": "[]", "a number": `{"oidc_token":1}`, "too large": `{"public_key":"` + strings.Repeat("A", 70<<10) + `"}`} {
		if got := alice.Do(http.MethodPost, cert, strings.NewReader(body)); got.StatusCode < 400 || got.StatusCode >= 500 {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.Data)
		}
	}
	alice.Get(cert).Want(t, http.StatusMethodNotAllowed, "")
}

// A signature is by a registered key or by a certified one, never both.
func TestMixedSignatures(t *testing.T) {
	n := start(t, setup{})
	key, public := ephemeralKey(t)
	pem := n.certify("/lumen", public).Want(t, http.StatusOK, "").Text("certificate_pem")
	text := archive(t, manifest(utils, "1.0.0"), "x")
	good := certifiedPublish(t, key, pem, "", utils, "1.0.0", text, "{}")
	ed25519, _ := clientKey("a")
	_, headers := signature(ed25519, utils, "1.0.0", text)
	for name, body := range map[string]string{
		"a key_id beside the certificate": strings.Replace(good, `"identity":""`, `"key_id":"0123456789abcdef0123456789abcdef"`, 1),
		"a timestamp beside it":           strings.Replace(good, `"identity":""`, `"timestamp":"2026-03-11T10:20:30Z"`, 1),
	} {
		t.Run(name, func(t *testing.T) { n.put("/lumen/wares", body).Want(t, http.StatusBadRequest, "bad_signature") })
	}
	n.put("/lumen/wares", good, headers...).Want(t, http.StatusBadRequest, "bad_signature")
	n.put("/lumen/wares", good).Want(t, http.StatusCreated, "")
}
