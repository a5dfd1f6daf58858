package packument

import (
	"encoding/binary"
	"math/bits"
)

func (s *scanner) word(w string) {
	if len(s.src)-s.pos < len(w) || string(s.src[s.pos:s.pos+len(w)]) != w {
		s.fail("a value")
		return
	}
	s.pos += len(w)
}

// number reads a number, which has no leading zeros or plus.
func (s *scanner) number() {
	s.take('-')
	if !s.take('0') {
		s.digits()
	}
	if s.take('.') {
		s.digits()
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		s.digits()
	}
}

func (s *scanner) digits() {
	from := s.pos
	for s.pos < len(s.src) && s.src[s.pos]-'0' <= 9 {
		s.pos++
	}
	if s.pos == from {
		s.fail("a digit")
	}
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// special marks the bytes of a word that are a quote, a backslash or a control
// character. Only the lowest mark counts: those above it may be wrong.
func special(word uint64) uint64 {
	quote, backslash := word^('"'*ones), word^('\\'*ones)
	return ((quote-ones)&^quote)&highs |
		((backslash-ones)&^backslash)&highs |
		((word-' '*ones)&^word)&highs
}

// str reads a string. It is plain if its text is its value: ASCII without escapes.
func (s *scanner) str() (plain bool) {
	s.pos++
	var seen uint64
	plain = true
	for s.err == nil {
		for len(s.src)-s.pos >= 8 {
			word := binary.LittleEndian.Uint64(s.src[s.pos:])
			marks := special(word)
			if marks == 0 {
				seen |= word
				s.pos += 8
				continue
			}
			n := bits.TrailingZeros64(marks) &^ 7
			seen |= word & (1<<n - 1)
			s.pos += n / 8
			break
		}
		switch c := s.peek(); {
		case c == '"':
			s.pos++
			return plain && seen&highs == 0
		case c == '\\':
			plain = false
			s.escape()
		case c < ' ':
			s.fail("a character of a string, or its closing quote")
		default:
			seen |= uint64(c)
			s.pos++
		}
	}
	return false
}

// escape reads an escape sequence.
func (s *scanner) escape() {
	s.pos++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
	case 'u':
		s.pos++
		for range 4 {
			if c := s.peek() | 0x20; c-'0' > 9 && c-'a' > 5 || s.peek() < '0' {
				s.fail("a hex digit")
				return
			}
			s.pos++
		}
	default:
		s.fail(`an escape, one of "\/bfnrtu`)
	}
}
