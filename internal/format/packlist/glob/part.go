package glob

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// part matches one segment of a path.
type part struct {
	kind   kind
	text   string // the literal, folded if it has letters; for suffix and marks: the ending, folded
	length int    // for marks: UTF-16 code units
	expr   *expr
}

type kind int

const (
	literal   kind = iota
	globstar       // **
	anything       // *
	suffix         // *.ext
	marks          // ???.ext
	withDot        // *.*
	dotPrefix      // .*
	expression
)

// minimatch answers these shapes by a test of their own, which takes
// backslashes in the ending as they are.
var (
	anyShape       = regexp.MustCompile(`^\*+$`)
	suffixShape    = regexp.MustCompile(`^\*+([^+@!?*[(]*)$`)
	marksShape     = regexp.MustCompile(`^\?+([^+@!?*[(]*)$`)
	withDotShape   = regexp.MustCompile(`^\*+\.\*+$`)
	dotPrefixShape = regexp.MustCompile(`^\.\*+$`)
)

func compilePart(glob string) (part, error) {
	if glob == "**" {
		return part{kind: globstar}, nil
	}
	if !strings.ContainsAny(glob, `*?[\+@!`) {
		return part{kind: literal, text: fold(glob)}, nil
	}
	switch {
	case anyShape.MatchString(glob):
		return part{kind: anything}, nil
	case suffixShape.MatchString(glob):
		return part{kind: suffix, text: strings.ToLower(strings.TrimLeft(glob, "*"))}, nil
	case marksShape.MatchString(glob):
		ending := strings.TrimLeft(glob, "?")
		return part{kind: marks, text: strings.ToLower(ending), length: utf16Len(glob)}, nil
	case withDotShape.MatchString(glob):
		return part{kind: withDot}, nil
	case dotPrefixShape.MatchString(glob):
		return part{kind: dotPrefix}, nil
	}
	return compileExpression(glob)
}

func (p *part) match(segment string) bool {
	switch p.kind {
	case literal:
		return foldEqual(p.text, segment)
	case globstar:
		return true
	case anything:
		return segment != ""
	case suffix:
		return hasLowerSuffix(segment, p.text)
	case marks:
		return utf16Len(segment) == p.length && hasLowerSuffix(segment, p.text)
	case withDot:
		return strings.Contains(segment, ".")
	case dotPrefix:
		return strings.HasPrefix(segment, ".")
	default:
		return p.expr.match(segment)
	}
}

// matchesEmpty reports whether the part matches the empty segment.
func (p *part) matchesEmpty() bool { return p.match("") }

// hasLowerSuffix reports whether s, in lower case, ends in suffix.
func hasLowerSuffix(s, suffix string) bool {
	if len(suffix) > len(s) {
		return !isASCII(s) && strings.HasSuffix(strings.ToLower(s), suffix)
	}
	if !isASCII(s) {
		return strings.HasSuffix(strings.ToLower(s), suffix)
	}
	return asciiLowerEqual(s[len(s)-len(suffix):], suffix)
}

// asciiLowerEqual reports whether s, of the same length as lower, equals it in lower case.
func asciiLowerEqual(s, lower string) bool {
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// utf16Len is the length of s as JavaScript counts it.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}
