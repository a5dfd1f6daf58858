package lumenapi_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
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

// clientKey is a key as the client makes one.
func clientKey(seed string) (ed25519.PrivateKey, lumen.Key) {
	sum := sha256.Sum256([]byte(seed))
	key := ed25519.NewKeyFromSeed(sum[:])
	return key, lumen.PublicKey(key.Public().(ed25519.PublicKey))
}

// signature is a signed publish's "signature", and the same in headers.
func signature(key ed25519.PrivateKey, name, version, archive string) (member string, headers []string) {
	stamp := time.Now().UTC().Format("2006-01-02T15:04:05.000000000+00:00")
	id := lumen.KeyID(key.Public().(ed25519.PublicKey))
	sig := base64.StdEncoding.EncodeToString(ed25519.Sign(key, lumen.UploadMessage(name, version, digest.Of([]byte(archive)).String(), stamp)))
	return fmt.Sprintf(`{"signature":%q,"certificate":%q,"identity":"ed25519","key_id":%[2]q,"timestamp":%[3]q}`, sig, id, stamp),
		[]string{"X-Lumen-Signature: ed25519=" + sig, "X-Lumen-Key-Id: " + id, "X-Lumen-Timestamp: " + stamp}
}

func (n *node) pushWith(name, version, archive, member string, headers ...string) webtest.Answer {
	n.T.Helper()
	body := fmt.Sprintf(`{"signature":%s,"name":%q,"version":%q,"tarball":%q,"proof":{}}`, member, name, version, base64.StdEncoding.EncodeToString([]byte(archive)))
	return n.put("/lumen/v1/wares", body, append(headers, "Content-Type: application/json")...)
}

func TestUploadKeys(t *testing.T) {
	n := start(t, setup{})
	alice := n.newToken(auth.NewToken{Name: "a", User: "alice", Permission: auth.Publish})
	bob := n.newToken(auth.NewToken{Name: "b", User: "bob", Permission: auth.Publish})
	reader := n.newToken(auth.NewToken{Name: "r", User: "alice", Permission: auth.Read})
	limited := n.newToken(auth.NewToken{Name: "l", User: "alice", Permission: auth.Publish, Packages: []string{"lumen:@acme/*"}})
	_, key := clientKey("a")
	path := "/lumen/v1/keys/" + key.KeyID
	body := fmt.Sprintf(`{"public_key":%q,"key_id":%q,"created_at":"x"}`, key.PublicKey, key.KeyID)
	for _, base := range []string{"/lumen/v1/keys", "/lumen/api/v1/v1/keys"} {
		n.as("").put(base, body).Want(t, http.StatusUnauthorized, "Authorization required")
		n.as("").Get(base).Want(t, http.StatusUnauthorized, "Authorization required")
		reader.put(base, body).Want(t, http.StatusForbidden, "read_only_token")
		limited.put(base, body).Want(t, http.StatusForbidden, "limited to lumen:@acme/*")
	}
	alice.put("/lumen/v1/keys", body).Want(t, http.StatusCreated, `"algorithm":"ed25519"`)
	alice.put("/lumen/api/v1/v1/keys", body).Want(t, http.StatusOK, key.KeyID)
	bob.put("/lumen/v1/keys", body).Want(t, http.StatusConflict, `"key_taken"`)
	alice.Get("/lumen/v1/keys").Want(t, http.StatusOK, key.PublicKey)
	reader.Get("/lumen/v1/keys").Want(t, http.StatusOK, key.PublicKey)
	bob.Get("/lumen/v1/keys").Want(t, http.StatusOK, `{"keys":[]}`)
	if cache := alice.Get("/lumen/v1/keys").Header.Get("Cache-Control"); !strings.Contains(cache, "private") {
		t.Errorf("Cache-Control = %q; the list is the user's own", cache)
	}
	n.Do("DELETE", path, nil).Want(t, http.StatusOK, "revoked_at") // an admin may
	bob.Do("DELETE", path, nil).Want(t, http.StatusNotFound, "no key")
	limited.Do("DELETE", path, nil).Want(t, http.StatusForbidden, "")
	n.as("").Do("DELETE", path, nil).Want(t, http.StatusUnauthorized, "")
	alice.Do("DELETE", path, nil).Want(t, http.StatusOK, "revoked_at")
	alice.put("/lumen/v1/keys", body).Want(t, http.StatusConflict, `"key_revoked"`)

	for name, text := range map[string]string{
		"nothing": `{}`, "no JSON": `x`, "another type": `{"public_key":1}`, "a short key": `{"public_key":"AAAA"}`,
		"another's name": fmt.Sprintf(`{"public_key":%q,"key_id":"0123"}`, key.PublicKey),
	} {
		if got := bob.put("/lumen/v1/keys", text); got.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.Data)
		}
	}
	const secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I="
	_, other := clientKey("b")
	got := bob.put("/lumen/v1/keys", fmt.Sprintf(`{"public_key":%q,"secret_key":%q}`, other.PublicKey, secret)).Want(t, http.StatusBadRequest, `"secret_key_sent"`)
	if strings.Contains(n.Lines.String(), secret) || strings.Contains(string(got.Data), secret) {
		t.Error("the secret is shown")
	}
	bob.Get("/lumen/v1/keys").Want(t, http.StatusOK, `{"keys":[]}`)
	if log := n.Lines.String(); !strings.Contains(log, "target=lumen:"+key.KeyID) {
		t.Errorf("no audit line names the key: %s", log)
	}
}

