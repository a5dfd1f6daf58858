package manifest

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// maxDepth is how deep values may nest, as in encoding/json.
const maxDepth = 10000

// syntaxError says what a JSON text should have had at an offset.
type syntaxError struct {
	offset   int
	expected string
}

// describe renders the error with what stands at its offset.
func (e *syntaxError) describe(src []byte) string {
	if e.offset >= len(src) {
		return fmt.Sprintf("expected %s, found the end of the file", e.expected)
	}
	r, _ := utf8.DecodeRune(src[e.offset:])
	return fmt.Sprintf("expected %s, found %q", e.expected, r)
}

// position turns an offset into a line and a column, both from 1, the column in characters.
func position(src []byte, offset int) (line, column int) {
	before := src[:min(offset, len(src))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte{'\n'}) + 1, utf8.RuneCount(before[start:]) + 1
}

// scanner reads RFC 8259 JSON into a tree that remembers its text.
type scanner struct {
	src   []byte
	pos   int
	depth int
}

// scan reads a whole text.
func scan(src []byte) (*value, *syntaxError) {
	s := &scanner{src: src}
	s.space()
	v, err := s.value()
	if err != nil {
		return nil, err
	}
	s.space()
	if s.pos < len(src) {
		return nil, s.expected("the end of the file")
	}
	return v, nil
}

func (s *scanner) expected(what string) *syntaxError { return &syntaxError{s.pos, what} }

func (s *scanner) space() {
	for s.pos < len(s.src) && isSpace(s.src[s.pos]) {
		s.pos++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// peek is the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

func (s *scanner) value() (v *value, err *syntaxError) {
	if s.depth++; s.depth > maxDepth {
		return nil, s.expected(fmt.Sprintf("at most %d nested values", maxDepth))
	}
	v = &value{offset: s.pos}
	switch c := s.peek(); {
	case c == '{':
		v.kind = objectKind
		v.object, err = s.object()
	case c == '[':
		v.kind = arrayKind
		v.elements, err = s.array()
	case c == '"':
		v.kind = stringKind
		err = s.text()
	case c == '-' || c >= '0' && c <= '9':
		v.kind = numberKind
		err = s.number()
	default:
		v.kind, err = s.literal()
	}
	s.depth--
	v.raw = s.src[v.offset:s.pos]
	return v, err
}

func (s *scanner) literal() (kind, *syntaxError) {
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(s.src[s.pos:], []byte(word)) {
			s.pos += len(word)
			if word == "null" {
				return nullKind, nil
			}
			return boolKind, nil
		}
	}
	return nullKind, s.expected("a value")
}

func (s *scanner) object() (*object, *syntaxError) {
	o := &object{}
	s.pos++
	for gap := s.pos; ; gap = s.pos {
		if len(o.members) > 0 {
			s.space()
			if s.peek() == '}' {
				break
			}
			if s.peek() != ',' {
				return nil, s.expected(`"," or "}" after the member`)
			}
			s.pos++
		}
		s.space()
		if len(o.members) == 0 && s.peek() == '}' {
			o.tail = s.src[gap:s.pos]
			s.pos++
			return o, nil
		}
		m, err := s.member(gap)
		if err != nil {
			return nil, err
		}
		o.members = append(o.members, m)
	}
	o.tail = s.src[o.members[len(o.members)-1].end:s.pos]
	s.pos++
	return o, nil
}

// member reads a name, a colon and a value; gap is where the text before it began.
func (s *scanner) member(gap int) (*member, *syntaxError) {
	if s.peek() != '"' {
		return nil, s.expected("a member name in double quotes")
	}
	m := &member{gap: s.src[gap:s.pos]}
	start := s.pos
	if err := s.text(); err != nil {
		return nil, err
	}
	m.name = s.src[start:s.pos]
	m.key = unquote(m.name)
	start = s.pos
	s.space()
	if s.peek() != ':' {
		return nil, s.expected(`":" after the member name`)
	}
	s.pos++
	s.space()
	m.colon = s.src[start:s.pos]
	var err *syntaxError
	m.value, err = s.value()
	m.end = s.pos
	return m, err
}

func (s *scanner) array() (elements []*value, err *syntaxError) {
	s.pos++
	s.space()
	if s.peek() == ']' {
		s.pos++
		return nil, nil
	}
	for {
		e, err := s.value()
		if err != nil {
			return nil, err
		}
		elements = append(elements, e)
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
			s.space()
		case ']':
			s.pos++
			return elements, nil
		default:
			return nil, s.expected(`"," or "]" after the element`)
		}
	}
}
