package lumenpackages

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
)

const issuer = "https://registry.example.com/lumen"

// ephemeral is a key that a client makes for one publish.
type ephemeral struct {
	*ecdsa.PrivateKey
	t testing.TB
}

func newEphemeral(t testing.TB) ephemeral {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return ephemeral{key, t}
}

func (e ephemeral) public() string {
	e.t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&e.PublicKey)
	if err != nil {
		e.t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// sign makes what the client sends with a publish.
func (e ephemeral) sign(text []byte, certificate string) *UploadClaim {
	e.t.Helper()
	sum := sha256.Sum256([]byte(digest.Of(text).String()))
	r, s, err := ecdsa.Sign(rand.Reader, e.PrivateKey, sum[:])
	if err != nil {
		e.t.Fatal(err)
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return &UploadClaim{Signature: base64.StdEncoding.EncodeToString(sig), Certificate: certificate}
}

// certificate asks for one.
func (w *world) certificate(who user, e ephemeral) Certificate {
	w.t.Helper()
	c, err := w.Certify(w.t.Context(), who, e.public(), issuer)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func TestCertify(t *testing.T) {
	w := newWorld(t, Options{Signatures: SignaturesRequired})
	e := newEphemeral(t)
	c := w.certificate(alice, e)
	if c.Subject != "alice" || c.PublicKey != e.public() || c.Issuer != issuer || c.ID == w.certificate(alice, e).ID {
		t.Errorf("the certificate is %+v", c)
	}
	if from, until := c.From.Sub(w.Now()), c.Until.Sub(w.Now()); from > 0 || from < -5*time.Minute || until <= 0 || until > 15*time.Minute {
		t.Errorf("it is good from %s to %s from now", from, until)
	}
	text := gzipped(t, lib(utils, "1.0.0", "x").tar(t))
	for range 2 { // the same again, by another key
		p, err := w.send(alice, text, Release{Name: utils, Version: "1.0.0", Signature: e.sign(text, c.PEM)})
		if err != nil || p.Notice != "" {
			t.Fatalf("a certified publish: %+v, %v", p, err)
		}
		e = newEphemeral(t)
		c = w.certificate(alice, e)
	}
	m := decoded[lumen.Metadata](t, must(t, w.ofVersion(w.Metadata, utils, "1.0.0")))
	if m.Upload == nil || m.Upload.Algorithm != lumen.AlgorithmP256 || m.Upload.Hash != m.Artifacts[1].Hash {
		t.Fatalf("upload_signature = %+v", m.Upload)
	}
	shown, err := lumen.OpenCertificate(m.Upload.Certificate, lumen.Keys{Keys: w.keys()})
	if err != nil || shown.Subject != "alice" || m.Upload.Verify(utils, "1.0.0") != nil {
		t.Errorf("what is shown does not verify: %+v, %v, %v", shown, err, m.Upload.Verify(utils, "1.0.0"))
	}
	w.verify()
}

func TestCertifyRefuses(t *testing.T) {
	w := newWorld(t, Options{})
	wide, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&wide.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	try := func(who user, public string) error {
		_, err := w.Certify(t.Context(), who, public, issuer)
		return err
	}
	good := newEphemeral(t).public()
	refused(t, "nobody", try(nobody, good), fault.Unauthenticated, "")
	for name, public := range map[string]string{
		"no key": "", "no base64": "!", "no SPKI": "AAAA", "another curve": base64.StdEncoding.EncodeToString(der), "Ed25519": newPen("a").public.PublicKey,
		"with a line break": good[:20] + "\n" + good[20:], "and more": base64.StdEncoding.EncodeToString(append(der, 0)),
	} {
		refused(t, name, try(alice, public), fault.Invalid, "bad_key")
	}
}

// Whatever the policy is, a certificate and a signature by its key must be good, and of who publishes.
func TestBadCertificates(t *testing.T) {
	for _, policy := range []SignaturePolicy{SignaturesOff, SignaturesRequired} {
		w, foreign := newWorld(t, Options{Signatures: policy}), newWorld(t, Options{})
		e, other := newEphemeral(t), newEphemeral(t)
		text := lib(utils, "1.0.0", "x").tar(t)
		good := w.certificate(alice, e)
		forged := good.Certificate
		forged.Subject = "bob"
		own := forged.Seal(newPen("own").key) // names the key that it is signed by
		lines := strings.Split(own, "\n")
		named := strings.Replace(good.PEM, strings.Split(good.PEM, "\n")[1], lines[1], 1)
		for name, tt := range map[string]struct {
			who   user
			claim *UploadClaim
			kind  fault.Kind
			code  string
		}{
			"another registry's":          {alice, e.sign(text, foreign.certificate(alice, e).PEM), fault.Invalid, "bad_certificate"},
			"one's own":                   {bob, e.sign(text, own), fault.Invalid, "bad_certificate"},
			"one's own, a good signature": {bob, e.sign(text, named), fault.Invalid, "bad_certificate"},
			"no certificate":              {alice, e.sign(text, "x"), fault.Invalid, "bad_certificate"},
			"another's":                   {bob, e.sign(text, good.PEM), fault.Forbidden, "foreign_certificate"},
			"an admin with another's":     {root, e.sign(text, good.PEM), fault.Forbidden, "foreign_certificate"},
			"another key":                 {alice, other.sign(text, good.PEM), fault.Invalid, "bad_signature"},
			"another archive":             {alice, e.sign([]byte("y"), good.PEM), fault.Invalid, "bad_signature"},
			"no signature":                {alice, &UploadClaim{Certificate: good.PEM}, fault.Invalid, "bad_signature"},
			"of Ed25519": {alice, &UploadClaim{Certificate: good.PEM,
				Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(newPen("a").key, []byte(digest.Of(text).String())))}, fault.Invalid, "bad_signature"},
			"another identity": {alice, &UploadClaim{Certificate: good.PEM, Signature: e.sign(text, "").Signature, Identity: "bob"}, fault.Invalid, "bad_signature"},
		} {
			_, err := w.send(tt.who, text, Release{Signature: tt.claim})
			refused(t, string(policy)+": "+name, err, tt.kind, tt.code)
		}
		claim := e.sign(text, good.PEM)
		w.Pass(certifiedFor + time.Second)
		_, err := w.send(alice, text, Release{Signature: claim})
		refused(t, "expired", err, fault.Invalid, "bad_certificate")
		if w.Stored() != 0 {
			t.Error("bytes of a refused publish are kept")
		}
	}
}

// A certificate of a key of the registry that was replaced is good for its time; of one that was revoked it is not, also if that
// happens while the publish is under way.
func TestCertificateOfReplacedKey(t *testing.T) {
	w := newWorld(t, Options{Signatures: SignaturesRequired})
	e := newEphemeral(t)
	c := w.certificate(alice, e)
	publish := func(version string) error {
		text := lib(utils, version, "x").tar(t)
		_, err := w.send(alice, text, Release{Signature: e.sign(text, c.PEM)})
		return err
	}
	if err := publish("1.0.0"); err != nil {
		t.Fatal(err)
	}
	w.Pass(time.Second)
	if _, err := w.RotateKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := publish("1.1.0"); err != nil {
		t.Errorf("by a replaced key: %v", err)
	}
	revokeBefore := func(version, keyID string) {
		w.DB.BeforeApply = func(ops []kv.Op) error {
			for _, op := range ops {
				if op.Row.Key == metadataKey(utils, version) {
					w.DB.BeforeApply = nil
					_, err := w.another(Options{}).RevokeKey(t.Context(), keyID)
					return err
				}
			}
			return nil
		}
	}
	revokeBefore("1.2.0", c.KeyID)
	refused(t, "a replaced key, revoked in the moment of the batch", publish("1.2.0"), fault.Invalid, "bad_certificate")
	c = w.certificate(alice, e)
	revokeBefore("1.3.0", c.KeyID)
	refused(t, "the current key, revoked in the moment of the batch", publish("1.3.0"), fault.Invalid, "bad_certificate")
	if x := w.packageIndex(utils); len(x.Versions) != 2 {
		t.Errorf("published are %v", x.Versions)
	}
	w.verify()
}
