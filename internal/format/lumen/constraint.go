package lumen

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/format/semver"
)

const (
	maxConstraint = 256 // bytes

	operators = "^~<>=!"
)

// Constraint is what a dependency asks for, in the grammar of the client since 0.6: "1.2.3" and "=1.2.3" are exact, "^1.2.3",
// "~1.2.3", ">", ">=", "<", "<=", "!=", "*", "1.x", "1.2.*"; a space is AND, "||" is OR. But behind "!=" a version may lack
// its last numbers: "1.2" is "1.2.x", "^1" all of 1. The zero Constraint matches nothing.
type Constraint struct {
	any []alternative
}

// alternative is what stands between two "||"; all of it must match.
type alternative []comparator

type comparator struct {
	op           string // one of the operators, "=" for a bare version; "*" for a wildcard
	version      semver.Version
	major, minor *uint64 // of a wildcard; nil: any
}

// ParseConstraint reads a constraint; what the client can't parse (commas, hyphen ranges, names) is fault.Invalid
// with the code "bad_constraint" and the way to write it.
func ParseConstraint(text string) (Constraint, error) {
	if len(text) > maxConstraint {
		return Constraint{}, refuse("bad_constraint", "the constraint %.80q… has more than %d bytes; shorten it", text, maxConstraint)
	}
	var c Constraint
	for part := range strings.SplitSeq(text, "||") {
		alt, rule := parseAlternative(strings.TrimSpace(part))
		if rule != "" {
			return Constraint{}, refuse("bad_constraint", "Lumen's client can't read the constraint %q: %s", text, rule)
		}
		c.any = append(c.any, alt)
	}
	return c, nil
}

func parseAlternative(text string) (alt alternative, rule string) {
	if text == "" {
		return nil, `it is empty, or one side of a "||" is; write "*" for any version`
	}
	if strings.Contains(text, ",") {
		return nil, `conditions stand side by side with a space, not a comma; write ">=1.0.0 <2.0.0"`
	}
	for text != "" {
		rest := strings.TrimLeft(text, operators)
		op := text[:len(text)-len(rest)]
		if op == "" && len(alt) > 0 {
			return nil, `every condition but the first begins with an operator; write ">=1.0.0 <2.0.0", or "1.0.0 || 2.0.0"`
		}
		rest = strings.TrimSpace(rest)
		end := strings.IndexAny(rest, " "+operators)
		if end < 0 {
			end = len(rest)
		}
		c, rule := parseComparator(op, strings.TrimSpace(rest[:end]))
		if rule != "" {
			return nil, rule
		}
		alt = append(alt, c)
		text = strings.TrimSpace(rest[end:])
	}
	return alt, ""
}

func parseComparator(op, text string) (c comparator, rule string) {
	if !slices.Contains([]string{"", "=", "^", "~", ">", ">=", "<", "<=", "!="}, op) {
		return c, strconv.Quote(op) + ` is no operator; there are ^ ~ > >= < <= = and !=`
	}
	if op == "" {
		if c, ok := parseWildcard(text); ok {
			return c, ""
		}
	}
	v, err := parseVersion(text)
	if err == nil {
		return comparator{op: cmp.Or(op, "="), version: v}, ""
	}
	if major, minor, ok := parsePartial(text); ok {
		if op == "!=" {
			full := text + strings.Repeat(".0", 2-strings.Count(text, "."))
			return c, `behind "!=" a version has exactly three numbers; write ` + strconv.Quote(op+full)
		}
		return partial(op, major, minor), ""
	}
	return c, strconv.Quote(text) + ` is no version; write one such as "^1.2.3", "1.2.x" or "*"`
}

// parsePartial reads "1" and "1.2"; minor is nil in the first.
func parsePartial(text string) (major uint64, minor *uint64, ok bool) {
	first, second, both := strings.Cut(text, ".")
	major, ok = parseNumber(first)
	if ok && both {
		var n uint64
		n, ok = parseNumber(second)
		minor = &n
	}
	return major, minor, ok
}

// parseNumber reads a number that another can follow.
func parseNumber(s string) (uint64, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && n < math.MaxUint64
}

// partial is an operator before a version that lacks its last numbers.
func partial(op string, major uint64, minor *uint64) comparator {
	line := comparator{op: "*", major: &major, minor: minor}
	low, next := semver.Version{Major: major}, semver.Version{Major: major + 1}
	if minor != nil {
		low.Minor = *minor
		next = semver.Version{Major: major, Minor: *minor + 1}
	}
	switch {
	case op == "" || op == "=" || op == "~" && minor == nil || op == "^" && minor == nil && major == 0:
		return line
	case op == ">":
		return comparator{op: ">=", version: next}
	case op == "<=":
		return comparator{op: "<", version: next}
	}
	return comparator{op: op, version: low}
}

// parseWildcard reads "*", "1.x" and "1.2.x"; 'X' and '*' stand for 'x'.
func parseWildcard(text string) (c comparator, ok bool) {
	parts := strings.Split(text, ".")
	last := len(parts) - 1
	if last > 2 || !slices.Contains([]string{"*", "x", "X"}, parts[last]) {
		return c, false
	}
	c.op = "*"
	for i, p := range []**uint64{&c.major, &c.minor}[:last] {
		n, err := strconv.ParseUint(parts[i], 10, 64)
		if err != nil {
			return c, false
		}
		*p = &n
	}
	return c, true
}

// Match reports whether a version satisfies the constraint as the client decides it: a pre-release is matched by "*" and by
// a bare comparison, by the others only if they name a pre-release themselves. Build metadata counts in exact matches only.
func (c Constraint) Match(version string) bool {
	v, err := semver.Parse(version)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(c.any, func(a alternative) bool { return a.match(v) })
}

func (a alternative) match(v semver.Version) bool {
	if a.isRange() && v.Prerelease != "" && a[0].version.Prerelease == "" && a[1].version.Prerelease == "" {
		return false
	}
	for _, c := range a {
		if !c.match(v) {
			return false
		}
	}
	return true
}

// isRange reports whether the alternative is a lower and an upper bound and nothing else.
func (a alternative) isRange() bool {
	return len(a) == 2 && (a[0].op[0] == '>' && a[1].op[0] == '<' || a[0].op[0] == '<' && a[1].op[0] == '>')
}

func (c comparator) match(v semver.Version) bool {
	w := c.version
	switch c.op {
	case "=":
		return v == w
	case "!=":
		return v != w
	case ">":
		return semver.Compare(v, w) > 0
	case ">=":
		return semver.Compare(v, w) >= 0
	case "<":
		return semver.Compare(v, w) < 0
	case "<=":
		return semver.Compare(v, w) <= 0
	case "*":
		return c.matchWildcard(v)
	}
	if v.Prerelease != "" && w.Prerelease == "" || v.Major != w.Major {
		return false
	}
	switch {
	case c.op == "^" && w.Major > 0:
		return semver.Compare(v, w) >= 0
	case c.op == "~" || w.Minor > 0: // the client leaves pre-releases out of these comparisons
		return v.Minor == w.Minor && v.Patch >= w.Patch
	}
	return v.Minor == 0 && v.Patch == w.Patch
}

func (c comparator) matchWildcard(v semver.Version) bool {
	if c.major == nil {
		return true
	}
	return v.Prerelease == "" && v.Major == *c.major && (c.minor == nil || v.Minor == *c.minor)
}
