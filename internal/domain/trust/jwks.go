package trust

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
)

// The bounds of what an issuer may send.
const (
	maxDocument = 100 << 10 // bytes
	maxKeys     = 100
	minModulus  = 2048 // bits
	maxModulus  = 8192
)

// parseKeys reads a JWKS (RFC 7517) and returns the keys that can sign tokens for us, by kid. Others are left out: an
// issuer may have keys for what we do not know.
func parseKeys(text []byte) (map[string]*rsa.PublicKey, error) {
	var doc struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("reading a list of keys: %w", err)
	}
	if len(doc.Keys) > maxKeys {
		return nil, fmt.Errorf("a list of %d keys has more than %d", len(doc.Keys), maxKeys)
	}
	keys := map[string]*rsa.PublicKey{}
	for _, k := range doc.Keys {
		if key, ok := k.rsa(); ok && keys[k.ID] == nil {
			keys[k.ID] = key
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("a list of %d keys has none for RS256", len(doc.Keys))
	}
	return keys, nil
}

type jwk struct {
	Type       string   `json:"kty"`
	Use        string   `json:"use"`
	Operations []string `json:"key_ops"`
	Algorithm  string   `json:"alg"`
	ID         string   `json:"kid"`
	N          string   `json:"n"`
	E          string   `json:"e"`
}

func (k jwk) rsa() (*rsa.PublicKey, bool) {
	if k.Type != "RSA" || k.ID == "" || k.Use != "" && k.Use != "sig" || k.Algorithm != "" && k.Algorithm != algorithm ||
		k.Operations != nil && !slices.Contains(k.Operations, "verify") {
		return nil, false
	}
	n, errN := base64.RawURLEncoding.DecodeString(k.N)
	e, errE := base64.RawURLEncoding.DecodeString(k.E)
	if errN != nil || errE != nil || len(e) > 4 {
		return nil, false
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	bits := key.N.BitLen()
	return key, bits >= minModulus && bits <= maxModulus && key.N.Bit(0) == 1 && key.E >= 3 && key.E < 1<<31 && key.E%2 == 1
}
