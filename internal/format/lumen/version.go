package lumen

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/semver"
)

// maxVersion leaves room in a file's name for what follows the version.
const maxVersion = 128 // bytes

// ValidVersion returns nil for a version as the client reads it: exactly three numbers without leading zeros, then a
// pre-release and build metadata. Refusals are fault.Invalid with the code "bad_version".
func ValidVersion(version string) error {
	if len(version) > maxVersion {
		return refuse("bad_version", "the version %.80q… has more than %d bytes; shorten it", version, maxVersion)
	}
	if _, err := parseVersion(version); err != nil {
		return refuse("bad_version", `%.80q is no version; Lumen's client reads exactly three numbers without leading zeros, such as "1.2.3" or "1.2.3-beta.1"`, version)
	}
	return nil
}

// parseVersion reads a version as the client does, whose numbers have 64 bits, those of a pre-release too.
func parseVersion(text string) (semver.Version, error) {
	v, err := semver.Parse(text)
	if err != nil {
		return v, err
	}
	for id := range strings.SplitSeq(v.Prerelease, ".") {
		if _, err := strconv.ParseUint(id, 10, 64); errors.Is(err, strconv.ErrRange) {
			return v, err
		}
	}
	return v, nil
}

// Prerelease reports whether a version is one that only those get who ask for it, such as "1.0.0-beta.1".
func Prerelease(version string) bool {
	v, err := semver.Parse(version)
	return err == nil && v.Prerelease != ""
}

// Compare orders versions by semver; build metadata breaks ties by text. What is no version comes first, by text.
func Compare(a, b string) int {
	v, errA := semver.Parse(a)
	w, errB := semver.Parse(b)
	switch {
	case errA == nil && errB == nil:
		return cmp.Or(semver.Compare(v, w), cmp.Compare(v.Build, w.Build))
	case errA == nil:
		return 1
	case errB == nil:
		return -1
	}
	return cmp.Compare(a, b)
}

// CheckNew returns nil if a version can stand beside those of its package that are there, and fault.Exists with the code
// "version_exists" if one of them differs from it in build metadata or in case only. The same version is one of these.
func CheckNew(name, version string, present []string) error {
	bare, _, _ := strings.Cut(version, "+")
	i := slices.IndexFunc(present, func(v string) bool {
		b, _, _ := strings.Cut(v, "+")
		return strings.EqualFold(b, bare)
	})
	switch {
	case i < 0:
		return nil
	case !strings.HasPrefix(present[i]+"+", bare+"+"):
		return fault.New(fault.Exists, "Version %s of %s differs from %s, which is there, in upper and lower case only: where file names don't tell these apart, one would take the other's place; give it another name, such as a further number", version, name, present[i]).WithCode("version_exists")
	}
	return fault.New(fault.Exists, "Version %s of %s differs from %s, which is there, in build metadata only: clients take them for the same; raise version in lumen.toml", version, name, present[i]).WithCode("version_exists")
}

// Latest is the highest stable version that is not yanked, else the highest pre-release that is not, else "".
func Latest(versions []string, yanked map[string]string) string {
	offered := slices.DeleteFunc(slices.Clone(versions), func(v string) bool {
		_, gone := yanked[v]
		return gone || ValidVersion(v) != nil
	})
	if len(offered) == 0 {
		return ""
	}
	return slices.MaxFunc(offered, func(a, b string) int {
		if p, q := Prerelease(a), Prerelease(b); p != q {
			if p {
				return -1
			}
			return 1
		}
		return Compare(a, b)
	})
}
