// Package archivepath knows which names of files an archive may have.
package archivepath

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxBytes = 1024
	maxDepth = 128 // folders above a file
)

// Rule says which rule a slash-separated relative name breaks; "" means that every system unpacks the name to the same
// place, inside the folder that it is unpacked into.
func Rule(name string) string {
	switch {
	case name == "":
		return "its name is empty"
	case len(name) > maxBytes:
		return "its name is longer than 1024 bytes"
	case !utf8.ValidString(name):
		return "its name is not UTF-8"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "its name has a NUL or another control character"
	case strings.Contains(name, `\`):
		return "its name has a backslash"
	case name[0] == '/':
		return "its name is absolute"
	case strings.Count(name, "/") >= maxDepth:
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
