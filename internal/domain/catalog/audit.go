package catalog

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/semver"
	"github.com/org/registry-action/internal/format/signature"
)

// Advisories answers npm's bulk audit. Names that are ours, and previews, never leave. An upstream
// that can't be asked is an error: an empty answer would be read as "no vulnerabilities".
func (s *Service) Advisories(ctx context.Context, root Root, versions map[string][]string) (map[string]json.RawMessage, error) {
	none := map[string]json.RawMessage{}
	if s.src.Upstream == nil {
		return none, nil
	}
	ask := map[string][]string{}
	for name, list := range versions {
		list = slices.DeleteFunc(slices.Clone(list), func(v string) bool {
			_, err := semver.Parse(v)
			return err != nil || isPreview(v)
		})
		if len(list) == 0 || checkName(name) != nil {
			continue
		}
		ours, err := s.ours(ctx, name)
		if err != nil {
			return nil, err
		}
		if !ours {
			ask[name] = list
		}
	}
	if len(ask) == 0 {
		return none, nil
	}
	found, err := s.src.Upstream.Advisories(ctx, ask)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return none, nil
	}
	maps.DeleteFunc(found, func(name string, _ json.RawMessage) bool { return ask[name] == nil })
	return found, nil
}

// Keys lists our signing keys and upstream's. If one of them can't be had, none
// are: clients would take what that one signed for tampered with.
func (s *Service) Keys(ctx context.Context) ([]signature.Key, error) {
	var all []signature.Key
	for _, ring := range s.src.Keyrings {
		keys, err := ring.Keys(ctx)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			if !slices.ContainsFunc(all, func(have signature.Key) bool { return have.KeyID == k.KeyID }) {
				all = append(all, k)
			}
		}
	}
	return all, nil
}

// Attestations answers GET /-/npm/v1/attestations/{name}@{version}. Previews have none.
func (s *Service) Attestations(ctx context.Context, root Root, name, version string) (json.RawMessage, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if _, err := semver.Parse(version); err != nil {
		return nil, noVersion(name, version)
	}
	bundle, err := s.src.Index.Provenance(ctx, name, version)
	if err == nil {
		return attestations(bundle)
	}
	up, err := s.elsewhere(ctx, name, err)
	if err != nil {
		return nil, err
	}
	if isPreview(version) {
		return nil, fault.New(fault.NotFound, "previews have no attestations")
	}
	return up.Attestations(ctx, name, version)
}

// attestations wraps a sigstore bundle as npm's clients read it.
func attestations(bundle json.RawMessage) (json.RawMessage, error) {
	type attestation struct {
		PredicateType string          `json:"predicateType"`
		Bundle        json.RawMessage `json:"bundle"`
	}
	kind, err := predicateType(bundle)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string][]attestation{"attestations": {{PredicateType: kind, Bundle: bundle}}})
}

// predicateType reads what a bundle's in-toto statement is about.
func predicateType(bundle json.RawMessage) (string, error) {
	var b struct {
		Envelope struct {
			Payload string `json:"payload"` // base64
		} `json:"dsseEnvelope"`
	}
	var statement struct {
		PredicateType string `json:"predicateType"`
	}
	if err := json.Unmarshal(bundle, &b); err != nil {
		return "", err
	}
	text, err := base64.StdEncoding.DecodeString(b.Envelope.Payload)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(text, &statement); err != nil {
		return "", err
	}
	if statement.PredicateType == "" {
		return "", errors.New("a stored bundle has no predicate type")
	}
	return statement.PredicateType, nil
}
