package tarball

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	manifestName = "package.json"
	topFolder    = "package/"

	maxPathBytes = 1024
	maxPathDepth = 128
)

// pathRule says which rule a slash-separated relative name breaks; the empty
// string means that every system extracts the name to the same place, inside
// the folder it is extracted to.
func pathRule(name string) string {
	switch {
	case name == "":
		return "its name is empty"
	case len(name) > maxPathBytes:
		return "its name is longer than 1024 bytes"
	case !utf8.ValidString(name):
		return "its name is not UTF-8"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "its name has a NUL or another control character"
	case strings.Contains(name, `\`):
		return "its name has a backslash"
	case name[0] == '/':
		return "its name is absolute"
	case strings.Count(name, "/") >= maxPathDepth:
		return "it lies more than 128 folders deep"
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "":
			return "its name has an empty part"
		case part == "." || part == "..":
			return `its name has a part "` + part + `"`
		case len(part) > 1 && part[1] == ':' && isLetter(part[0]):
			return "its name has a drive letter"
		}
	}
	return ""
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// nearManifest reports whether a case-insensitive file system takes name,
// relative to the package's folder, for package.json.
func nearManifest(name string) bool { return strings.EqualFold(name, manifestName) }
