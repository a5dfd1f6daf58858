package glob

import (
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// expr matches a segment with classes, extglobs or wildcards amid text. It
// follows all ways to match at once: a step maps the set of positions reached
// to the set reached after it.
type expr struct {
	steps   []step
	unicode bool // has a class that needs code points; else UTF-16 code units
}

type step struct {
	op    op
	char  rune
	class *class
	alts  [][]step
}

type op int

const (
	opChar op = iota
	opAny
	opStar     // any run of characters
	opStarSome // any run but the empty one
	opClass
	opNever
	opOne       // @( )
	opOptional  // ?( )
	opRepeat    // *( )
	opRepeat1   // +( )
	opNot       // !( ) with what follows it in each alternative
	opNotNobody // !( ) with nothing in it
)

// maxUnits is the longest segment an expression is matched against. File
// systems end at 255.
const maxUnits = 319

// positions is a set of positions in a segment.
type positions [(maxUnits + 1) / 64]uint64

func (p *positions) add(i int)      { p[i/64] |= 1 << (i % 64) }
func (p *positions) has(i int) bool { return p[i/64]&(1<<(i%64)) != 0 }

func (p *positions) union(q positions) (grew bool) {
	for i := range p {
		grew = grew || q[i]&^p[i] != 0
		p[i] |= q[i]
	}
	return grew
}

// least is the smallest position, or -1.
func (p *positions) least() int {
	for i, word := range p {
		if word != 0 {
			return i*64 + bits.TrailingZeros64(word)
		}
	}
	return -1
}

func (e *expr) match(segment string) bool {
	if !e.mayStart(segment) {
		return false
	}
	var buffer [maxUnits]rune
	units, ok := e.units(buffer[:0], segment)
	if !ok {
		return false
	}
	var start positions
	start.add(0)
	end := follow(e.steps, units, start)
	return end.has(len(units))
}

// mayStart tells most segments apart by their first byte, before they are
// taken to pieces.
func (e *expr) mayStart(segment string) bool {
	if len(e.steps) == 0 || e.steps[0].op != opChar || segment == "" || segment[0] >= utf8.RuneSelf {
		return true
	}
	return e.steps[0].char == e.fold(rune(segment[0]))
}

// units are the segment's characters, folded.
func (e *expr) units(buffer []rune, segment string) (units []rune, ok bool) {
	if len(segment) > maxUnits && utf16Len(segment) > maxUnits {
		return nil, false
	}
	for _, r := range segment {
		if r > 0xFFFF && !e.unicode {
			hi, lo := utf16.EncodeRune(r)
			buffer = append(buffer, hi, lo)
			continue
		}
		buffer = append(buffer, e.fold(r))
	}
	return buffer, true
}

func (e *expr) fold(r rune) rune {
	if e.unicode {
		return foldRuneUnicode(r)
	}
	return foldRune(r)
}

func follow(steps []step, units []rune, at positions) positions {
	for i := range steps {
		if at.least() < 0 {
			break
		}
		at = steps[i].follow(units, at)
	}
	return at
}

func (s *step) follow(units []rune, at positions) positions {
	switch s.op {
	case opChar, opAny, opClass:
		return s.advance(units, at)
	case opStar:
		return from(at.least(), len(units))
	case opStarSome, opNotNobody:
		return from(at.least()+1, len(units))
	case opOne:
		return s.alternatives(units, at)
	case opOptional:
		out := s.alternatives(units, at)
		out.union(at)
		return out
	case opRepeat:
		return s.repeat(units, at)
	case opRepeat1:
		return s.repeat(units, s.alternatives(units, at))
	case opNot:
		return s.not(units, at)
	default:
		return positions{}
	}
}

func (s *step) advance(units []rune, at positions) positions {
	var out positions
	for i, u := range units {
		if at.has(i) && (s.op == opAny || s.op == opChar && u == s.char || s.op == opClass && s.class.has(u)) {
			out.add(i + 1)
		}
	}
	return out
}

func from(least, end int) positions {
	var out positions
	for i := least; i <= end; i++ {
		out.add(i)
	}
	return out
}

func (s *step) alternatives(units []rune, at positions) positions {
	var out positions
	for _, alt := range s.alts {
		out.union(follow(alt, units, at))
	}
	return out
}

func (s *step) repeat(units []rune, at positions) positions {
	for at.union(s.alternatives(units, at)) {
	}
	return at
}

// not goes on from each position where no alternative reaches the end.
func (s *step) not(units []rune, at positions) positions {
	for i := range len(units) + 1 {
		if !at.has(i) {
			continue
		}
		var here positions
		here.add(i)
		if out := s.alternatives(units, here); !out.has(len(units)) {
			return from(i, len(units))
		}
	}
	return positions{}
}
