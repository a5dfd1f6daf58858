package lumen

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/org/registry-action/internal/fault"
)

const maxSignatures = 16 // of an Envelope

// Seal signs a payload. signedAt is RFC 3339.
func Seal(key ed25519.PrivateKey, payloadType string, payload []byte, signedAt string) Envelope {
	return Envelope{
		PayloadType: payloadType,
		Payload:     base64.StdEncoding.EncodeToString(payload),
		Signatures: []Signature{{
			Algorithm: Algorithm,
			KeyID:     KeyID(key.Public().(ed25519.PublicKey)),
			Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(key, encoding(payloadType, payload))),
			SignedAt:  signedAt,
		}},
	}
}

// Open returns the payload of an envelope of the type if one of the keys that was valid at its time has signed it: a key
// that was replaced is good for what it signed before, a revoked one for nothing. Refusals are fault.Invalid with
// the code "bad_signature".
//
// The time of a signature is what its signer says, and is not signed itself: a key that was stolen must be revoked, not only replaced.
func (e Envelope) Open(payloadType string, keys Keys) (payload []byte, by Key, err error) {
	if e.PayloadType != payloadType {
		return nil, Key{}, badSignature("the signature is over %.80q, not %q", e.PayloadType, payloadType)
	}
	if len(e.Signatures) == 0 || len(e.Signatures) > maxSignatures {
		return nil, Key{}, badSignature("the envelope has %d signatures; it needs one, and %d at most", len(e.Signatures), maxSignatures)
	}
	payload, err = decodeBase64(e.Payload)
	if err != nil {
		return nil, Key{}, badSignature("the signed payload is not standard base64")
	}
	var refusal error
	for _, s := range e.Signatures {
		by, err := s.verify(encoding(payloadType, payload), keys)
		if err == nil {
			return payload, by, nil
		}
		if refusal == nil {
			refusal = err
		}
	}
	return nil, Key{}, refusal
}

// verify returns the key that has made the signature over the message.
func (s Signature) verify(message []byte, keys Keys) (Key, error) {
	named := func(k Key) bool { return k.KeyID == s.KeyID }
	i := slices.IndexFunc(keys.Keys, named)
	if i < 0 {
		return Key{}, badSignature("the signature is by the key %.80q, which is none of the registry's", s.KeyID)
	}
	key := keys.Keys[i]
	if slices.ContainsFunc(keys.Keys, func(k Key) bool { return named(k) && k.Revoked }) {
		return Key{}, badSignature("the signature is by the key %.80q, which was revoked", s.KeyID)
	}
	if !key.validAt(s.SignedAt) {
		return Key{}, badSignature("the signature was made at %.40q, when its key %.80q was not valid", s.SignedAt, s.KeyID)
	}
	public, err := key.Parse()
	if err != nil {
		return Key{}, err
	}
	sig, err := decodeBase64(s.Signature)
	if err != nil || s.Algorithm != Algorithm || !ed25519.Verify(public, message, sig) {
		return Key{}, badSignature("the signature does not match what it signs and the key %.80q", s.KeyID)
	}
	return key, nil
}

// encoding is what is signed: the pre-authentication encoding of DSSE.
func encoding(payloadType string, payload []byte) []byte {
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(payloadType), payloadType, len(payload)), payload...)
}

func badSignature(format string, args ...any) *fault.Error {
	return refuse("bad_signature", format, args...)
}
