package packages

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/format/signature"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/store/scrub"
)

// checkVersion compares the row of a version with its tarball, its signatures and the rows it names.
func (c *checker) checkVersion(ctx context.Context, r kv.Row, name, version string, about *scrub.Subject) error {
	var row versionRow
	if c.codec.decode(r, &row) != nil {
		about.Unread(r.Key)
		return nil
	}
	if row.Version != version {
		about.Differs(scrub.Row, version, row.Version, "its row is that of another version")
	}
	a := row.Artifact
	if a.Whole.Size != a.Size {
		about.Wrong(scrub.Sums, "its row has two sizes, of %d and %d bytes", a.Whole.Size, a.Size)
	}
	sum, ok, err := c.blobs.Tarball(ctx, about, scrub.Want{Key: blobKey(a), Size: a.Size, Sums: a.Sums, Until: lifetime.Forever()})
	if err != nil {
		return err
	}
	if ok {
		compareArchive(about, name, row, sum)
	}
	if err := c.checkSignatures(ctx, about, name, row); err != nil {
		return err
	}
	if row.Readme != "" {
		if err := c.mustHave(ctx, about, readmeKey(name, row.Readme)); err != nil {
			return err
		}
	}
	return c.checkProvenance(ctx, about, name, row)
}

// compareArchive holds a row against what the archive says.
func compareArchive(about *scrub.Subject, name string, row versionRow, sum tarball.Summary) {
	v, err := packument.FromArchive(packument.Archive{Manifest: sum.Manifest, Gyp: sum.Gyp, Shrinkwrap: sum.Shrinkwrap})
	if err != nil {
		about.Refused(scrub.Manifest, err)
		return
	}
	if v.Name != name || v.Version != row.Version {
		about.Differs(scrub.Manifest, v.Name+"@"+v.Version, name+"@"+row.Version, "the package.json in its tarball is of another version")
		return
	}
	if a := row.Artifact; a.Files != sum.Files || a.Unpacked != sum.Unpacked {
		about.Wrong(scrub.Manifest, "its row has %d files of %d bytes, and its tarball %d of %d", a.Files, a.Unpacked, sum.Files, sum.Unpacked)
	}
	if v.InstallScript != row.InstallScript || v.Shrinkwrap != row.Shrinkwrap {
		about.Wrong(scrub.Manifest, "its row says of install scripts or npm-shrinkwrap.json something else than its tarball")
	}
	if member := otherMember(v.Manifest, row.Manifest); member != "" {
		about.Differs(scrub.Manifest, string(v.Manifest.Get(member)), string(row.Manifest.Get(member)), "its row has another %.100q than the package.json in its tarball", member)
	}
}

// otherMember names a member that a row has otherwise than its archive; "" if there is none. What clients say of a publish
// may be beside those of the archive.
func otherMember(archive, row packument.Object) string {
	for _, m := range archive {
		if !sameJSON(row.Get(m.Key), m.Value) {
			return m.Key
		}
	}
	for _, m := range row {
		if archive.Get(m.Key) == nil && !slices.Contains(extraMembers, m.Key) {
			return m.Key
		}
	}
	return ""
}

// sameJSON compares texts but for spaces and the escapes that only HTML needs.
func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	return a != nil && json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

// checkSignatures wants at least one signature, and none that npm audit signatures would refuse.
func (c *checker) checkSignatures(ctx context.Context, about *scrub.Subject, name string, row versionRow) error {
	if len(row.Signatures) == 0 {
		about.Wrong(scrub.Signature, "it is not signed")
		return nil
	}
	keys, err := c.keys.Known(ctx)
	if err != nil {
		return err
	}
	for _, sig := range row.Signatures {
		i := slices.IndexFunc(keys, func(k signature.Key) bool { return k.KeyID == sig.KeyID })
		if i < 0 {
			about.Wrong(scrub.Signature, "its signature is by the key %.80q, which is none of this registry's", sig.KeyID)
			continue
		}
		if e := keys[i].Expires; e != nil && !row.PublishedAt.Before(*e) {
			about.Wrong(scrub.Signature, "it was published at %s, when the key %s that signed it was good no more", row.PublishedAt, sig.KeyID)
		}
		if err := keys[i].Verify(sig, name, row.Version, row.Artifact.Integrity); err != nil {
			about.Refused(scrub.Signature, err)
		}
	}
	return nil
}

func (c *checker) checkProvenance(ctx context.Context, about *scrub.Subject, name string, row versionRow) error {
	r, found, err := scrub.Get(ctx, c.db, provenanceKey(name, row.Version))
	switch {
	case err != nil:
		return err
	case row.Predicate == "":
		return nil
	case !found:
		about.Absent(provenanceKey(name, row.Version))
		return nil
	}
	text, err := c.codec.inflate(r)
	if err != nil {
		about.Unread(r.Key)
		return nil
	}
	predicate, err := predicateOf(text, name, row.Artifact)
	if err != nil {
		about.Refused(scrub.Manifest, err)
	} else if predicate != row.Predicate {
		about.Differs(scrub.Manifest, predicate, row.Predicate, "its row has another type of provenance than its bundle")
	}
	return nil
}
