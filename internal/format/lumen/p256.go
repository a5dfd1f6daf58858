package lumen

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"math/big"
)

// AlgorithmP256 is that of the keys that certificates are for: ECDSA on P-256 over SHA-256. Keys are the SPKI in DER,
// signatures r and s, 32 bytes each.
const AlgorithmP256 = "ecdsa-p256-sha256"

const p256Half = 32 // bytes of r, and of s

// ParseP256 reads a public key, standard base64 of its SPKI, and returns its name, which is made as that of other keys.
// Refusals are fault.Invalid with the code "bad_key".
func ParseP256(text string) (key *ecdsa.PublicKey, keyID string, err error) {
	const want = `"public_key" is not standard base64 of a P-256 key, SPKI in DER; send that of the key that signs`
	der, err := decodeBase64(text)
	if err != nil {
		return nil, "", refuse("bad_key", want)
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	key, ok := parsed.(*ecdsa.PublicKey)
	if err != nil || !ok || key.Curve != elliptic.P256() {
		return nil, "", refuse("bad_key", want)
	}
	if again, err := x509.MarshalPKIXPublicKey(key); err != nil || !bytes.Equal(again, der) { // one key, one spelling
		return nil, "", refuse("bad_key", want)
	}
	sum := sha256.Sum256(der)
	return key, hex.EncodeToString(sum[:16]), nil
}

// verifyP256 reports whether the signature, standard base64, is over the message.
func verifyP256(key *ecdsa.PublicKey, message []byte, signature string) bool {
	sig, err := decodeBase64(signature)
	if err != nil || len(sig) != 2*p256Half {
		return false
	}
	sum := sha256.Sum256(message)
	return ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(sig[:p256Half]), new(big.Int).SetBytes(sig[p256Half:]))
}
