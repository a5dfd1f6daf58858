package npmapi_test

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"testing"
)

// sigstore makes a bundle as npm publish --provenance sends it, but for the signature.
func sigstore(t *testing.T, purl string, tarball []byte) string {
	t.Helper()
	sum := sha512.Sum512(tarball)
	statement, err := json.Marshal(object{
		"_type":         "https://in-toto.io/Statement/v1",
		"subject":       []any{object{"name": purl, "digest": object{"sha512": hex.EncodeToString(sum[:])}}},
		"predicateType": "https://slsa.dev/provenance/v1", "predicate": object{},
	})
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := json.Marshal(object{
		"mediaType":    "application/vnd.dev.sigstore.bundle.v0.3+json",
		"dsseEnvelope": object{"payload": base64.StdEncoding.EncodeToString(statement), "payloadType": "application/vnd.in-toto+json", "signatures": []any{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(bundle)
}
