package zig

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Snippet is the ZON of a dependency, to be pasted between the braces of `.dependencies = .{ … }`: what every compiler
// reads, whatever bytes the arguments have.
func Snippet(key, url, hash string) string {
	return fmt.Sprintf(".%s = .{\n    .url = %s,\n    .hash = %s,\n},", quoteName(key), quote(url), quote(hash))
}

// quoteName writes an identifier, in @"quotes" if some compiler wants them.
func quoteName(s string) string {
	if isBare(s, oldest) {
		return s
	}
	return "@" + quote(s)
}

// quote writes a string literal. Bytes that some compiler refuses are escaped: control characters, what is no UTF-8, and
// Unicode's line separators.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); {
		c, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(s[i])
		case unicode.IsControl(c) || c == '\u2028' || c == '\u2029' || c == utf8.RuneError && size == 1:
			for _, x := range []byte(s[i : i+size]) {
				fmt.Fprintf(&b, `\x%02x`, x)
			}
		default:
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	b.WriteByte('"')
	return b.String()
}
