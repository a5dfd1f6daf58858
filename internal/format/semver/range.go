package semver

import (
	"regexp"
	"slices"
	"strings"
)

// Range is a set of versions: alternatives ("||") of comparators that must all
// hold. The zero value contains nothing.
type Range struct {
	// node-semver reads a range anew for includePrerelease: lower bounds that it
	// fills in then start at the prereleases ("1.2" is ">=1.2.0-0").
	stable, pre [][]comparator
}

// comparator is a bound; op is one of "", "<", "<=", ">", ">=".
type comparator struct {
	op      string
	version Version
}

// ParseRange reads a range of node-semver's grammar in its strict mode:
// comparators, hyphen ranges, x-ranges, "~" and "^", joined by spaces and "||".
// The empty range is "*". The error is a *SyntaxError.
func ParseRange(s string) (Range, error) {
	var r Range
	var ok bool
	if r.stable, ok = compile(s, false); ok {
		r.pre, ok = compile(s, true)
	}
	if !ok {
		return Range{}, &SyntaxError{What: "range", Text: s}
	}
	return r, nil
}

// Contains reports whether v is in the range. Without includePrerelease a
// prerelease is only in it if a comparator of the matching alternative names a
// prerelease of the same major.minor.patch, which is how npm installs.
func (r Range) Contains(v Version, includePrerelease bool) bool {
	if includePrerelease {
		return slices.ContainsFunc(r.pre, func(set []comparator) bool { return all(set, v) })
	}
	return slices.ContainsFunc(r.stable, func(set []comparator) bool {
		return all(set, v) && (v.Prerelease == "" || invites(set, v))
	})
}

func all(set []comparator, v Version) bool {
	return !slices.ContainsFunc(set, func(c comparator) bool { return !c.contains(v) })
}

// invites reports whether a comparator names a prerelease of v's release.
func invites(set []comparator, v Version) bool {
	return slices.ContainsFunc(set, func(c comparator) bool {
		return c.version.Prerelease != "" && compareRelease(c.version, v) == 0
	})
}

func (c comparator) contains(v Version) bool {
	switch d := Compare(v, c.version); c.op {
	case "<":
		return d < 0
	case "<=":
		return d <= 0
	case ">":
		return d > 0
	case ">=":
		return d >= 0
	default:
		return d == 0
	}
}

// buildMetadata is cut out of a range wherever it stands.
var buildMetadata = regexp.MustCompile(`\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*`)

func compile(s string, includePrerelease bool) (sets [][]comparator, ok bool) {
	for alternative := range strings.SplitSeq(s, "||") {
		bounds, ok := compileSet(buildMetadata.ReplaceAllString(alternative, ""), includePrerelease)
		if !ok {
			return nil, false
		}
		set, ok := normalize(bounds, includePrerelease)
		if !ok {
			return nil, false
		}
		sets = append(sets, set)
	}
	// An alternative that is just "*" swallows the others, and with them what
	// they said about prereleases.
	if i := slices.IndexFunc(sets, func(set []comparator) bool { return len(set) == 0 }); i >= 0 {
		sets = sets[i : i+1]
	}
	return sets, true
}

func compileSet(s string, includePrerelease bool) (set []comparator, ok bool) {
	fields := strings.Fields(s)
	if len(fields) == 3 && fields[1] == "-" {
		return hyphen(fields[0], fields[2], includePrerelease)
	}
	for i := 0; i < len(fields); i++ {
		term := fields[i]
		if isOperator(term) && i+1 < len(fields) { // "> 1.2"
			if i++; isOperator(fields[i]) {
				return nil, false
			}
			term += fields[i]
		}
		bounds, ok := desugar(term, includePrerelease)
		if !ok {
			return nil, false
		}
		set = append(set, bounds...)
	}
	return set, true
}

func isOperator(s string) bool { return strings.Trim(s, "<>=~^") == "" }

// normalize refuses bounds beyond what a version may be, and drops those that
// every version meets.
func normalize(set []comparator, includePrerelease bool) ([]comparator, bool) {
	lowest := comparator{op: ">="}
	if includePrerelease {
		lowest.version.Prerelease = "0"
	}
	kept := set[:0]
	for _, c := range set {
		v := c.version
		if max(v.Major, v.Minor, v.Patch) > maxNumber || len(v.String()) > maxLength {
			return nil, false
		}
		if c != lowest {
			kept = append(kept, c)
		}
	}
	return kept, true
}
