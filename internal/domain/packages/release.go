package packages

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/format/semver"
	"github.com/org/registry-action/internal/format/signature"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/kv"
)

// candidate is a checked release: all that a publish of it writes.
type candidate struct {
	name       string
	owner      string // of what it is the first of
	tags       []string
	access     string
	row        versionRow // once it is signed, what is stored
	readme     string
	provenance json.RawMessage
	free       bool   // upstream was asked and has nothing of the name
	ready      bool   // its bytes are stored and it is signed
	pin        *kv.Op // keeps its bytes for ever, as their hold was when they came; nil: nobody knows
}

// Receive takes in the tarball of a publish. The caller closes the Upload.
func (s *Service) Receive(ctx context.Context, who Principal, r io.Reader) (*Upload, error) {
	if who.User() == "" {
		return nil, fault.New(fault.Unauthenticated, "Authorization required: sign in to publish")
	}
	return s.spool.Receive(ctx, "the tarball", r)
}

// check makes a candidate of a release. The archive decides; what the client
// says beside it must agree.
func (s *Service) check(who Principal, r Release) (*candidate, error) {
	if r.Upload == nil {
		return nil, fault.New(fault.Invalid, "the publish of %.230q has no tarball", r.Name).WithCode("no_tarball")
	}
	sum := r.Upload.Summary
	v, err := packument.FromArchive(packument.Archive{Manifest: sum.Manifest, Gyp: sum.Gyp, Shrinkwrap: sum.Shrinkwrap})
	if err != nil {
		return nil, err
	}
	if err := agrees(r, v, sum); err != nil {
		return nil, err
	}
	tags, err := tagsFor(who, r)
	if err != nil {
		return nil, err
	}
	addExtra(&v.Manifest, r.Extra)
	c := &candidate{name: v.Name, owner: who.User(), tags: tags, access: r.Access, readme: readmeOf(sum, r), row: versionRow{
		Version: v.Version, Manifest: v.Manifest, InstallScript: v.InstallScript, Shrinkwrap: v.Shrinkwrap,
		Artifact: Artifact{
			Whole: tarball.Part{Digest: sum.Sums.SHA256, Size: sum.Size}, Sums: sum.Sums,
			Size: sum.Size, Unpacked: sum.Unpacked, Files: sum.Files,
		},
		PublishedAt: r.PublishedAt.UTC().Truncate(time.Millisecond), Publisher: who.User(), Proof: who.Proof(), Deprecated: r.Deprecated,
	}}
	if r.Publisher != "" {
		c.row.Publisher = r.Publisher
	}
	c.row.Readme = readmeID(c.readme)
	if len(r.Provenance) > 0 {
		c.provenance = r.Provenance
		if c.row.Predicate, err = predicateOf(r.Provenance, v.Name, c.row.Artifact); err != nil {
			return nil, err
		}
	}
	_, err = s.encodeVersion(c.name, c.row) // if it is too large, before its bytes are stored
	return c, err
}

// tagsFor are the dist-tags of a release whose other options are valid.
func tagsFor(who Principal, r Release) ([]string, error) {
	if r.Access != "" {
		if err := validAccess(r.Access); err != nil {
			return nil, err
		}
	}
	if err := validMessage(r.Deprecated); err != nil {
		return nil, err
	}
	imports := !r.PublishedAt.IsZero() || r.Deprecated != "" || r.Publisher != ""
	switch {
	case imports && !who.IsAdmin():
		return nil, fault.New(fault.Forbidden, "only an admin may import versions: publish without a time, publisher and deprecation")
	case imports && len(r.Tags) == 0:
		return nil, nil // of what is imported in any order, the first gets latest
	}
	return validTags(r.Tags)
}

