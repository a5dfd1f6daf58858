package packages

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

const (
	maxProvenance = 200 << 10
	inToto        = "application/vnd.in-toto+json"
)

// bundle is what is read of a sigstore bundle
// (https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto).
type bundle struct {
	Envelope struct {
		Payload     string `json:"payload"` // base64 of a statement
		PayloadType string `json:"payloadType"`
	} `json:"dsseEnvelope"`
}

// statement is an in-toto statement.
type statement struct {
	PredicateType string `json:"predicateType"`
	Subject       []struct {
		Digest map[string]string `json:"digest"`
	} `json:"subject"`
}

// predicateOf checks that a bundle speaks of this tarball and returns its
// predicateType. Its signatures are for the clients to verify: npm audit
// signatures does, against sigstore's roots.
func predicateOf(text json.RawMessage, name string, a Artifact) (string, error) {
	refuse := func(cause error, rule string) error {
		return fault.Wrap(cause, fault.Invalid, "the provenance of %s is refused: %s", name, rule).WithCode("bad_provenance")
	}
	if len(text) > maxProvenance {
		return "", fault.New(fault.TooLarge, "the provenance of %s has %d bytes, at most %d are allowed", name, len(text), maxProvenance)
	}
	var b bundle
	if err := json.Unmarshal(text, &b); err != nil {
		return "", refuse(err, "it is not a sigstore bundle in JSON")
	}
	if b.Envelope.PayloadType != inToto {
		return "", refuse(nil, "its envelope must hold an in-toto statement ("+inToto+")")
	}
	payload, err := base64.StdEncoding.DecodeString(b.Envelope.Payload)
	var st statement
	if err = errors.Join(err, json.Unmarshal(payload, &st)); err != nil {
		return "", refuse(err, "its envelope holds no statement in base64")
	}
	if st.PredicateType == "" || len(st.PredicateType) > 256 {
		return "", refuse(nil, "its statement has no predicateType")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(a.Integrity, "sha512-"))
	if err != nil {
		return "", err
	}
	want := hex.EncodeToString(raw)
	for _, subject := range st.Subject {
		if subject.Digest["sha512"] == want {
			return st.PredicateType, nil
		}
	}
	return "", refuse(nil, "none of its subjects is this tarball (sha512 "+want[:16]+"…)")
}

// attestations is dist.attestations; whoever renders the version fills in the URL.
func attestations(predicate string) json.RawMessage {
	if predicate == "" {
		return nil
	}
	var a struct {
		URL        string `json:"url"`
		Provenance struct {
			PredicateType string `json:"predicateType"`
		} `json:"provenance"`
	}
	a.Provenance.PredicateType = predicate
	text, err := plainJSON(a)
	if err != nil {
		return nil // of two strings: can't be
	}
	return text
}

// Provenance returns the sigstore bundle that was published with a version; fault.NotFound if there
// is none. Its predicateType is in the version's Dist.Attestations.
func (s *Service) Provenance(ctx context.Context, name, version string) (json.RawMessage, error) {
	p, err := s.living(ctx, name)
	if err != nil {
		return nil, err
	}
	v, err := s.readVersion(ctx, p, version)
	if err != nil {
		return nil, err
	}
	row, err := s.db.Get(ctx, provenanceKey(name, v.Version))
	if errors.Is(err, kv.ErrNotFound) {
		return nil, fault.New(fault.NotFound, "%s@%s was published without provenance", name, v.Version)
	}
	if err != nil {
		return nil, err
	}
	return s.codec.inflate(row)
}
