package lumentree_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/lumentree"
)

// registered is an upload's signature by a key of its publisher.
func registered(hash string) lumen.UploadSignature {
	at := now.Format(time.RFC3339)
	public := lumen.PublicKey(otherKey.Public().(ed25519.PublicKey))
	return lumen.UploadSignature{
		Algorithm: public.Algorithm, KeyID: public.KeyID, PublicKey: public.PublicKey, SignedAt: at, Hash: hash,
		Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(otherKey, lumen.UploadMessage("@acme/http", "1.0.0", hash, at))),
	}
}

// certified is one by a key that a registry certified for a user.
func certified(t *testing.T, registry ed25519.PrivateKey, user, hash string) lumen.UploadSignature {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(hash))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	u := lumen.UploadSignature{
		Algorithm: lumen.AlgorithmP256, PublicKey: base64.StdEncoding.EncodeToString(der), SignedAt: now.Format(time.RFC3339), Hash: hash,
		Signature: base64.StdEncoding.EncodeToString(sig),
	}
	if _, u.KeyID, err = lumen.ParseP256(u.PublicKey); err != nil {
		t.Fatal(err)
	}
	u.Certificate = lumen.Certificate{
		ID: "1", Subject: user, PublicKey: u.PublicKey, KeyAlgorithm: lumen.AlgorithmP256,
		NotBefore: now.Add(-time.Minute).Format(time.RFC3339), NotAfter: now.Add(time.Minute).Format(time.RFC3339),
	}.Seal(registry)
	return u
}

// uploaded lets the metadata of a version, signed anew, show who signed its upload.
func uploaded(t *testing.T, dir string, u lumen.UploadSignature) {
	t.Helper()
	path := lumen.MetadataPath("@acme/http", "1.0.0")
	text, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil {
		t.Fatal(err)
	}
	m, err := lumen.DecodeMetadata(text)
	if err != nil {
		t.Fatal(err)
	}
	m.Upload, m.Publisher = &u, &lumen.Publisher{Name: "alice"}
	signature := lumen.Seal(key, lumen.StatementType, lumen.Encode(m.Statement()), now.Format(time.RFC3339))
	write(t, dir, map[string]string{path: string(lumen.Encode(m)), lumen.SignaturePath(m.Name, m.Version): string(lumen.Encode(signature))})
}

func TestVerifyUploads(t *testing.T) {
	tree := signedTree(t)
	hash, other := artifactOf(t, tree, "@acme/http", "1.0.0").Hash, digest.Of(nil).String()
	changed := func(u lumen.UploadSignature, change func(*lumen.UploadSignature)) lumen.UploadSignature {
		change(&u)
		return u
	}
	for name, c := range map[string]struct {
		upload lumen.UploadSignature
		want   []string
	}{
		"registered":                 {registered(hash), nil},
		"certified":                  {certified(t, key, "alice", hash), nil},
		"of another archive":         {registered(other), []string{"signature"}},
		"certified, another archive": {certified(t, key, "alice", other), []string{"signature"}},
		"by another registry":        {certified(t, otherKey, "alice", hash), []string{"signature"}},
		"by another than published":  {certified(t, key, "bob", hash), []string{"signature"}},
		"changed":                    {changed(registered(hash), func(u *lumen.UploadSignature) { u.SignedAt = "2026-03-04T05:06:08Z" }), []string{"signature"}},
		"another's certificate":      {changed(certified(t, key, "alice", hash), func(u *lumen.UploadSignature) { u.Certificate = certified(t, key, "alice", hash).Certificate }), []string{"signature"}},
		"after its certificate":      {changed(certified(t, key, "alice", hash), func(u *lumen.UploadSignature) { u.SignedAt = "2026-03-05T05:06:07Z" }), []string{"signature"}},
		"without its certificate":    {changed(certified(t, key, "alice", hash), func(u *lumen.UploadSignature) { u.Certificate = "" }), []string{"signature"}},
		"an algorithm nobody has":    {changed(registered(hash), func(u *lumen.UploadSignature) { u.Algorithm = "none" }), []string{"signature"}},
		"nothing but the member":     {lumen.UploadSignature{}, []string{"signature"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := clone(t, tree)
			uploaded(t, dir, c.upload)
			if got := codes(verify(t, dir, lumentree.VerifyOptions{})); !cmp.Equal(got, c.want) {
				t.Errorf("problems %v, want %v", got, c.want)
			}
		})
	}
}

// Of a revoked key's certificate nobody can tell whether it is from before; that is no fault of the tree.
func TestVerifyUploadOfRevokedKey(t *testing.T) {
	dir := signedTree(t)
	hash := artifactOf(t, dir, "@acme/http", "1.0.0").Hash
	uploaded(t, dir, certified(t, key, "alice", hash))
	revoke(t, dir, key, otherKey, pack(t, "@acme/log", "1.0.0", "first"))
	if v := sound(t, dir); len(v.Notes) != 1 || !strings.Contains(v.Notes[0], "revoked") {
		t.Errorf("notes: %q", v.Notes)
	}
}

// taker is a server that takes a publish, and keeps what was sent.
func taker(t *testing.T, status int, answer string) (url string, sent func() map[string]any) {
	t.Helper()
	bodies := make(chan []byte, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies <- body
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() (m map[string]any) {
		if err := json.Unmarshal(<-bodies, &m); err != nil {
			t.Error(err)
		}
		return m
	}
}

func TestSend(t *testing.T) {
	p := pack(t, "@acme/http", "1.0.0", "one")
	send := func(url string, signer ed25519.PrivateKey) (lumentree.Published, error) {
		site, err := lumentree.OpenSite(url, "")
		if err != nil {
			t.Fatal(err)
		}
		defer site.Close()
		return site.Send(t.Context(), p, lumentree.SendOptions{Key: signer, Now: clock})
	}
	url, sent := taker(t, http.StatusCreated, `{"success":true,"signed_by":"k","notice":"a word"}`)
	out, err := send(url, otherKey)
	if err != nil || out.Unchanged || out.Notice != "a word" || out.SignedBy != "k" {
		t.Errorf("Send = %+v, %v", out, err)
	}
	body := sent()
	want := registered(out.Hash)
	if diff := cmp.Diff(map[string]any{"signature": want.Signature, "key_id": want.KeyID, "timestamp": want.SignedAt}, body["signature"]); diff != "" {
		t.Errorf("the signature that was sent (-want +got): %s", diff)
	}
	archive, err := base64.StdEncoding.DecodeString(body["tarball"].(string))
	if err != nil || digest.Of(archive).String() != out.Hash || body["name"] != "@acme/http" || body["version"] != "1.0.0" || "sha256:"+body["shasum"].(string) != out.Hash {
		t.Errorf("sent was %v, %v", body, err)
	}
	if _, err := send(url, nil); err != nil {
		t.Error(err)
	}
	if body := sent(); body["signature"] != nil {
		t.Errorf("without a key a signature was sent: %v", body["signature"])
	}
	url, sent = taker(t, http.StatusConflict, `{"error":"there are other bytes"}`)
	if _, err := send(url, nil); !errors.Is(err, fault.Exists) {
		t.Errorf("a conflict: %v", err)
	}
	sent()
}
