// Package signature makes and checks the registry signatures of npm, as
// `npm audit signatures` verifies them: ECDSA over P-256 and SHA-256 of the text
// "name@version:integrity", integrity being dist.integrity as it is written.
package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// maxSig is longer than any signature of the curve, in characters of base64.
const maxSig = 128

// Signature is an entry of dist.signatures.
type Signature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"` // ASN.1 DER, standard base64
}

// Sign signs a version. It is deterministic (RFC 6979): the same key and
// version give the same signature.
func Sign(k *ecdsa.PrivateKey, name, version, integrity string) (Signature, error) {
	switch {
	case k == nil:
		return Signature{}, errors.New("signing a version: there is no key")
	case name == "" || version == "" || integrity == "":
		return Signature{}, fmt.Errorf("signing %q %q with the integrity %q: one of them is empty", name, version, integrity)
	}
	id, err := keyID(&k.PublicKey)
	if err != nil {
		return Signature{}, fmt.Errorf("signing a version: %w", err)
	}
	sig, err := k.Sign(nil, digest(name, version, integrity), crypto.SHA256) // no randomness: RFC 6979
	if err != nil {
		return Signature{}, fmt.Errorf("signing a version: %w", err)
	}
	return Signature{KeyID: id, Sig: base64.StdEncoding.EncodeToString(sig)}, nil
}

// Verify returns nil if s is k's signature of the version, and fault.Invalid
// otherwise. Whether k had expired when the version was published is not looked at.
func (k Key) Verify(s Signature, name, version, integrity string) error {
	pub, err := k.parse()
	if err != nil {
		return err
	}
	if s.KeyID != k.KeyID {
		return fault.New(fault.Invalid, "the signature of %.230s@%.80s names the key %.80q, not %.80q", name, version, s.KeyID, k.KeyID)
	}
	sig, err := decode(s.Sig, maxSig)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "the signature of %.230s@%.80s is not standard base64 of at most %d characters", name, version, maxSig)
	}
	if !ecdsa.VerifyASN1(pub, digest(name, version, integrity), sig) {
		return fault.New(fault.Invalid, "the signature of %.230s@%.80s does not match its integrity and the key %.80q", name, version, k.KeyID)
	}
	return nil
}

func digest(name, version, integrity string) []byte {
	sum := sha256.Sum256([]byte(name + "@" + version + ":" + integrity))
	return sum[:]
}

// decode reads base64 that has one spelling only: no line breaks, no stray bits.
func decode(s string, limit int) ([]byte, error) {
	if len(s) > limit {
		return nil, errors.New("too long")
	}
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("line break in base64")
	}
	return base64.StdEncoding.Strict().DecodeString(s)
}
