package lumen

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"time"
)

// certificateType is the payload type under which a registry signs a Certificate.
const certificateType = "application/vnd.lumen.certificate+json"

// Certificate is a registry's word that a key was a user's for some minutes. A client asks for one with each publish, for a
// key that it forgets afterwards.
type Certificate struct {
	ID           string `json:"cert_id"`
	Subject      string `json:"subject"` // the user
	Issuer       string `json:"issuer"`  // URL of the registry
	NotBefore    string `json:"not_before"`
	NotAfter     string `json:"not_after"`
	PublicKey    string `json:"public_key"`    // as UploadSignature has it
	KeyAlgorithm string `json:"key_algorithm"` // AlgorithmP256
	KeyID        string `json:"key_id"`        // of the registry's key that signed it
}

// The lines of a certificate's text, which are those of the client.
const (
	certificateBegin = "-----BEGIN WARES CERTIFICATE-----"
	certificateSig   = "-----BEGIN SIGNATURE-----"
	certificateEnd   = "-----END WARES CERTIFICATE-----"

	maxCertificate = 8 << 10 // bytes
)

// Seal signs the certificate and returns its text: the base64 of its JSON, and of the signature over that. KeyID is set.
func (c Certificate) Seal(key ed25519.PrivateKey) string {
	c.KeyID = KeyID(key.Public().(ed25519.PublicKey))
	e := Seal(key, certificateType, Encode(c), c.NotBefore)
	return strings.Join([]string{certificateBegin, e.Payload, "", certificateSig, e.Signatures[0].Signature, certificateEnd, ""}, "\n")
}

// OpenCertificate reads a certificate that one of the keys has signed while it was good. That it is still valid is for
// ValidAt. Refusals are fault.Invalid with the code "bad_certificate".
func OpenCertificate(text string, keys Keys) (Certificate, error) {
	c, sig, err := readCertificate(text)
	if err != nil {
		return Certificate{}, err
	}
	e := Envelope{
		PayloadType: certificateType, Payload: sig.payload,
		Signatures: []Signature{{Algorithm: Algorithm, KeyID: c.KeyID, Signature: sig.signature, SignedAt: c.NotBefore}},
	}
	if _, _, err := e.Open(certificateType, keys); err != nil {
		return Certificate{}, badCertificate("the certificate is not one of this registry: %s", message(err))
	}
	return c, nil
}

// certificateParts are the two bodies of a certificate's text, as they stand there.
type certificateParts struct{ payload, signature string }

// readCertificate reads a certificate, whoever signed it: what it says is as good as unread until OpenCertificate has returned it.
func readCertificate(text string) (c Certificate, parts certificateParts, err error) {
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool { return l == "" })
	if len(text) > maxCertificate || len(lines) != 5 || lines[0] != certificateBegin || lines[2] != certificateSig || lines[4] != certificateEnd {
		return c, parts, badCertificate("%.40q… is no certificate of a registry; ask for one with POST auth/cert and send its certificate_pem as it is", text)
	}
	parts = certificateParts{lines[1], lines[3]}
	payload, err := decodeBase64(parts.payload)
	if err == nil {
		err = decode("the certificate", payload, maxCertificate, &c)
	}
	if err != nil {
		return c, parts, badCertificate("what the certificate says can't be read; ask for another with POST auth/cert")
	}
	return c, parts, nil
}

// ValidAt returns nil if the certificate was valid at the time. Refusals are fault.Invalid with the code "bad_certificate".
func (c Certificate) ValidAt(t time.Time) error {
	from, errFrom := time.Parse(time.RFC3339, c.NotBefore)
	until, errUntil := time.Parse(time.RFC3339, c.NotAfter)
	switch {
	case errFrom != nil || errUntil != nil:
		return badCertificate("the certificate is valid from %.40q to %.40q, which are no times", c.NotBefore, c.NotAfter)
	case t.Before(from) || !t.Before(until):
		return badCertificate("the certificate was valid from %s to %s, not at %s; publish again, which asks for a new one", c.NotBefore, c.NotAfter, t.UTC().Format(time.RFC3339))
	}
	return nil
}
