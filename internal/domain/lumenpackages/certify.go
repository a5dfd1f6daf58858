package lumenpackages

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
)

// certifiedFor is how long a certificate is good: uploads by it begin to arrive in this time.
const certifiedFor = 10 * time.Minute

// Certificate is a certificate and the text that clients send back.
type Certificate struct {
	lumen.Certificate
	PEM         string
	From, Until time.Time
}

// Certify says that a public key, the standard base64 of the SPKI of a P-256 key, is the caller's for some minutes. Nothing is
// kept of it: the registry's key signs it. The issuer is the URL of the registry. That the caller may upload is for who calls to know.
func (s *Service) Certify(ctx context.Context, who Principal, public, issuer string) (Certificate, error) {
	if who.User() == "" || !validUser(who.User()) {
		return Certificate{}, fault.New(fault.Unauthenticated, "Authorization required: a certificate is of a user; send a token of this server as \"oidc_token\"")
	}
	if _, _, err := lumen.ParseP256(public); err != nil {
		return Certificate{}, err
	}
	signer, err := s.signer(ctx)
	if err != nil {
		return Certificate{}, err
	}
	from, until := s.now().Add(-skew), s.now().Add(certifiedFor)
	c := lumen.Certificate{
		ID: rand.Text(), Subject: who.User(), Issuer: issuer, PublicKey: public, KeyAlgorithm: lumen.AlgorithmP256,
		KeyID: signer.public.KeyID, NotBefore: timeText(from), NotAfter: timeText(until),
	}
	return Certificate{Certificate: c, PEM: c.Seal(signer.key), From: from, Until: until}, nil
}

// verifyCertified checks the signature of a candidate by a key that this registry has certified, and enters it into the plan.
func (s *Service) verifyCertified(ctx context.Context, who Principal, c candidate, out *plan) error {
	signer, err := s.signer(ctx)
	if err != nil {
		return err
	}
	retired, err := s.retired(ctx)
	if err != nil {
		return err
	}
	keys := lumen.Keys{Keys: []lumen.Key{signer.public}}
	for _, r := range retired {
		keys.Keys = append(keys.Keys, r.Key)
	}
	cert, err := lumen.OpenCertificate(c.claim.Certificate, keys)
	if err == nil {
		err = cert.ValidAt(c.received)
	}
	if err != nil {
		return err
	}
	if cert.Subject != who.User() {
		return fault.New(fault.Forbidden, "the upload is signed by a key that was certified for %.80q, and %.80q publishes it; ask for a certificate with the token that publishes", cert.Subject, who.User()).WithCode("foreign_certificate")
	}
	if id := c.claim.Identity; id != "" && id != cert.Subject {
		return fault.New(fault.Invalid, "the upload says that %.80q signed it, and its certificate is that of %.80q; send the identity of the certificate, or none", id, cert.Subject).WithCode("bad_signature")
	}
	_, keyID, err := lumen.ParseP256(cert.PublicKey)
	if err != nil {
		return err
	}
	sig := lumen.UploadSignature{
		Algorithm: lumen.AlgorithmP256, KeyID: keyID, PublicKey: cert.PublicKey, Certificate: c.claim.Certificate,
		Signature: c.claim.Signature, SignedAt: timeText(c.received), Hash: c.sent.String(),
	}
	if err := sig.Verify(c.metadata.Name, c.metadata.Version); err != nil {
		return err
	}
	out.Metadata.Upload, out.signer = &sig, signer
	if i := slices.IndexFunc(retired, func(r retiredRow) bool { return r.KeyID == cert.KeyID }); i >= 0 {
		out.guard = []kv.Op{kv.Check(retired[i].raw, retired[i].at)} // it is not revoked meanwhile
	}
	return nil
}
