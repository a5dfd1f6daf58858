package zigpackages

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/spool"
)

// maxRow bounds a version's row, in bytes: all of a package are read at once. Usual ones have less than 2 KiB.
const maxRow = 64 << 10

// check makes the version that a release would be. The archive decides; what the client says beside it must agree.
func (s *Service) check(who Principal, r Release) (Version, error) {
	if r.Upload == nil {
		return Version{}, fault.New(fault.Invalid, "Missing tarball: the publish has no archive").WithCode("no_tarball")
	}
	m := r.Upload.Manifest
	if m == nil {
		return Version{}, fault.New(fault.Invalid, "Could not determine package name/version: the archive has no build.zig.zon at the package's root; add one with .name, .version and .paths").WithCode("no_manifest")
	}
	if err := validVersion(m.Name, m.Version); err != nil {
		return Version{}, err
	}
	if err := agrees(*m, r.Upload.Text, r.Manifest); err != nil {
		return Version{}, err
	}
	description := strings.TrimSpace(r.Description)
	if err := validText("description", description, maxDescription); err != nil {
		return Version{}, err
	}
	v := Version{
		Name: m.Name, Version: m.Version, Description: description, Fingerprint: m.Fingerprint, MinimumZig: m.MinimumZig,
		Paths: m.Paths, Depends: m.Dependencies, Hash: r.Upload.Hash, Legacy: r.Upload.Legacy, Zig: r.Upload.Zig,
		Artifact: r.Upload.Artifact, Publisher: who.User(), Proof: who.Proof(), PublishedAt: s.now(),
	}
	if n := len(kv.JSON(versionKey(keyOf(v.Name), v.Version), v).Value); n > maxRow {
		return Version{}, fault.New(fault.TooLarge, "the .paths and .dependencies of %s %s are too large for this registry: they have %d bytes, at most %d are allowed; name folders instead of files in .paths", v.Name, v.Version, n, maxRow)
	}
	return v, nil
}

// agrees refuses a publish whose client sent another manifest than the archive has: it means another package than it sends.
func agrees(m zig.Manifest, text, sent []byte) error {
	if len(sent) == 0 || cutByCurl(text, sent) {
		return nil
	}
	beside, err := zig.ParseManifest(sent)
	if err != nil {
		return spool.Named("the manifest sent beside the archive", err)
	}
	for _, field := range []struct{ name, sent, packed string }{
		{"name", beside.Name, m.Name},
		{"version", beside.Version, m.Version},
		{"fingerprint", fingerprintText(beside), fingerprintText(m)},
	} {
		if field.sent != field.packed {
			return fault.New(fault.Invalid, "the manifest sent beside the archive has the %s %.120q, but build.zig.zon in the archive has %.120q; both must be the same, or send the archive alone", field.name, field.sent, field.packed).WithCode("manifest_mismatch")
		}
	}
	return nil
}

// cutByCurl reports whether sent is the beginning of the archive's manifest, up to a semicolon: in -F "manifest=$(cat build.zig.zon)"
// curl takes what follows one for an option of its own, and the comments of `zig init` have some.
func cutByCurl(text, sent []byte) bool {
	rest, ok := bytes.CutPrefix(text, bytes.TrimRight(sent, " \t\r\n"))
	return ok && bytes.HasPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(";"))
}

func fingerprintText(m zig.Manifest) string {
	if m.Fingerprint == 0 {
		return "none"
	}
	return fmt.Sprintf("%#x", m.Fingerprint)
}
