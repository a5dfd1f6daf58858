package lumen

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
)

// A key and a signature that the client's own tests hold, of the same message.
const (
	clientsKey       = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEHhhTL9R1TALzBB2cdc6zO4P/2BrHzk/ogsyxyYvFiW6kbDEcTi/0DdlqNlPm5FRF0y3+SG7O11x6kMahiIHAow=="
	clientsHash      = "sha256:abababababababababababababababababababababababababababababababab"
	clientsSignature = "Py/XmCqnUGb3F/wUH8yGNBQkdScEcwWumugFxXVpg+k3XfLz+/485M5dd0t9XwXTVmYgJRvHQsyG6QBFfzmn9Q=="
)

// ca is a registry's key.
func ca(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize)))
}

func listed(keys ...ed25519.PrivateKey) (k Keys) {
	for _, key := range keys {
		k.Keys = append(k.Keys, PublicKey(key.Public().(ed25519.PublicKey)))
	}
	return k
}

func certificate() Certificate {
	return Certificate{
		ID: "1", Subject: "alice", Issuer: "https://registry.example.com/lumen", PublicKey: clientsKey, KeyAlgorithm: AlgorithmP256,
		NotBefore: "2026-03-11T10:20:00Z", NotAfter: "2026-03-11T10:30:00Z",
	}
}

// certified is what the client signs with the certificate of this registry.
func certified(t testing.TB) UploadSignature {
	t.Helper()
	_, id, err := ParseP256(clientsKey)
	if err != nil {
		t.Fatal(err)
	}
	return UploadSignature{
		Algorithm: AlgorithmP256, KeyID: id, PublicKey: clientsKey, Signature: clientsSignature, SignedAt: "2026-03-11T10:25:00Z",
		Hash: clientsHash, Certificate: certificate().Seal(ca('a')),
	}
}