// agrees refuses a release whose client says another name, version or digest
// than the archive has: it means another package than it sends.
func agrees(r Release, v packument.Version, sum tarball.Summary) error {
	if r.Name != "" && r.Name != v.Name {
		return fault.New(fault.Invalid, "the publish is of %.230q, but the package.json in its tarball has the name %q; both must be the same", r.Name, v.Name).WithCode("name_mismatch")
	}
	if r.Version != "" && !sameVersion(r.Version, v.Version) {
		return fault.New(fault.Invalid, "the publish is of %s %.80q, but the package.json in its tarball has the version %q; both must be the same", v.Name, r.Version, v.Version).WithCode("version_mismatch")
	}
	if strings.HasPrefix(v.Version, npm.PreviewVersion("")) {
		return fault.New(fault.Invalid, "%s@%s has the version of a preview, which a commit has and no release: publish it with publish-commit, or give it another version", v.Name, v.Version).WithCode("preview_version")
	}
	if r.Integrity != "" && !slices.Equal(sha512s(r.Integrity), []string{sum.Sums.Integrity}) {
		return fault.New(fault.Invalid, "the tarball of %s@%s does not have the integrity %.200q that the publish says; it has %s. Was it changed on its way? Send it again", v.Name, v.Version, r.Integrity, sum.Sums.Integrity).WithCode("integrity_mismatch")
	}
	if r.Shasum != "" && !strings.EqualFold(r.Shasum, sum.Sums.Shasum) {
		return fault.New(fault.Invalid, "the tarball of %s@%s does not have the shasum %.80q that the publish says; it has %s. Was it changed on its way? Send it again", v.Name, v.Version, r.Shasum, sum.Sums.Shasum).WithCode("integrity_mismatch")
	}
	return nil
}

// sha512s picks the sha512 hashes out of a Subresource Integrity text, without options.
func sha512s(integrity string) []string {
	var found []string
	for hash := range strings.FieldsSeq(integrity) {
		hash, _, _ = strings.Cut(hash, "?")
		if strings.HasPrefix(hash, "sha512-") {
			found = append(found, hash)
		}
	}
	return slices.Compact(found)
}

// canonical is the version as keys have it: without build metadata.
func canonical(version string) (string, error) {
	v, err := semver.Parse(version)
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "%.80q is not a version; versions are written 1.2.3 or 1.2.3-beta.1", version).WithCode("invalid_version")
	}
	v.Build = ""
	return v.String(), nil
}

func sameVersion(a, b string) bool {
	x, errX := semver.Clean(a)
	y, errY := semver.Clean(b)
	return errX == nil && errY == nil && x == y
}

// extraMembers are those that addExtra adds.
var extraMembers = []string{"gitHead", "_nodeVersion", "_npmVersion"}

// addExtra adds what npm says of a publish for information; never what an
// installation depends on, and nothing that the archive has itself.
func addExtra(manifest *packument.Object, extra packument.Object) {
	const maxExtra = 256
	for _, key := range extraMembers {
		text := extra.Text(key)
		if text == "" || len(text) > maxExtra || strings.ContainsFunc(text, unicode.IsControl) || manifest.Get(key) != nil {
			continue
		}
		if value, err := plainJSON(text); err == nil {
			manifest.Set(key, value)
		}
	}
}

func readmeOf(sum tarball.Summary, r Release) string {
	text := string(sum.Readme)
	if text == "" {
		text = r.Readme
	}
	return cut(text, maxReadme)
}

// cut shortens a text to at most n bytes, at a character.
func cut(text string, n int) string {
	if len(text) > n {
		for n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		text = text[:n]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// sign gives a candidate, whose bytes are stored, its time and signature. The time is taken first: a key
// that is replaced in between then counts as still good at that time.
func (s *Service) sign(ctx context.Context, c *candidate) error {
	if c.row.PublishedAt.IsZero() {
		c.row.PublishedAt = s.now()
	}
	sig, err := s.opt.Signer.Sign(ctx, c.name, c.row.Version, c.row.Artifact.Integrity)
	if err != nil {
		return err
	}
	c.row.Signatures, c.ready = []signature.Signature{sig}, true
	return nil
}

// encodeVersion makes the row of a version, or refuses one whose package.json is too large.
func (s *Service) encodeVersion(name string, row versionRow) (kv.Row, error) {
	value, err := s.codec.encode(row)
	if err == nil && len(value) > kv.MaxValue {
		err = tooLarge(name, row.Version)
	}
	return kv.Row{Key: versionKey(name, row.Version), Value: value}, err
}

func tooLarge(name, version string) error {
	return fault.New(fault.TooLarge, "the package.json of %s@%s is too large for this registry: compressed it has more than %d KiB", name, version, kv.MaxValue>>10)
}
