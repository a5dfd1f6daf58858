package packument

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// text reads the string at the scanner's position and returns its value, which
// may be a part of the source.
func (s *scanner) text() []byte {
	from := s.pos
	plain := s.str()
	if s.err != nil {
		return nil
	}
	raw := s.src[from:s.pos]
	if plain {
		return raw[1 : len(raw)-1 : len(raw)-1]
	}
	return unquote(raw)
}

// unquote decodes the text of a string that the scanner has accepted.
func unquote(raw []byte) []byte {
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return inner
	}
	var s string
	_ = json.Unmarshal(raw, &s) // the scanner accepts no more than encoding/json
	return []byte(s)
}

// textOf is the value of a member that is a string.
func textOf(raw []byte) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	return string(unquote(raw)), true
}

const hexDigits = "0123456789abcdef"

// appendText appends a string as JSON. Unlike encoding/json's default it leaves
// <, > and & as they are.
func appendText[T []byte | string](b []byte, s T) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			if r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))])); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		b = append(b, s[from:i]...)
		b = appendEscape(b, c)
		i++
		from = i
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

// appendEscape writes a byte that can't stand in a string as it is.
func appendEscape(b []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(b, '\\', c)
	case c == '\n':
		return append(b, `\n`...)
	case c == '\r':
		return append(b, `\r`...)
	case c == '\t':
		return append(b, `\t`...)
	case c >= utf8.RuneSelf: // not UTF-8
		return append(b, `\ufffd`...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
