package lumenpackages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/store/scrub"
)

// known are the public keys that are there and can be read; other than signer it makes none.
func (s *Service) known(ctx context.Context) (keys lumen.Keys, err error) {
	row, err := s.db.Get(ctx, currentKey())
	if err != nil && !errors.Is(err, kv.ErrNotFound) {
		return keys, err
	}
	var current keyRow
	if err == nil && json.Unmarshal(row.Value, &current) == nil {
		if by, err := current.signer(row.Value); err == nil {
			keys.Keys = append(keys.Keys, by.public)
		}
	}
	for r, err := range s.db.Scan(ctx, keysPartition, kv.Query{Prefix: retiredPrefix}) {
		if err != nil {
			return keys, err
		}
		var k lumen.Key
		if json.Unmarshal(r.Value, &k) == nil && k.NotAfter != "" { // one without an end is no retired key
			keys.Keys = append(keys.Keys, k)
		}
	}
	return keys, nil
}

// signedByRevoked reports whether an envelope would be good if no key had been revoked.
func signedByRevoked(e lumen.Envelope, payloadType string, keys lumen.Keys) bool {
	_, _, err := e.Open(payloadType, unrevoked(keys))
	return err == nil
}

func unrevoked(keys lumen.Keys) lumen.Keys {
	all := slices.Clone(keys.Keys)
	for i := range all {
		all[i].Revoked = false
	}
	return lumen.Keys{Keys: all}
}

// checkVersion compares the entry of a version with its documents, its signature and its archives.
func (c *checker) checkVersion(ctx context.Context, r kv.Row, name, version string, about *scrub.Subject) error {
	var e entry
	if json.Unmarshal(r.Value, &e) != nil || len(e.Artifacts) == 0 {
		about.Unread(r.Key)
		return nil
	}
	metadata, err := c.document(ctx, about, metadataKey(name, version), e.Metadata)
	if err != nil {
		return err
	}
	signature, err := c.document(ctx, about, signatureKey(name, version), e.Signature)
	if err != nil {
		return err
	}
	m, err := lumen.DecodeMetadata(metadata)
	if err != nil {
		if metadata != nil {
			about.Refused(scrub.Row, err)
		}
		return c.checkArtifacts(ctx, about, e, nil)
	}
	if m.Name != name || m.Version != version || m.Yanked != e.Yanked || m.YankReason != e.Reason {
		about.Wrong(scrub.Reference, "its metadata are of another version, or say something else of a yank than lists do")
	}
	keys, err := c.known(ctx)
	if err != nil {
		return err
	}
	checkStatement(about, m, signature, keys)
	checkUpload(about, m, keys)
	return c.checkArtifacts(ctx, about, e, &m)
}

// document reads a document that must be the one of the entry; nil if there is none.
func (c *checker) document(ctx context.Context, about *scrub.Subject, k kv.Key, want part) ([]byte, error) {
	r, found, err := scrub.Get(ctx, c.db, k)
	if err != nil {
		return nil, err
	}
	if !found {
		about.Absent(k)
		return nil, nil
	}
	if got := partOf(r.Value); got != want {
		about.Differs(scrub.Hash, want.Digest.String(), got.Digest.String(), "the document in the row %s is not the one that lists have", k)
	}
	return r.Value, nil
}

// checkStatement wants a signature by one of the registry's keys over what the metadata say.
func checkStatement(about *scrub.Subject, m lumen.Metadata, signature []byte, keys lumen.Keys) {
	if signature == nil {
		return // told
	}
	sealed, err := lumen.DecodeEnvelope(signature)
	var payload []byte
	if err == nil {
		payload, _, err = sealed.Open(lumen.StatementType, keys)
	}
	var statement lumen.Statement
	if err == nil {
		statement, err = lumen.DecodeStatement(payload)
	}
	if err == nil {
		err = statement.Check(m)
	}
	if err != nil {
		about.Refused(scrub.Signature, err)
	}
}

// checkUpload checks the publisher's own signature, if there is one.
func checkUpload(about *scrub.Subject, m lumen.Metadata, keys lumen.Keys) {
	if m.Upload == nil {
		return
	}
	err := m.Upload.Verify(m.Name, m.Version)
	if err == nil && m.Upload.Certificate != "" { // by a key that was revoked since, too: the upload was good when it came
		_, err = lumen.OpenCertificate(m.Upload.Certificate, unrevoked(keys))
	}
	if err != nil {
		about.Refused(scrub.Signature, err)
	}
	if !slices.ContainsFunc(m.Artifacts, func(a lumen.Artifact) bool { return a.Hash == m.Upload.Hash }) {
		about.Wrong(scrub.Signature, "the publisher has signed the archive %s, which is none of its own", m.Upload.Hash)
	}
}

// checkArtifacts reads the archives of a version; m is nil if its metadata can't be read.
func (c *checker) checkArtifacts(ctx context.Context, about *scrub.Subject, e entry, m *lumen.Metadata) error {
	var documents []lumen.Artifact
	for _, a := range e.Artifacts {
		documents = append(documents, a.document())
		if err := c.mustHave(ctx, about, artifactKey(a.Digest)); err != nil {
			return err
		}
		want := scrub.Want{Key: a.blobKey(), Size: a.Size, Until: lifetime.Forever()}
		in, ok, err := c.blobs.Lumen(ctx, about, want, c.opt.Archive)
		if err != nil {
			return err
		}
		if ok && m != nil {
			compareArchive(about, *m, in)
		}
	}
	if m != nil && !slices.Equal(documents, m.Artifacts) {
		about.Differs(scrub.Reference, fmt.Sprint(documents), fmt.Sprint(m.Artifacts), "its metadata name other archives than lists do")
	}
	return nil
}

// compareArchive holds metadata against what an archive says.
func compareArchive(about *scrub.Subject, m lumen.Metadata, in lumen.Archive) {
	if in.Manifest.Name != m.Name || in.Manifest.Version != m.Version {
		about.Differs(scrub.Manifest, in.Manifest.Name+" "+in.Manifest.Version, m.Name+" "+m.Version, "the lumen.toml in its archive is of another version")
	}
	if m.Integrity == nil || *m.Integrity != in.Integrity {
		about.Differs(scrub.Hash, fmt.Sprint(in.Integrity), fmt.Sprint(m.Integrity), "its metadata have other hashes than its archive")
	}
	if !maps.Equal(m.Deps, in.Manifest.Deps) || !lumen.SameOptional(m.OptionalDeps, in.Manifest.OptionalDeps) {
		about.Differs(scrub.Manifest, fmt.Sprint(in.Manifest.Deps), fmt.Sprint(m.Deps), "its metadata have other dependencies than the lumen.toml in its archive")
	}
}