func TestCertificate(t *testing.T) {
	text := certificate().Seal(ca('a'))
	c, err := OpenCertificate(text, listed(ca('b'), ca('a')))
	want := certificate()
	want.KeyID = KeyID(ca('a').Public().(ed25519.PublicKey))
	if err != nil || c != want {
		t.Errorf("OpenCertificate = %+v, %v; want %+v", c, err, want)
	}
	for name, bad := range map[string]struct {
		text string
		keys Keys
	}{
		"another registry's":      {text, listed(ca('b'))},
		"nobody's":                {text, Keys{}},
		"a revoked key's":         {text, Keys{[]Key{{KeyID: want.KeyID, Algorithm: Algorithm, PublicKey: listed(ca('a')).Keys[0].PublicKey, Revoked: true}}}},
		"signed after its key":    {text, Keys{[]Key{{KeyID: want.KeyID, Algorithm: Algorithm, PublicKey: listed(ca('a')).Keys[0].PublicKey, NotAfter: "2026-03-11T10:00:00Z"}}}},
		"empty":                   {"", listed(ca('a'))},
		"X.509":                   {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", listed(ca('a'))},
		"no signature":            {certificateBegin + "\n" + strings.Split(text, "\n")[1] + "\n" + certificateEnd, listed(ca('a'))},
		"two bodies":              {strings.Replace(text, certificateSig, "AAAA\n"+certificateSig, 1), listed(ca('a'))},
		"too long":                {text + strings.Repeat("\n", maxCertificate), listed(ca('a'))},
		"another payload, signed": {statementAsCertificate(text, ca('a')), listed(ca('a'))},
		"changed":                 {strings.Replace(text, strings.Split(text, "\n")[1], base64.StdEncoding.EncodeToString([]byte(`{"subject":"eve","key_id":"`+want.KeyID+`"}`)), 1), listed(ca('a'))},
	} {
		_, err := OpenCertificate(bad.text, bad.keys)
		if err == nil {
			t.Errorf("%s: it is opened", name)
			continue
		}
		wantFault(t, err, fault.Invalid, "bad_certificate")
	}
}

// statementAsCertificate has a signature of the registry's key over the same bytes, but as something else.
func statementAsCertificate(text string, key ed25519.PrivateKey) string {
	lines := strings.Split(text, "\n")
	payload, _ := base64.StdEncoding.DecodeString(lines[1])
	lines[4] = Seal(key, StatementType, payload, certificate().NotBefore).Signatures[0].Signature
	return strings.Join(lines, "\n")
}

func TestCertificateIsValidAt(t *testing.T) {
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	c := certificate()
	for text, valid := range map[string]bool{"2026-03-11T10:19:59Z": false, "2026-03-11T10:20:00Z": true, "2026-03-11T10:29:59Z": true, "2026-03-11T10:30:00Z": false} {
		if err := c.ValidAt(at(text)); (err == nil) != valid {
			t.Errorf("ValidAt(%s) = %v, want valid %v", text, err, valid)
		}
	}
	c.NotAfter = ""
	wantFault(t, c.ValidAt(at("2026-03-11T10:20:00Z")), fault.Invalid, "bad_certificate")
}

func TestCertifiedUpload(t *testing.T) {
	if err := certified(t).Verify("@acme/utils", "1.0.0"); err != nil {
		t.Fatalf("the client's own signature: %v", err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(clientsHash))
	der, err := ecdsa.SignASN1(rand.Reader, other, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	registered := upload("a")
	for name, tt := range map[string]struct {
		change func(*UploadSignature)
		code   string
	}{
		"another archive":          {func(u *UploadSignature) { u.Hash = digest.Of(nil).String() }, "bad_signature"},
		"the hash in capitals":     {func(u *UploadSignature) { u.Hash = strings.ToUpper(u.Hash) }, "bad_signature"},
		"another key":              {func(u *UploadSignature) { u.PublicKey = spki(t, &other.PublicKey) }, "bad_key"},
		"another key and its name": {func(u *UploadSignature) { u.PublicKey, u.KeyID = spki(t, &other.PublicKey), id(t, &other.PublicKey) }, "bad_certificate"},
		"a larger curve":           {func(u *UploadSignature) { u.PublicKey = spki(t, &wide.PublicKey) }, "bad_key"},
		"a key of Ed25519":         {func(u *UploadSignature) { u.PublicKey = registered.PublicKey }, "bad_key"},
		"zeros":                    {func(u *UploadSignature) { u.Signature = base64.StdEncoding.EncodeToString(make([]byte, 64)) }, "bad_signature"},
		"a signature in DER":       {func(u *UploadSignature) { u.Signature = base64.StdEncoding.EncodeToString(der) }, "bad_signature"},
		"too short":                {func(u *UploadSignature) { u.Signature = u.Signature[:80] }, "bad_signature"},
		"said to be Ed25519":       {func(u *UploadSignature) { u.Algorithm = Algorithm }, "bad_signature"},
		"Ed25519, no certificate":  {func(u *UploadSignature) { u.Algorithm, u.Certificate = Algorithm, "" }, "bad_key"},
		"no algorithm":             {func(u *UploadSignature) { u.Algorithm = "" }, "bad_signature"},
		"none":                     {func(u *UploadSignature) { u.Algorithm, u.Certificate = "none", "" }, "bad_key"},
		"no certificate":           {func(u *UploadSignature) { u.Certificate = "" }, "bad_certificate"},
		"of another key": {func(u *UploadSignature) {
			u.Certificate = sealedWith(func(c *Certificate) { c.PublicKey = spki(t, &other.PublicKey) })
		}, "bad_certificate"},
		"of another algorithm": {func(u *UploadSignature) {
			u.Certificate = sealedWith(func(c *Certificate) { c.KeyAlgorithm = Algorithm })
		}, "bad_certificate"},
		"before it":                {func(u *UploadSignature) { u.SignedAt = "2026-03-11T10:19:00Z" }, "bad_certificate"},
		"after it":                 {func(u *UploadSignature) { u.SignedAt = "2026-03-11T10:30:00Z" }, "bad_certificate"},
		"a registered one as such": {func(u *UploadSignature) { cert := u.Certificate; *u = registered; u.Certificate = cert }, "bad_signature"},
		"a registered one as P-256": {func(u *UploadSignature) {
			cert := u.Certificate
			*u = registered
			u.Certificate, u.Algorithm = cert, AlgorithmP256
		}, "bad_key"},
	} {
		t.Run(name, func(t *testing.T) {
			u := certified(t)
			tt.change(&u)
			wantFault(t, u.Verify("@acme/utils", "1.0.0"), fault.Invalid, tt.code)
		})
	}
}

func sealedWith(change func(*Certificate)) string {
	c := certificate()
	change(&c)
	return c.Seal(ca('a'))
}

func spki(t *testing.T, key *ecdsa.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func id(t *testing.T, key *ecdsa.PublicKey) string {
	t.Helper()
	_, id, err := ParseP256(spki(t, key))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Whatever is sent as a certificate or its key is refused in a way that can be shown.
func FuzzCertificate(f *testing.F) {
	u := certified(f)
	f.Add(u.Certificate, u.PublicKey, u.Signature)
	f.Add("", "", "")
	f.Add(certificateBegin+"\ne30=\n"+certificateSig+"\n\n"+certificateEnd, clientsKey[:40], "AAAA")
	f.Fuzz(func(t *testing.T, text, public, signature string) {
		bad := certified(t)
		bad.Certificate, bad.PublicKey, bad.Signature = text, public, signature
		_, opened := OpenCertificate(text, listed(ca('a')))
		_, _, parsed := ParseP256(public)
		for _, err := range []error{opened, parsed, bad.Verify("@acme/utils", "1.0.0")} {
			if err != nil && !errors.Is(err, fault.Invalid) {
				t.Errorf("%v is not fault.Invalid", err)
			}
		}
	})
}
