// Package semver is node-semver, the dialect of Semantic Versioning that npm
// speaks: versions, their order, and ranges such as "^1.2.3 || 2.x".
//
// It follows node-semver 7.8 in its strict mode, prerelease rule and
// includePrerelease option included; the tests compare it with the copy that
// npm itself ships.
package semver

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// The bounds of node-semver.
const (
	maxLength = 256       // characters of a version
	maxNumber = 1<<53 - 1 // JavaScript's largest safe integer
)

// Version is a semantic version. Versions that differ only in Build are equal
// for Compare, but not for ==.
type Version struct {
	Major, Minor, Patch uint64
	Prerelease          string // dot-separated, without the hyphen; empty for a release
	Build               string // dot-separated, without the plus
}

// SyntaxError says that a text is no version or no range.
type SyntaxError struct {
	What string // "version" or "range"
	Text string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%.80q is not a semantic %s", e.Text, e.What)
}

// Parse reads a version as semver.org 2.0.0 writes it: no leading "v", no
// spaces, at most 256 characters. The error is a *SyntaxError.
func Parse(s string) (Version, error) {
	v, ok := parseVersion(s)
	if !ok {
		return Version{}, &SyntaxError{What: "version", Text: s}
	}
	return v, nil
}

// Clean reads a version as npm reads the `version` of a package.json
// (node-semver's clean): spaces around it, leading "=" and "v" are forgiven,
// and the build metadata is dropped.
func Clean(s string) (Version, error) {
	t := strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(s), "=v"))
	v, ok := parseVersion(strings.TrimPrefix(t, "v"))
	if !ok {
		return Version{}, &SyntaxError{What: "version", Text: s}
	}
	v.Build = ""
	return v, nil
}

// String gives the version back as it was parsed.
func (v Version) String() string {
	b := strconv.AppendUint(nil, v.Major, 10)
	b = strconv.AppendUint(append(b, '.'), v.Minor, 10)
	b = strconv.AppendUint(append(b, '.'), v.Patch, 10)
	if v.Prerelease != "" {
		b = append(append(b, '-'), v.Prerelease...)
	}
	if v.Build != "" {
		b = append(append(b, '+'), v.Build...)
	}
	return string(b)
}

// Compare orders versions by precedence: -1, 0 or +1. Build metadata is ignored.
func Compare(v, w Version) int {
	return cmp.Or(compareRelease(v, w), comparePrerelease(v.Prerelease, w.Prerelease))
}

func compareRelease(v, w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor), cmp.Compare(v.Patch, w.Patch))
}

// comparePrerelease orders dot-separated identifiers; none at all is the highest.
func comparePrerelease(a, b string) int {
	if a == "" || b == "" {
		return cmp.Compare(len(b), len(a))
	}
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if c := compareIdentifier(x, y); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// compareIdentifier orders numbers by value and before everything else, the
// rest by its bytes. Numbers have no leading zeros, so the longer is the larger.
func compareIdentifier(x, y string) int {
	switch xn, yn := isDigits(x), isDigits(y); {
	case xn && yn:
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
	case xn:
		return -1
	case yn:
		return 1
	}
	return cmp.Compare(x, y)
}

func parseVersion(s string) (v Version, ok bool) {
	if len(s) > maxLength {
		return v, false
	}
	rest, build, hasBuild := strings.Cut(s, "+")
	core, pre, hasPre := strings.Cut(rest, "-")
	if hasBuild && !validIdentifiers(build, false) || hasPre && !validIdentifiers(pre, true) {
		return v, false
	}
	v.Prerelease, v.Build = pre, build
	parts := strings.Split(core, ".")
	if len(parts) != 3 {
		return v, false
	}
	for i, p := range []*uint64{&v.Major, &v.Minor, &v.Patch} {
		if *p, ok = parseNumber(parts[i]); !ok || *p > maxNumber {
			return v, false
		}
	}
	return v, true
}

// parseNumber reads a number without leading zeros. A value beyond maxNumber
// comes back as some value beyond it.
func parseNumber(s string) (n uint64, ok bool) {
	if !isDigits(s) || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	if len(s) > len("9007199254740991") {
		return maxNumber + 1, true
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

// validIdentifiers checks the dot-separated identifiers of a prerelease, where
// numbers have no leading zeros, or of build metadata.
func validIdentifiers(s string, prerelease bool) bool {
	for id := range strings.SplitSeq(s, ".") {
		if id == "" || prerelease && len(id) > 1 && id[0] == '0' && isDigits(id) {
			return false
		}
		for i := range len(id) {
			if !isIdentifierByte(id[i]) {
				return false
			}
		}
	}
	return true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func isIdentifierByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-'
}