func TestSignedPublish(t *testing.T) {
	n := start(t, setup{signatures: lumenpackages.SignaturesRequired})
	key, public := clientKey("a")
	n.put("/lumen/v1/keys", fmt.Sprintf(`{"public_key":%q}`, public.PublicKey)).Want(t, http.StatusCreated, public.KeyID)
	for i, how := range []string{"body", "headers", "both"} {
		version := fmt.Sprintf("1.0.%d", i)
		text := archive(t, manifest(utils, version), "x")
		member, headers := signature(key, utils, version, text)
		switch how {
		case "body":
			headers = nil
		case "headers":
			member = "null"
		}
		got := n.pushWith(utils, version, text, member, headers...).Want(t, http.StatusCreated, `"signed_by":"`+public.KeyID+`"`)
		if got.Header.Get("X-Lumen-Notice") != "" {
			t.Errorf("%s: a notice: %s", how, got.Header.Get("X-Lumen-Notice"))
		}
		m, err := lumen.DecodeMetadata(n.as("").Get("/lumen/packages/@acme/utils/"+version+".json").Want(t, http.StatusOK, `"upload_signature"`).Data)
		if err != nil || m.Upload.Verify(utils, version) != nil {
			t.Errorf("%s: what is shown of the signature does not verify: %+v, %v", how, m.Upload, err)
		}
		// The client can't read metadata with a "signature" in a short form.
		n.Get("/lumen/packages/@acme/utils/"+version+".json").Want(t, http.StatusOK, "").Lacks(t, `"signature": {`)
	}

	text := archive(t, manifest(utils, "2.0.0"), "x")
	member, headers := signature(key, utils, "2.0.0", text)
	_, others := signature(key, utils, "2.0.0", "y")
	n.pushWith(utils, "2.0.0", text, member, others...).Want(t, http.StatusBadRequest, `"bad_signature"`)
	n.pushWith(utils, "2.0.0", text, "null", others...).Want(t, http.StatusBadRequest, `"bad_signature"`)
	n.pushWith(utils, "2.0.0", text, "null").Want(t, http.StatusForbidden, `"signature_required"`)
	n.pushWith(utils, "2.0.0", text, "{}").Want(t, http.StatusForbidden, `"signature_required"`)
	n.pushWith(utils, "2.0.0", text, "[]").Want(t, http.StatusBadRequest, "signature")

	// The library's two steps carry a signature in headers.
	n.Do("PUT", pathOf(text, "tar"), strings.NewReader(text)).Want(t, http.StatusCreated, "")
	metadata := fmt.Sprintf(`{"name":%q,"version":"2.0.0","artifacts":[{"kind":"tar","hash":%q}]}`, utils, digest.Of([]byte(text)))
	n.put("/lumen/packages/@acme/utils/2.0.0.json", metadata).Want(t, http.StatusForbidden, `"signature_required"`)
	n.put("/lumen/packages/@acme/utils/2.0.0.json", metadata, headers...).Want(t, http.StatusCreated, public.KeyID)
}

func TestUnsignedPublish(t *testing.T) {
	n := start(t, setup{})
	text := archive(t, manifest(utils, "1.0.0"), "x")
	got := n.push(utils, "1.0.0", text).Want(t, http.StatusCreated, `"notice":"nobody has vouched for this upload: its signature is by a key that nobody has registered here; `)
	if notice := got.Header.Get("X-Lumen-Notice"); !strings.Contains(notice, "PUT /lumen/v1/keys") {
		t.Errorf("X-Lumen-Notice = %q, want the way to be signed", notice)
	}
	if left := n.Spooled(t); len(left) != 0 {
		t.Errorf("the spool has %q", left)
	}
}
