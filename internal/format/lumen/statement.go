package lumen

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/org/registry-action/internal/format/digest"
)

// Statement is what the signature of the version says: what of the metadata never changes.
func (m Metadata) Statement() Statement {
	s := Statement{
		Name: m.Name, Version: m.Version, Artifacts: m.Artifacts, Deps: m.Deps, OptionalDeps: m.OptionalDeps,
		PublishedAt: m.PublishedAt, Publisher: m.Publisher, Provenance: m.Provenance,
	}
	if m.Integrity != nil {
		s.Integrity = *m.Integrity
	}
	return s
}

// Check returns nil if the metadata of the version say what was signed, and fault.Invalid with the code "bad_signature" and
// the member that differs otherwise.
func (s Statement) Check(m Metadata) error {
	now := m.Statement()
	for _, member := range []struct {
		name string
		same bool
	}{
		{"name", s.Name == now.Name},
		{"version", s.Version == now.Version},
		{"artifacts", slices.Equal(s.Artifacts, now.Artifacts)},
		{"integrity", s.Integrity == now.Integrity},
		{"deps", maps.Equal(s.Deps, now.Deps)},
		{"optional_deps", SameOptional(s.OptionalDeps, now.OptionalDeps)},
		{"published_at", s.PublishedAt == now.PublishedAt},
		{"publisher", bytes.Equal(Encode(s.Publisher), Encode(now.Publisher))},
		{"provenance", bytes.Equal(Encode(s.Provenance), Encode(now.Provenance))},
	} {
		if !member.same {
			return badSignature("the metadata of %.80s %.80s have another %q than was signed", m.Name, m.Version, member.name)
		}
	}
	return nil
}

// SameOptional reports whether the optional dependencies of two documents are the same.
func SameOptional(a, b map[string][]string) bool { return maps.EqualFunc(a, b, slices.Equal) }

// RootOf is the Root of a Checkpoint: the digest of the lines "name\0sha256 hex\n" of all packages, by name. The map has
// the digest of each package's index as it is served.
func RootOf(indexes map[string]digest.SHA256) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(indexes)) {
		fmt.Fprintf(h, "%s\x00%s\n", name, indexes[name].Hex())
	}
	return digest.SHA256(h.Sum(nil)).String()
}

// Check returns nil if the checkpoint is of these package indexes and has not expired, and fault.Invalid with
// the code "bad_checkpoint" otherwise. That its Sequence is not below one seen before is the caller's to check.
func (c Checkpoint) Check(indexes map[string]digest.SHA256, now time.Time) error {
	expires, err := time.Parse(time.RFC3339, c.Expires)
	switch {
	case err != nil:
		return refuse("bad_checkpoint", "the checkpoint expires at %.40q, which is no time", c.Expires)
	case now.After(expires):
		return refuse("bad_checkpoint", "the checkpoint expired at %s; the tree may be an old one, export it again", c.Expires)
	case c.Packages != len(indexes):
		return refuse("bad_checkpoint", "the checkpoint is of %d packages, the tree has %d", c.Packages, len(indexes))
	case c.Root != RootOf(indexes):
		return refuse("bad_checkpoint", "the checkpoint is of other package indexes than the tree has; one of them is older, newer or changed")
	}
	return nil
}

// Digest mirrors the checkpoint, which the envelope carries, for an Index.
func (c Checkpoint) Digest(e Envelope) *CheckpointDigest {
	d := &CheckpointDigest{Timestamp: c.IssuedAt, TreeSize: int64(c.Packages), RootHash: c.Root}
	if len(e.Signatures) > 0 {
		d.Signature = e.Signatures[0].Signature
	}
	return d
}
