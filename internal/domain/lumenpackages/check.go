package lumenpackages

import (
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
)

const (
	maxDocument = 128 << 10 // bytes of a version's metadata: they are a row, as their signature is
	maxVersions = 10_000    // of a package: its index names them all
)

// candidate is a version that may be published.
type candidate struct {
	metadata   lumen.Metadata
	categories []string
	artifacts  []artifact
	at         time.Time // of the publish
	began      time.Time
	claim      *UploadClaim
	sent       digest.SHA256 // what the claim is over
	received   time.Time     // when the archive began to arrive
	imported   bool
}

// check makes the version that a release would be. The archive decides; what the client says beside it must agree.
func (s *Service) check(who Principal, r Release) (candidate, error) {
	if r.Upload == nil {
		return candidate{}, fault.New(fault.Invalid, "Missing tarball: the publish has no archive").WithCode("no_tarball")
	}
	m := r.Upload.Manifest
	if r.imported() && !who.IsAdmin() {
		return candidate{}, fault.New(fault.Forbidden, "only an admin may publish %.80s as of another time or yanked", m.Name)
	}
	if at := r.PublishedAt; !at.IsZero() && (at.Before(time.Unix(0, 0)) || at.After(s.now().Add(skew))) {
		return candidate{}, fault.New(fault.Invalid, "%.80s %.140s can't have been published at %s; give a time that has passed, or none", m.Name, m.Version, at.Format(time.RFC3339))
	}
	if err := s.checkIdentity(r); err != nil {
		return candidate{}, err
	}
	c := candidate{
		at: s.now(), began: s.now(), artifacts: r.Upload.artifacts(), categories: m.Categories,
		claim: r.Signature, sent: r.Upload.sentDigest(), received: r.Upload.received, imported: r.imported(),
	}
	if !r.PublishedAt.IsZero() {
		c.at = r.PublishedAt.UTC().Truncate(time.Second)
	}
	c.metadata = describe(who, r.Upload, c)
	if r.Yanked != nil {
		reason, err := lumen.CleanReason(*r.Yanked)
		if err != nil {
			return candidate{}, err
		}
		c.metadata.Yanked, c.metadata.YankReason = true, reason
	}
	return c, fit(&c.metadata)
}

// describe is what the archive says about itself.
func describe(who Principal, u *Upload, c candidate) lumen.Metadata {
	m := u.Manifest
	integrity := u.Integrity
	out := lumen.Metadata{
		Name: m.Name, Version: m.Version, Deps: m.Deps, OptionalDeps: m.OptionalDeps, Integrity: &integrity,
		PublishedAt: timeText(c.at),
		// Accounts here are names, not proven identities.
		Publisher: &lumen.Publisher{Name: who.User()}, Provenance: who.Proof(),
		License: m.License, Description: m.Description, Readme: u.Readme, Documentation: m.Documentation,
		Repository: m.Repository, Keywords: m.Keywords,
	}
	for _, a := range c.artifacts {
		out.Artifacts = append(out.Artifacts, a.document())
	}
	return out
}

// checkIdentity holds what is sent against the rules of names and versions, and against what the client says it is.
func (s *Service) checkIdentity(r Release) error {
	m := r.Upload.Manifest
	if err := lumen.ValidName(m.Name, s.opt.Unscoped || r.imported()); err != nil {
		return err
	}
	if err := lumen.ValidVersion(m.Version); err != nil {
		return err
	}
	if m.Private && !r.imported() {
		return fault.New(fault.Invalid, "%s is not to be published: its lumen.toml has publish = false; remove that to publish it", m.Name).WithCode("private_package")
	}
	for _, f := range []struct{ member, said, packed string }{{"name", r.Name, m.Name}, {"version", r.Version, m.Version}} {
		if f.said != "" && f.said != f.packed {
			return fault.New(fault.Invalid, "the publish is of the %s %.140q, but lumen.toml in the archive has %.140q; both must be the same, since clients lock what the archive says", f.member, f.said, f.packed).WithCode("manifest_mismatch")
		}
	}
	if r.Hash == "" {
		return nil
	}
	said, err := digest.Parse(r.Hash)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "%.100q is no hash of an archive; send sha256: and 64 hex digits", r.Hash).WithCode("bad_hash")
	}
	if sent := r.Upload.sentDigest(); said != sent {
		return mismatch(said, sent)
	}
	return nil
}

func mismatch(said, sent digest.SHA256) error {
	return fault.New(fault.Invalid, "the archive that arrived has the hash %s, but %s was announced: it was changed on its way, or the hash is of another file; send it again", sent, said).WithCode("hash_mismatch")
}

// fit leaves out the readme of metadata that are too large with it.
func fit(m *lumen.Metadata) error {
	if len(lumen.Encode(m)) <= maxDocument {
		return nil
	}
	m.Readme = ""
	if n := len(lumen.Encode(m)); n > maxDocument {
		return fault.New(fault.TooLarge, "the metadata of %s %s have %d bytes, at most %d are allowed; it has too many or too long dependencies and features", m.Name, m.Version, n, maxDocument).WithCode("metadata_too_large")
	}
	return nil
}

// checkNew refuses a version that can't stand beside those that are there.
func (c candidate) checkNew(entries []entry) error {
	present := make([]string, len(entries))
	for i, e := range entries {
		present[i] = e.version
	}
	if err := lumen.CheckNew(c.metadata.Name, c.metadata.Version, present); err != nil {
		return err
	}
	if len(entries) >= maxVersions {
		return fault.New(fault.Invalid, "%s has %d versions, more are not kept here; publish under another name", c.metadata.Name, len(entries)).WithCode("too_many_versions")
	}
	return nil
}
