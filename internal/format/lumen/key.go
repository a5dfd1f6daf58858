package lumen

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"time"
)

// Algorithm is the one of every Key and Signature.
const Algorithm = "ed25519"

// KeyID names a public key as the client does: hex of the first 16 bytes of its SHA-256.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:16])
}

// PublicKey describes a public key that is good at all times.
func PublicKey(key ed25519.PublicKey) Key {
	return Key{KeyID: KeyID(key), Algorithm: Algorithm, PublicKey: base64.StdEncoding.EncodeToString(key)}
}

// Parse reads the public key and checks that its name is its own. Refusals are fault.Invalid with the code "bad_key".
func (k Key) Parse() (ed25519.PublicKey, error) {
	if k.Algorithm != Algorithm {
		return nil, refuse("bad_key", "the key %.80q is of the algorithm %.40q; only %q is known", k.KeyID, k.Algorithm, Algorithm)
	}
	b, err := decodeBase64(k.PublicKey)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, refuse("bad_key", "the key %.80q is not standard base64 of %d bytes", k.KeyID, ed25519.PublicKeySize)
	}
	if id := KeyID(b); id != k.KeyID {
		return nil, refuse("bad_key", "the key %.80q has a name that is not its own, which is %q", k.KeyID, id)
	}
	return b, nil
}

// validAt reports whether a signature made at the time counts. A time that can't be read never does.
func (k Key) validAt(text string) bool {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || k.Revoked {
		return false
	}
	if k.NotBefore != "" {
		from, err := time.Parse(time.RFC3339, k.NotBefore)
		if err != nil || t.Before(from) {
			return false
		}
	}
	if k.NotAfter != "" {
		until, err := time.Parse(time.RFC3339, k.NotAfter)
		if err != nil || t.After(until) {
			return false
		}
	}
	return true
}

// decodeBase64 reads standard base64 that has one spelling only: padded, no line breaks, no stray bits.
func decodeBase64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("line break in base64")
	}
	return base64.StdEncoding.Strict().DecodeString(s)
}

// ValidKeyID reports whether a text can be the name of a key.
func ValidKeyID(id string) bool {
	b, err := hex.DecodeString(id)
	return err == nil && len(b) == 16 && id == strings.ToLower(id)
}
