package zigpackages

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/format/semver"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/format/zig"
)

// Principal is the caller of a write. Names of Zig packages have "zig:" in front of them here, so that a token's
// patterns tell them from npm's. They are spelled as the caller does; to the patterns all spellings must be alike.
type Principal interface {
	fmt.Stringer
	User() string                 // "" is anonymous
	IsAdmin() bool                // may do everything
	MayRelease(name string) error // nil if it may write to this package at all
	Granted(name string) bool     // may write to it whoever owns it
	Proof() *provenance.Proof     // of the CI run that it is; nil for others
}

// Artifact is the bytes of a version: the canonical tar.gz.
type Artifact struct {
	Whole tarball.Part `json:"whole"`
	digest.Sums
	Size     int64 `json:"size"`     // bytes
	Unpacked int64 `json:"unpacked"` // bytes
	Files    int   `json:"files"`
}

// Release is a version to publish. The archive decides its name, version and all that its manifest says.
type Release struct {
	Upload      *Upload
	Manifest    []byte // a build.zig.zon that the client sent beside the archive; must say the same as the archive's
	Description string // at most 2,000 characters
}

// Published is what a publish led to.
type Published struct {
	Version   Version
	Warnings  []zig.Warning
	Unchanged bool // the version was there with this content
	First     bool // of the name
}

// Version is a published version, and the row that keeps it.
type Version struct {
	Name        string           `json:"name"` // as its manifest has it
	Version     string           `json:"version"`
	Description string           `json:"description,omitempty"`
	Fingerprint uint64           `json:"fingerprint,omitempty"`
	MinimumZig  string           `json:"minimumZigVersion,omitempty"`
	Paths       []string         `json:"paths,omitempty"`
	Depends     []zig.Dependency `json:"dependencies,omitempty"`
	Hash        string           `json:"hash"`       // name-version-…; "" if no Zig from 0.14 on can use the package
	Legacy      string           `json:"legacyHash"` // 1220…
	Zig         []string         `json:"zig"`        // compilers that can fetch it
	Artifact    Artifact         `json:"artifact"`
	Publisher   string           `json:"publisher"`
	// Proof is of the CI run that published it; nil if a token that was stored did.
	Proof       *provenance.Proof `json:"proof,omitempty"`
	PublishedAt time.Time         `json:"publishedAt"`
	Yanked      bool              `json:"yanked,omitempty"`
	YankReason  string            `json:"yankReason,omitempty"`
}

// id is the half of the fingerprint that must not change.
func (v Version) id() uint32 { return zig.Manifest{Fingerprint: v.Fingerprint}.ID() }

// compare orders versions by semver; of equal ones the later is the higher.
func (v Version) compare(w Version) int {
	a, _ := semver.Parse(v.Version) // what is published was checked
	b, _ := semver.Parse(w.Version)
	return cmp.Or(semver.Compare(a, b), v.PublishedAt.Compare(w.PublishedAt), strings.Compare(v.Version, w.Version))
}

// rank is how well a version does as the latest.
func (v Version) rank() int {
	sv, _ := semver.Parse(v.Version)
	switch {
	case v.Yanked:
		return 0
	case sv.Prerelease != "":
		return 1
	}
	return 2
}

// latestOf is Package.Latest of some versions, at least one.
func latestOf(versions []Version) Version {
	return slices.MaxFunc(versions, func(v, w Version) int { return cmp.Or(cmp.Compare(v.rank(), w.rank()), v.compare(w)) })
}

// Package is a package with all its versions.
type Package struct {
	Name     string    // as its latest version has it
	ID       uint32    // of its fingerprint; 0 if no version has one
	Versions []Version // by semver, lowest first; at least one
	Owners   []string
	Created  time.Time
	Modified time.Time
}

// Latest is the highest release that is not yanked, else the highest pre-release that is not, else the highest of all.
func (p Package) Latest() Version { return latestOf(p.Versions) }

// Summary is a package in a list.
type Summary struct {
	Name        string    `json:"name"`
	Version     string    `json:"version"` // latest
	Description string    `json:"description,omitempty"`
	Publisher   string    `json:"publisher,omitempty"`
	Date        time.Time `json:"date"` // of latest
}

// Content is an open archive. The caller closes it.
type Content struct {
	io.ReadSeekCloser
	Size int64 // bytes
}
