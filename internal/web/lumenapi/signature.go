package lumenapi

import (
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/fault"
)

// noticeHeader has what the publisher should know; the client shows no body of a success.
const noticeHeader = "X-Lumen-Notice"

// signature is the member of a publish that has the client's signature: by a key that is registered, as clients before 0.6 and
// `registry-server publish` send it, or by one that has a certificate. What else clients put there says the same.
type signature struct {
	Signature   string `json:"signature"` // standard base64
	KeyID       string `json:"key_id"`
	Timestamp   string `json:"timestamp"`
	Certificate string `json:"certificate"` // beside a key_id that again
	Identity    string `json:"identity"`
}

// claimOf is the signature that a publish carries: in its body, in its headers, or in both; nil if there is none.
func claimOf(body *signature, h http.Header) (*lumenpackages.UploadClaim, error) {
	sent := lumenpackages.UploadClaim{
		Signature: strings.TrimPrefix(h.Get("X-Lumen-Signature"), "ed25519="),
		KeyID:     h.Get("X-Lumen-Key-Id"),
		SignedAt:  h.Get("X-Lumen-Timestamp"),
	}
	said, err := body.claim()
	switch none := (lumenpackages.UploadClaim{}); {
	case err != nil:
		return nil, err
	case said == none && sent == none:
		return nil, nil
	case said == none:
		return &sent, nil
	case sent != none && sent != said:
		return nil, badSignature("\"signature\" of the publish and the headers X-Lumen-Signature, -Key-Id and -Timestamp are not the same; send one, or the same twice")
	}
	return &said, nil
}

// claim reads which of the two kinds the signature is; it can't be both.
func (s *signature) claim() (c lumenpackages.UploadClaim, err error) {
	switch {
	case s == nil:
		return c, nil
	case s.Certificate == "" || s.Certificate == s.KeyID:
		return lumenpackages.UploadClaim{Signature: s.Signature, KeyID: s.KeyID, SignedAt: s.Timestamp}, nil
	case s.KeyID != "" || s.Timestamp != "":
		return c, badSignature("\"signature\" of the publish has a certificate, and the key_id or timestamp of a registered key; send one or the other")
	}
	return lumenpackages.UploadClaim{Signature: s.Signature, Certificate: s.Certificate, Identity: s.Identity}, nil
}

func badSignature(message string) error {
	return fault.New(fault.Invalid, "%s", message).WithCode("bad_signature")
}
