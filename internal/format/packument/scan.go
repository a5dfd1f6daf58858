package packument

import "fmt"

// maxDepth is how deep values may nest. Real packuments stay below 20.
const maxDepth = 1000

// scanner reads JSON text once from its start to its end, and accepts what
// encoding/json does. At the first error it moves to the end of the text and
// stays there, so that callers need not look at err before they are done.
type scanner struct {
	src   []byte
	pos   int
	depth int
	err   *syntaxError
}

// syntaxError says where a text is not JSON.
type syntaxError struct {
	offset int
	want   string
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("it is not JSON: byte %d should be %s", e.offset, e.want)
}

func (s *scanner) fail(want string) {
	if s.err == nil {
		s.err = &syntaxError{s.pos, want}
	}
	s.pos = len(s.src)
}

// end expects that nothing follows but spaces, and returns the first error.
func (s *scanner) end() error {
	if s.space(); s.pos < len(s.src) {
		s.fail("the end")
	}
	if s.err != nil {
		return s.err
	}
	return nil
}

// peek is the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

func (s *scanner) space() {
	for s.pos < len(s.src) {
		switch s.src[s.pos] {
		case ' ', '\n', '\t', '\r':
			s.pos++
		default:
			return
		}
	}
}

// take moves over c if it is next.
func (s *scanner) take(c byte) bool {
	if s.pos < len(s.src) && s.src[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// members walks the object at the scanner's position, for use by range: it
// yields each member's decoded key with the scanner at the value. A body reads
// the whole value, or nothing of it, and never breaks. A value that is no object has no
// members and is not read.
func (s *scanner) members(yield func(key []byte) bool) {
	if !s.open('{') {
		return
	}
	if s.space(); !s.take('}') {
		for s.err == nil {
			if s.space(); s.peek() != '"' {
				s.fail("a member's name")
				return
			}
			key := s.text()
			s.colon()
			at := s.pos
			if !yield(key) {
				return
			}
			if s.pos == at {
				s.skip()
			}
			if s.space(); !s.take(',') {
				break
			}
		}
		if !s.take('}') {
			s.fail(`"," or "}"`)
		}
	}
	s.depth--
}

// raw reads a value and returns its text.
func (s *scanner) raw() []byte {
	from := s.pos
	s.skip()
	return s.src[from:s.pos:s.pos]
}

// skip reads a value.
func (s *scanner) skip() {
	switch c := s.peek(); {
	case c == '"':
		s.str()
	case c == '{':
		s.skipObject()
	case c == '[':
		s.skipArray()
	case c == '-' || c >= '0' && c <= '9':
		s.number()
	case c == 't':
		s.word("true")
	case c == 'f':
		s.word("false")
	case c == 'n':
		s.word("null")
	default:
		s.fail("a value")
	}
}

// open enters an object or array if there is one.
func (s *scanner) open(c byte) bool {
	if !s.take(c) {
		return false
	}
	if s.depth++; s.depth > maxDepth {
		s.fail(fmt.Sprintf("nested at most %d values deep", maxDepth))
		return false
	}
	return true
}

func (s *scanner) colon() {
	if s.space(); !s.take(':') {
		s.fail(`":"`)
	}
	s.space()
}

func (s *scanner) skipObject() {
	if !s.open('{') {
		return
	}
	if s.space(); !s.take('}') {
		for {
			if s.space(); s.peek() != '"' {
				s.fail("a member's name")
				return
			}
			s.str()
			s.colon()
			s.skip()
			if s.space(); !s.take(',') {
				break
			}
		}
		if !s.take('}') {
			s.fail(`"," or "}"`)
		}
	}
	s.depth--
}

func (s *scanner) skipArray() {
	if !s.open('[') {
		return
	}
	if s.space(); !s.take(']') {
		for {
			s.space()
			s.skip()
			if s.space(); !s.take(',') {
				break
			}
		}
		if !s.take(']') {
			s.fail(`"," or "]"`)
		}
	}
	s.depth--
}

// elements walks the array at the scanner's position as members does an object.
func (s *scanner) elements(yield func() bool) {
	if !s.open('[') {
		return
	}
	if s.space(); !s.take(']') {
		for s.err == nil {
			s.space()
			at := s.pos
			if !yield() {
				return
			}
			if s.pos == at {
				s.skip()
			}
			if s.space(); !s.take(',') {
				break
			}
		}
		if !s.take(']') {
			s.fail(`"," or "]"`)
		}
	}
	s.depth--
}
