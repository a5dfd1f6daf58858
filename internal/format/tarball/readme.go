package tarball

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	gypName        = "binding.gyp"
	shrinkwrapName = "npm-shrinkwrap.json"

	maxReadme = 64 << 10 // bytes; npm's registry keeps as much
)

var (
	readme   = regexp.MustCompile(`(?i)^readme(\..*)?$`)
	markdown = regexp.MustCompile(`(?i)\.m?a?r?k?d?o?w?n?$`) // npm's own pattern
)

// readmeRank orders the READMEs of a package: npm shows Markdown rather than one
// without an extension, and that rather than any other. 0 is none.
func readmeRank(name string) int {
	switch {
	case !readme.MatchString(name):
		return 0
	case strings.EqualFold(name, "readme.md"):
		return 4
	case markdown.MatchString(name):
		return 3
	case !strings.Contains(name, "."):
		return 2
	}
	return 1
}

// wholeRunes cuts off the start of a character whose end is missing.
func wholeRunes(b []byte) []byte {
	for i := len(b) - 1; i >= max(0, len(b)-utf8.UTFMax); i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return b[:i]
			}
			return b
		}
	}
	return b
}
