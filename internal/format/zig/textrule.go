package zig

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// textFindings are what keeps some compilers from reading a text that others read.
func (r *zonReader) textFindings() (found []finding) {
	add := func(stops func(int) bool, format string, args ...any) {
		found = append(found, finding{"manifest_text", fmt.Sprintf(format, args...), stops})
	}
	if r.tabs {
		add(from(14), "a comment or a multiline string of %s has a tab in it, which Zig 0.14 and later refuse; use spaces", manifestName)
	}
	if !utf8.Valid(r.text) {
		add(until(13), "a comment or a string of %s is not UTF-8, which Zig 0.13 and before refuse", manifestName)
	}
	for _, c := range []rune{'\u0085', '\u2028', '\u2029'} {
		if bytes.ContainsRune(r.text, c) {
			add(until(13), "a comment or a string of %s has the line separator %U in it, which Zig 0.13 and before refuse", manifestName, c)
		}
	}
	if r.former {
		add(until(14), "%s has async, await or usingnamespace as a name, a keyword to Zig 0.14 and before; a key can be quoted, as in .@\"async\"", manifestName)
	}
	return found
}
