package lumen

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/format/semver"
)

const (
	maxConstraint = 256 // bytes

	operators = "^~<>=!"
)

// Constraint is what a dependency asks for, in the client's grammar: "1.2.3" and "=1.2.3" are exact, "^1.2.3",
// "~1.2.3", ">", ">=", "<", "<=", "!=", "*", "1.x", "1.2.*"; a space is AND, "||" is OR. The zero Constraint matches nothing.
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

// ParseConstraint reads a constraint; what the client can't parse (two numbers, commas, names) is fault.Invalid
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
		rest = strings.TrimLeft(rest, " ")
		end := strings.IndexAny(rest, " "+operators)
		if end < 0 {
			end = len(rest)
		}
		c, rule := parseComparator(op, rest[:end])
		if rule != "" {
			return nil, rule
		}
		alt = append(alt, c)
		text = strings.TrimLeft(rest[end:], " ")
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
	v, err := semver.Parse(text)
	if err == nil {
		return comparator{op: cmp.Or(op, "="), version: v}, ""
	}
	if numbers := strings.Split(text, "."); len(numbers) < 3 && isNumber(numbers[0]) && isNumber(numbers[len(numbers)-1]) {
		full := text + strings.Repeat(".0", 3-len(numbers))
		return c, "a version has exactly three numbers; write " + strconv.Quote(op+full)
	}
	return c, strconv.Quote(text) + ` is no version; write one such as "^1.2.3", "1.2.x" or "*"`
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

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil
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
