package zig

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// name is the text of an identifier, bare or in @"quotes".
func (r *zonReader) name(at, end int) (string, error) {
	if r.text[at] != '@' {
		return string(r.text[at:end]), nil
	}
	return r.unquote(at+1, end)
}

// unquote resolves the escapes of a string literal (std.zig.string_literal). What it says must be UTF-8, for it goes
// into JSON.
func (r *zonReader) unquote(at, end int) (string, error) {
	raw := r.text[at+1 : end-1]
	b := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			b = append(b, raw[i])
			i++
			continue
		}
		var size int
		if b, size = appendEscape(b, raw[i:]); size == 0 {
			return "", r.fail(at+1+i, `this escape is none of \n \r \t \\ \' \" \xNN \u{N}`)
		}
		i += size
	}
	if !utf8.Valid(b) {
		return "", r.fail(at, "this string is not UTF-8")
	}
	return string(b), nil
}

// appendEscape appends what the escape at the start of s stands for, and says how long it is; 0: it is none.
func appendEscape(b, s []byte) ([]byte, int) {
	if len(s) < 2 {
		return b, 0
	}
	switch c := s[1]; c {
	case 'n':
		return append(b, '\n'), 2
	case 'r':
		return append(b, '\r'), 2
	case 't':
		return append(b, '\t'), 2
	case '\\', '\'', '"':
		return append(b, c), 2
	case 'x':
		n, ok := parseHex(s[2:min(4, len(s))])
		if !ok || len(s) < 4 {
			return b, 0
		}
		return append(b, byte(n)), 4
	case 'u':
		digits, _, closed := bytes.Cut(s[2:], []byte{'}'})
		digits, open := bytes.CutPrefix(digits, []byte{'{'})
		n, ok := parseHex(digits)
		if !open || !closed || !ok || !utf8.ValidRune(rune(n)) {
			return b, 0
		}
		return utf8.AppendRune(b, rune(n)), len(`\u{}`) + len(digits)
	}
	return b, 0
}

// parseHex reads hex digits that are below 2³¹.
func parseHex(s []byte) (uint64, bool) {
	n, err := strconv.ParseUint(string(s), 16, 31)
	return n, err == nil
}

// parseUint reads an unsigned number as std.zig.parseNumberLiteral does: 10, 0x, 0o or 0b, single '_' between digits.
func parseUint(s string) (uint64, bool) {
	base, digits := 10, s
	if len(s) > 1 && s[0] == '0' {
		switch s[1] {
		case 'x':
			base = 16
		case 'o':
			base = 8
		case 'b':
			base = 2
		default:
			return 0, false // a leading zero
		}
		digits = s[2:]
	}
	if strings.HasPrefix(digits, "_") || strings.HasSuffix(digits, "_") || strings.Contains(digits, "__") {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.ReplaceAll(digits, "_", ""), base, 64)
	return n, err == nil
}
