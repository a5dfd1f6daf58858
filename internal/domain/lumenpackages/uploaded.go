package lumenpackages

import (
	"context"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
)

// SignaturePolicy is what is asked of the signatures that clients send with a publish. Whatever it is, a signature by a
// key that is registered must be good.
type SignaturePolicy string

// The policies.
const (
	SignaturesOff      SignaturePolicy = "off"     // nothing
	SignaturesWarned   SignaturePolicy = "warn"    // publishes without one by a registered or certified key are told so
	SignaturesRequired SignaturePolicy = "require" // such publishes are refused
)

// uploadWindow is how far the time that an upload was signed at may be from when it began to arrive. It bounds how long a
// signature that leaked can be used; within it a replay publishes nothing, since a version never changes.
const uploadWindow = 10 * time.Minute

// UploadClaim is the signature that a client sends with a publish: by a key that is registered here, or by one that has a
// certificate.
type UploadClaim struct {
	Signature string // standard base64

	// Of a registered key.
	KeyID    string
	SignedAt string // RFC 3339, as it was signed

	// Of a certified one.
	Certificate string
	Identity    string // who signed, as the client says; "" if it says nothing
}

// verifyUpload checks the signature of a candidate and enters it into the plan. That the key is good still
// when the version becomes visible, the plan's guard makes sure of.
func (s *Service) verifyUpload(ctx context.Context, who Principal, p pkg, c candidate, out *plan) error {
	if c.imported {
		return nil // by whom it was signed, the registry it comes from may know
	}
	if c.claim == nil {
		return s.unsigned(c, out, "it is not signed")
	}
	if c.claim.Certificate != "" {
		return s.verifyCertified(ctx, who, c, out)
	}
	k, raw, found, err := s.uploadKey(ctx, c.claim.KeyID)
	if err != nil {
		return err
	}
	if !found {
		return s.unsigned(c, out, "its signature is by a key that nobody has registered here")
	}
	if err := s.maySign(ctx, who, p, k); err != nil {
		return err
	}
	sig := lumen.UploadSignature{
		Algorithm: lumen.Algorithm, KeyID: k.KeyID, PublicKey: k.PublicKey,
		Signature: c.claim.Signature, SignedAt: c.claim.SignedAt, Hash: c.sent.String(),
	}
	at, err := sig.Time()
	if err == nil {
		err = sig.Verify(c.metadata.Name, c.metadata.Version)
	}
	if err != nil {
		return err
	}
	if at.Before(c.received.Add(-uploadWindow)) || at.After(c.received.Add(uploadWindow)) {
		return fault.New(fault.Invalid, "the upload says that it was signed at %s, and it is %s here; at most %s may be between them: publish again, and if that is no help set the clock", timeText(at), timeText(c.received), uploadWindow).WithCode("bad_signature")
	}
	out.Metadata.Upload, out.guard = &sig, []kv.Op{kv.Check(raw, uploadKeyKey(k.KeyID))}
	return nil
}

// maySign refuses a key that does not stand for somebody who may publish the package.
func (s *Service) maySign(ctx context.Context, who Principal, p pkg, k UploadKey) error {
	if !k.Revoked.IsZero() {
		return fault.New(fault.Forbidden, "the upload is signed by the key %s, which was revoked at %s; sign with another, and register that", k.KeyID, timeText(k.Revoked)).WithCode("key_revoked")
	}
	if k.User == who.User() || p.role(k.User) != "" {
		return nil
	}
	owners, err := s.ownersOfScope(ctx, scopeOf(p.name))
	if err != nil || slices.Contains(owners, k.User) {
		return err
	}
	return fault.New(fault.Forbidden, "the upload is signed by the key %s, which is neither %.80s's nor that of an owner of %s; sign with a key of who publishes, or of an owner", k.KeyID, who.User(), p.name).WithCode("foreign_key")
}

// unsigned deals with an upload of which nothing can be verified.
func (s *Service) unsigned(c candidate, out *plan, why string) error {
	const remedy = "publish with wares 0.6 or later, which signs, or register the public key of ~/.lumen/keys with PUT /lumen/v1/keys and sign with that"
	switch s.opt.Signatures {
	case SignaturesRequired:
		return fault.New(fault.Forbidden, "%.80s %.140s can't be published: %s, and this registry takes signed uploads only; %s", c.metadata.Name, c.metadata.Version, why, remedy).WithCode("signature_required")
	case SignaturesWarned:
		out.Notice = "nobody has vouched for this upload: " + why + "; " + remedy
	}
	return nil
}
