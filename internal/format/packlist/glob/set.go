package glob

import "slices"

// set is one of the patterns that a pattern's braces expand to.
type set struct {
	parts []part
	// whole and prefix are the pattern cut at its "**", for full and for partial
	// matches; nil without a "**".
	whole, prefix *stars
	// lead and bare say which forms of a path can match at all: the one with a
	// leading slash and the one without.
	lead, bare bool
	// anyDepth: "x" or "**/x", which only the last segment decides.
	anyDepth bool
}

func compileSet(segments []string) (set, error) {
	s := set{parts: make([]part, len(segments)), lead: true, bare: true}
	for i, segment := range segments {
		var err error
		if s.parts[i], err = compilePart(segment); err != nil {
			return set{}, err
		}
	}
	switch first := s.parts[0]; {
	case first.kind == globstar:
		// The "**" takes the leading slash's empty segment if nothing else can.
		s.bare = slices.ContainsFunc(s.parts, func(p part) bool {
			return p.kind != globstar && p.matchesEmpty()
		})
	case first.kind == literal && first.text == "":
		s.bare = false
	default:
		s.lead = first.matchesEmpty()
	}
	s.whole, s.prefix = cutStars(s.parts)
	s.anyDepth = len(s.parts) == 1 || len(s.parts) == 2 && s.parts[0].kind == globstar && !s.parts[1].matchesEmpty()
	return s, nil
}

func (s *set) match(path Path, partial bool) bool {
	if s.anyDepth {
		return partial && len(s.parts) > 1 || s.parts[len(s.parts)-1].match(path.Segments[len(path.Segments)-1])
	}
	f := file{segments: path.Segments, tail: path.Trailing}
	if s.bare && s.matchFile(f, partial) {
		return true
	}
	f.head = true
	return s.lead && s.matchFile(f, partial)
}

func (s *set) matchFile(f file, partial bool) bool {
	switch {
	case s.whole == nil:
		return f.matchSpan(0, f.len(), s.parts, partial)
	case partial:
		return s.prefix.match(f, true)
	default:
		return s.whole.match(f, false)
	}
}

// file is a path with the empty segments that slashes make at its ends.
type file struct {
	head, tail bool
	segments   []string
}

func (f file) len() int {
	n := len(f.segments)
	if f.head {
		n++
	}
	if f.tail {
		n++
	}
	return n
}

func (f file) at(i int) string {
	if f.head {
		i--
	}
	if i < 0 || i == len(f.segments) {
		return ""
	}
	return f.segments[i]
}

// matchSpan matches parts against the segments from start to end. A trailing
// slash may be left over. The cheap question, their number, comes first.
func (f file) matchSpan(start, end int, parts []part, partial bool) bool {
	end = min(end, f.len())
	n := min(max(end-start, 0), len(parts))
	rest := end - start - n
	if n < len(parts) && !partial || rest > 1 || rest == 1 && f.at(end-1) != "" {
		return false
	}
	for i := range n {
		if !parts[i].match(f.at(start + i)) {
			return false
		}
	}
	return true
}
