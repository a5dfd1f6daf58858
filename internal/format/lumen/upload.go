package lumen

import (
	"crypto/ed25519"
	"time"

	"github.com/org/registry-action/internal/format/digest"
)

// UploadSignature is a publisher's own signature of an upload, as the client makes it, with what is needed to check it. The
// client that reads metadata knows no member of this name and passes it over.
//
// There are two kinds: by a key that its user has registered (Algorithm), over UploadMessage; and by one that the registry
// has certified for some minutes (AlgorithmP256), over Hash alone.
type UploadSignature struct {
	Algorithm   string `json:"algorithm"`
	KeyID       string `json:"key_id"`
	PublicKey   string `json:"public_key"`            // standard base64; of P-256 the SPKI
	Signature   string `json:"signature"`             // standard base64
	SignedAt    string `json:"signed_at"`             // RFC 3339, as it was signed; when it arrived if that is not signed
	Hash        string `json:"hash"`                  // of the archive as it was sent, in the form of Artifact.Hash
	Certificate string `json:"certificate,omitempty"` // of an AlgorithmP256 key, see OpenCertificate
}

const maxSignedAt = 64 // bytes

// UploadMessage is what a publisher signs. The hash has the form of Artifact.Hash, signedAt is RFC 3339.
func UploadMessage(name, version, hash, signedAt string) []byte {
	return []byte("lumen:upload:" + name + ":" + version + ":" + hash + ":" + signedAt)
}

// Time is when the upload was signed, as the signer says; what is no time is fault.Invalid with the code "bad_signature".
func (u UploadSignature) Time() (time.Time, error) {
	t, err := time.Parse(time.RFC3339, u.SignedAt)
	if err != nil || len(u.SignedAt) > maxSignedAt {
		return time.Time{}, badSignature("the upload was signed at %.80q, which is no time; send it as it was signed, such as 2026-03-11T10:20:30.123456789+00:00", u.SignedAt)
	}
	return t, nil
}

// Verify returns nil if the signature is of an upload of the version and by the key that stands beside it; whose that
// is, and by whom it is certified, is not looked at. Refusals are fault.Invalid with the code "bad_signature", "bad_key" or
// "bad_certificate".
func (u UploadSignature) Verify(name, version string) error {
	at, err := u.Time()
	if err != nil {
		return err
	}
	if d, err := digest.Parse(u.Hash); err != nil || d.String() != u.Hash {
		return badSignature("the upload's signature is over %.100q, which is no hash of an archive", u.Hash)
	}
	switch {
	case u.Algorithm == AlgorithmP256:
		return u.verifyCertified(at)
	case u.Certificate != "":
		return badSignature("the upload's signature is of the algorithm %.40q and has a certificate, which only %q has", u.Algorithm, AlgorithmP256)
	}
	return u.verifyRegistered(name, version)
}

func (u UploadSignature) verifyRegistered(name, version string) error {
	key, err := Key{KeyID: u.KeyID, Algorithm: u.Algorithm, PublicKey: u.PublicKey}.Parse()
	if err != nil {
		return err
	}
	sig, err := decodeBase64(u.Signature)
	if err != nil || !ed25519.Verify(key, UploadMessage(name, version, u.Hash, u.SignedAt), sig) {
		return badSignature("the signature does not match the upload of %.80s %.140s and the key %s: what was signed is lumen:upload:{name}:{version}:{hash}:{timestamp}, the hash sha256: and hex, of the archive as it is sent", name, version, u.KeyID)
	}
	return nil
}

func (u UploadSignature) verifyCertified(at time.Time) error {
	key, id, err := ParseP256(u.PublicKey)
	if err != nil {
		return err
	}
	if id != u.KeyID {
		return refuse("bad_key", "the key %.80q has a name that is not its own, which is %q", u.KeyID, id)
	}
	c, _, err := readCertificate(u.Certificate)
	if err != nil {
		return err
	}
	if c.KeyAlgorithm != AlgorithmP256 || c.PublicKey != u.PublicKey {
		return badCertificate("the certificate is of another key than the upload is signed by")
	}
	if err := c.ValidAt(at); err != nil {
		return err
	}
	if !verifyP256(key, []byte(u.Hash), u.Signature) {
		return badSignature("the signature does not match the upload and the certified key: what is signed is sha256: and hex, of the archive as it is sent, by ECDSA with P-256 and SHA-256, r and s of 32 bytes each")
	}
	return nil
}

// ParsePublicKey reads a public key, standard base64 of 32 bytes, and checks the name if one is given. Refusals are
// fault.Invalid with the code "bad_key".
func ParsePublicKey(text, keyID string) (Key, error) {
	b, err := decodeBase64(text)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return Key{}, refuse("bad_key", `"public_key" is not standard base64 of %d bytes; send that of ~/.lumen/keys/{key_id}.json`, ed25519.PublicKeySize)
	}
	k := PublicKey(b)
	if keyID != "" && keyID != k.KeyID {
		return Key{}, refuse("bad_key", "the key is sent as %.80q, but its name is %q: the first 32 hex digits of the SHA-256 of its bytes; send both of one file, or no name", keyID, k.KeyID)
	}
	return k, nil
}
