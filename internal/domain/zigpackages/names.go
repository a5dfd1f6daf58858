package zigpackages

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/semver"
)

// The bounds of names and texts.
const (
	maxName        = 64  // bytes; from Zig 0.14 on it is 32, which a warning tells
	maxVersion     = 128 // bytes; the same
	maxDescription = 2000
	maxReason      = 500
)

// keyOf is what the spellings of a name have in common.
func keyOf(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "-") }

// isName tells what can be the name of a package here: it stands in URLs, file names and storage keys.
// zig.ParseManifest reads no other names.
func isName(name string) bool {
	return name != "" && len(name) <= maxName && !strings.ContainsFunc(name, notInName) && name[0] != '.' && name[0] != '-'
}

func notInName(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.')
}

// isVersion tells what can be a version here.
func isVersion(version string) bool {
	_, err := semver.Parse(version)
	return err == nil && len(version) <= maxVersion
}

func validVersion(name, version string) error {
	if isVersion(version) {
		return nil
	}
	return fault.New(fault.Invalid, "%s has the version %.80q, which can't be published here: versions are written 1.2.3 or 1.2.3-beta.1, with numbers below 2^53 and at most %d bytes; change .version in build.zig.zon", name, version, maxVersion).WithCode("invalid_version")
}

// validText checks a text that people wrote.
func validText(what, text string, limit int) error {
	n := utf8.RuneCountInString(text)
	switch {
	case n > limit:
		return fault.New(fault.Invalid, "the %s has %d characters, at most %d are allowed; shorten it", what, n, limit).WithCode("text_too_long")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, isHidden):
		return fault.New(fault.Invalid, "the %s holds control characters, or is not UTF-8; send plain text", what).WithCode("invalid_text")
	}
	return nil
}

func isHidden(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\n\r\t", r) }
