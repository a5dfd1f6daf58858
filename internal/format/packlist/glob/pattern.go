package glob

import (
	"fmt"
	"strings"
)

// MaxLength is the longest pattern that Compile takes, in bytes: minimatch's own limit.
const MaxLength = 64 << 10

// Pattern is a compiled pattern. It is safe for concurrent use.
type Pattern struct {
	negated  bool
	relative bool
	sets     []set
}

// Path is a path as its segments, so that a walk can match a path in all its
// forms without building strings.
type Path struct {
	Segments []string // at least one, none of them empty
	Trailing bool     // the path ends in a slash
}

// Compile compiles a pattern; leading exclamation marks negate it. A pattern
// that is too long, or that its braces expand to too many, is an error.
func Compile(text string) (*Pattern, error) {
	if len(text) > MaxLength {
		return nil, fmt.Errorf("a pattern of %d bytes is longer than the limit of %d", len(text), MaxLength)
	}
	body := strings.TrimLeft(text, "!")
	p := &Pattern{negated: (len(text)-len(body))%2 == 1}
	expanded, err := expandBraces(body)
	if err != nil {
		return nil, err
	}
	for _, glob := range expanded {
		segments := splitGlob(glob)
		short := 1
		if segments[len(segments)-1] == "" {
			short = 2
		}
		p.relative = p.relative || len(segments) <= short
		s, err := compileSet(segments)
		if err != nil {
			return nil, err
		}
		p.sets = append(p.sets, s)
	}
	return p, nil
}

// Negated reports whether the pattern has an odd number of leading exclamation marks.
func (p *Pattern) Negated() bool { return p.negated }

// Relative reports whether an alternative of the pattern names one segment only
// ("x" or "x/"). ignore-walk matches such a pattern against a folder's name
// alone, too.
func (p *Pattern) Relative() bool { return p.relative }

// Match reports whether the pattern matches a path, written with a leading
// slash or without. Negation is not applied. A partial match is one that more
// segments could complete.
func (p *Pattern) Match(path Path, partial bool) bool {
	for i := range p.sets {
		if p.sets[i].match(path, partial) {
			return true
		}
	}
	return false
}

// splitGlob splits a pattern at its slashes, joins neighbouring "**" and
// resolves "..", as minimatch's first level of optimisation does.
func splitGlob(glob string) []string {
	var parts []string
	pieces := strings.Split(glob, "/")
	for i, piece := range pieces {
		if piece == "" && i > 0 && i < len(pieces)-1 {
			continue
		}
		prev := ""
		if len(parts) > 0 {
			prev = parts[len(parts)-1]
		}
		switch {
		case piece == "**" && prev == "**":
		case piece == ".." && prev != "" && prev != ".." && prev != "." && prev != "**":
			parts = parts[:len(parts)-1]
		default:
			parts = append(parts, piece)
		}
	}
	if len(parts) == 0 {
		return []string{""}
	}
	return parts
}
