package manifest

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// text reads a string.
func (s *scanner) text() *syntaxError {
	for s.pos++; s.pos < len(s.src); s.pos++ {
		switch c := s.src[s.pos]; {
		case c == '"':
			s.pos++
			return nil
		case c < 0x20:
			return s.expected("the closing quote of the string")
		case c == '\\':
			s.pos++
			if err := s.escape(); err != nil {
				return err
			}
		}
	}
	return s.expected("the closing quote of the string")
}

// escape reads what follows a backslash and stops on its last byte.
func (s *scanner) escape() *syntaxError {
	c := s.peek()
	if c != 0 && bytes.IndexByte([]byte(`"\/bfnrt`), c) >= 0 {
		return nil
	}
	if c != 'u' {
		return s.expected(`an escape (one of "\/bfnrtu)`)
	}
	for range 4 {
		s.pos++
		if c := s.peek(); c == 0 || bytes.IndexByte([]byte("0123456789abcdefABCDEF"), c) < 0 {
			return s.expected("four hex digits")
		}
	}
	return nil
}

// number reads a number, which has no leading zeros or plus.
func (s *scanner) number() *syntaxError {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if err := s.digits(); err != nil {
		return err
	}
	if s.peek() == '.' {
		s.pos++
		if err := s.digits(); err != nil {
			return err
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		return s.digits()
	}
	return nil
}

func (s *scanner) digits() *syntaxError {
	if c := s.peek(); c < '0' || c > '9' {
		return s.expected("a digit")
	}
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	return nil
}

// unquote decodes a string that the scanner has accepted.
func unquote(raw []byte) string {
	if inner, ok := bytes.CutPrefix(raw, []byte{'"'}); ok && !bytes.ContainsRune(inner, '\\') && utf8.Valid(inner) {
		return string(inner[:len(inner)-1])
	}
	var s string
	_ = json.Unmarshal(raw, &s) // the scanner accepts no more than encoding/json
	return s
}
