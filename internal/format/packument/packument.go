package packument

import (
	"encoding/json"

	"github.com/org/registry-action/internal/format/signature"
)

// The media types of the two forms.
const (
	FullType        = "application/json"
	AbbreviatedType = "application/vnd.npm.install-v1+json"
)

// Form is one of the two forms of a packument.
type Form int

// The forms.
const (
	Full Form = iota
	Abbreviated
)

// Packument describes a package. What Parse reads are parts of its text.
type Packument struct {
	Name        string
	Rev         string            // "_rev"; changes with every write
	DistTags    map[string]string // tag -> version
	Versions    []Version         // in the order they are shown
	Time        map[string]string // "created", "modified" and each version -> ISO 8601, as written
	Maintainers []Person
	Readme      string
	Users       map[string]bool // who starred it
	Other       Object          // everything else

	otherTimes Object // of "time", what is no string: "unpublished"
}

// Person is a maintainer or publisher. In JSON it is an object, or, where it is
// read, also a text "name <email> (url)".
type Person struct {
	Name  string
	Email string
	Other Object // npm puts trustedPublisher here, a person "url"
}

// Version is the manifest of one version with what a registry adds to it. Known
// members whose values have another type than here stay in Manifest and Other.
type Version struct {
	Name, Version string
	Manifest      Object // all other members of the manifest, in order; of ours normalised, see FromArchive
	Dist          Dist
	Deprecated    string // the message; empty: not deprecated
	InstallScript bool   // "hasInstallScript"; where it is missing, what the scripts say
	Shrinkwrap    bool   // "_hasShrinkwrap"
	Publisher     *Person
	Maintainers   []Person
}

// Dist says where and what the tarball is.
type Dist struct {
	Tarball      string // URL
	Shasum       string // SHA-1, hex
	Integrity    string // SHA-512, SRI; old versions have none
	FileCount    int
	UnpackedSize int64 // bytes
	Signatures   []signature.Signature
	Attestations json.RawMessage // {"url", "provenance": {"predicateType"}}
	Other        Object          // everything else
}

// Find returns the version that a version or dist-tag names.
func (p *Packument) Find(versionOrTag string) (Version, bool) {
	for _, want := range []string{versionOrTag, p.DistTags[versionOrTag]} {
		for i := range p.Versions {
			if want != "" && p.Versions[i].Version == want {
				return p.Versions[i], true
			}
		}
	}
	return Version{}, false
}
