package glob

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// class is a bracket expression.
type class struct {
	ranges  []runeRange
	tables  []func(rune) bool // POSIX classes
	outside []func(rune) bool // POSIX classes that stand for what they lack
	negated bool
	unicode bool // a POSIX class needs code points and Unicode's folding
	never   bool // no character matches, whatever follows
}

type runeRange struct{ lo, hi rune }

// posixClass is a POSIX class as minimatch translates it. Its [:print:] is what
// it is there, not what it should be.
func posixClass(name string) (has func(rune) bool, unicode, outside, ok bool) {
	in := func(tables ...string) func(rune) bool { return func(r rune) bool { return inTables(r, tables) } }
	switch name {
	case "alnum":
		return in("L", "Nl", "Nd"), true, false, true
	case "alpha":
		return in("L", "Nl"), true, false, true
	case "ascii":
		return func(r rune) bool { return r < utf8.RuneSelf }, false, false, true
	case "blank":
		return func(r rune) bool { return r == '\t' || inTables(r, []string{"Zs"}) }, true, false, true
	case "cntrl":
		return in("Cc"), true, false, true
	case "digit":
		return in("Nd"), true, false, true
	case "graph":
		return in("Z", "C"), true, true, true
	case "lower":
		return in("Ll"), true, false, true
	case "print":
		return in("C"), true, false, true
	case "punct":
		return in("P"), true, false, true
	case "space":
		return func(r rune) bool { return r >= '\t' && r <= '\r' || inTables(r, []string{"Z"}) }, true, false, true
	case "upper":
		return in("Lu"), true, false, true
	case "word":
		return in("L", "Nl", "Nd", "Pc"), true, false, true
	case "xdigit":
		return func(r rune) bool { return strings.ContainsRune("0123456789abcdefABCDEF", r) }, false, false, true
	}
	return nil, false, false, false
}

func inTables(r rune, names []string) bool {
	for _, name := range names {
		if unicode.Is(unicode.Categories[name], r) {
			return true
		}
	}
	return false
}

// classReader reads a bracket expression, character by character.
type classReader struct {
	class
	start    rune // of a range whose end is to come, or 0
	escaping bool
	any      bool // read something
}

// parseClass parses the bracket expression that glob starts with. It returns
// the number of bytes it takes, 0 if it is none after all.
func parseClass(glob string) (c class, size int) {
	r := classReader{}
	i := 1
	if i < len(glob) && (glob[i] == '!' || glob[i] == '^') {
		r.negated = true
		i++
	}
	for i < len(glob) {
		if glob[i] == ']' && r.any && !r.escaping {
			if len(r.ranges)+len(r.tables)+len(r.outside) == 0 {
				return class{never: true}, len(glob)
			}
			return r.class, i + 1
		}
		r.any = true
		if glob[i] == '\\' && !r.escaping {
			r.escaping = true
			i++
			continue
		}
		if n := r.posix(glob[i:]); n > 0 {
			if r.never {
				return class{never: true}, len(glob)
			}
			i += n
			continue
		}
		i += r.char(glob[i:])
	}
	return class{}, 0
}

// posix reads a POSIX class. As the end of a range it spoils the expression.
func (r *classReader) posix(s string) int {
	name, ok := strings.CutPrefix(s, "[:")
	if !ok || r.escaping {
		return 0
	}
	name, _, ok = strings.Cut(name, ":]")
	if !ok {
		return 0
	}
	has, needsUnicode, outside, ok := posixClass(name)
	if !ok {
		return 0
	}
	r.never = r.start != 0
	r.unicode = r.unicode || needsUnicode
	if outside {
		r.outside = append(r.outside, has)
	} else {
		r.tables = append(r.tables, has)
	}
	return len(name) + len("[::]")
}

// char reads a character or one end of a range. A range that runs backwards is dropped.
func (r *classReader) char(s string) int {
	c, size := utf8.DecodeRuneInString(s)
	r.escaping = false
	switch rest := s[size:]; {
	case r.start != 0:
		if c >= r.start {
			r.ranges = append(r.ranges, runeRange{r.start, c})
		}
		r.start = 0
	case strings.HasPrefix(rest, "-]"):
		r.ranges = append(r.ranges, runeRange{c, c}, runeRange{'-', '-'})
		return size + 1
	case strings.HasPrefix(rest, "-"):
		r.start = c
		return size + 1
	default:
		r.ranges = append(r.ranges, runeRange{c, c})
	}
	return size
}

// step is the class as a step. Without code points a character beyond the BMP
// is its two code units.
func (c class) step(codePoints bool) step {
	if c.never {
		return step{op: opNever}
	}
	c.unicode = codePoints
	if !codePoints {
		var units []runeRange
		for _, r := range c.ranges {
			if r.hi <= 0xFFFF {
				units = append(units, r)
				continue
			}
			for _, u := range utf16.Encode([]rune{r.lo, r.hi}) {
				units = append(units, runeRange{rune(u), rune(u)})
			}
		}
		c.ranges = units
	}
	return step{op: opClass, class: &c}
}

// has reports whether the class has a character that folds to r.
func (c *class) has(r rune) bool {
	in := c.member(r)
	for f := unicode.SimpleFold(r); f != r && !in; f = unicode.SimpleFold(f) {
		same := foldRune(f) == r
		if c.unicode {
			same = foldRuneUnicode(f) == r
		}
		in = same && c.member(f)
	}
	return in != c.negated
}

func (c *class) member(r rune) bool {
	for _, x := range c.ranges {
		if x.lo <= r && r <= x.hi {
			return true
		}
	}
	for _, has := range c.tables {
		if has(r) {
			return true
		}
	}
	for _, has := range c.outside {
		if !has(r) {
			return true
		}
	}
	return false
}
