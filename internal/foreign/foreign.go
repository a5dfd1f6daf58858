// Package foreign is what the readers of other registries' folders share: the
// releases they find, and a door to a folder that nothing in it can lead out of.
//
// What such a folder says is not believed: names and versions are checked before
// a path is made of them, and the server checks each archive as in any publish.
package foreign

import (
	"cmp"
	"slices"
	"time"

	"github.com/org/registry-action/internal/format/semver"
)

// Package is a package of another registry.
type Package struct {
	Name     string
	Versions []Version // in the order in which they are to be imported
	Problem  error     // why nothing of it can be read
}

// Version is a version of a Package.
type Version struct {
	Version     string
	Tags        []string // dist-tags that point at it
	PublishedAt time.Time
	Deprecated  string
	Yanked      *string // the reason; nil: it is not
	Publisher   string
	File        string // its tarball, below the folder

	// What the folder says the tarball is; each may be empty.
	Checksum  string // "sha256:<hex>"
	Integrity string // "sha512-<base64>"
	Shasum    string // SHA-1 in hex

	Problem error  // why it can't be imported
	Hint    string // what explains a refusal of its tarball, if there is one
}

// Sort puts versions in the order of their publish, those of one moment by semver.
func Sort(versions []Version) {
	slices.SortStableFunc(versions, func(a, b Version) int {
		return cmp.Or(a.PublishedAt.Compare(b.PublishedAt), compare(a.Version, b.Version))
	})
}

// compare orders versions, those that are none first.
func compare(a, b string) int {
	v, errA := semver.Parse(a)
	w, errB := semver.Parse(b)
	if errA != nil || errB != nil {
		return cmp.Or(boolInt(errA == nil)-boolInt(errB == nil), cmp.Compare(a, b))
	}
	return semver.Compare(v, w)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TagsOf lists the dist-tags that point at each version, in order.
func TagsOf(distTags map[string]string) map[string][]string {
	of := map[string][]string{}
	for tag, version := range distTags {
		of[version] = append(of[version], tag)
	}
	for _, tags := range of {
		slices.Sort(tags)
	}
	return of
}
