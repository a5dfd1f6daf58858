package semver

import "strings"

// partial is a version of which the tail may be missing or "x".
type partial struct {
	major, minor, patch component
	prerelease          string
	hasPrefix           bool // it began with "=" or with more than one "v"
}

// component is a number or a wildcard ("x", "X", "*" or nothing).
type component struct {
	n    uint64
	wild bool
}

// desugar turns one term, an operator and a partial version, into plain bounds;
// "*" has none.
func desugar(term string, includePrerelease bool) ([]comparator, bool) {
	op, rest := cutOperator(term)
	p, ok := parsePartial(rest)
	if !ok {
		return nil, false
	}
	switch op {
	case "^":
		return p.caret(includePrerelease), true
	case "~", "~>":
		return p.tilde(includePrerelease), true
	}
	if p.major.wild && !(p.minor.wild && p.patch.wild) || p.minor.wild && !p.patch.wild {
		return nil, false // "1.x.3"
	}
	if !p.patch.wild {
		if p.hasPrefix {
			return nil, false // "==1.2.3"
		}
		return []comparator{{op: strings.TrimPrefix(op, "="), version: p.version()}}, true
	}
	return p.xrange(op, includePrerelease), true
}

// cutOperator splits a term behind its longest operator.
func cutOperator(term string) (op, rest string) {
	for _, op := range []string{"~>", ">=", "<=", "^", "~", ">", "<", "="} {
		if rest, ok := strings.CutPrefix(term, op); ok {
			return op, rest
		}
	}
	return "", term
}

func parsePartial(s string) (p partial, ok bool) {
	core := strings.TrimLeft(s, "v=")
	prefix := s[:len(s)-len(core)]
	p.hasPrefix = prefix != "" && prefix != "v"
	core, pre, hasPre := strings.Cut(core, "-")
	parts := strings.Split(core, ".")
	if len(parts) > 3 || hasPre && (len(parts) < 3 || !validIdentifiers(pre, true)) {
		return p, false
	}
	p.major, p.minor, p.patch = component{wild: true}, component{wild: true}, component{wild: true}
	for i, c := range []*component{&p.major, &p.minor, &p.patch}[:len(parts)] {
		switch parts[i] {
		case "x", "X", "*":
			continue
		}
		if c.n, ok = parseNumber(parts[i]); !ok {
			return p, false
		}
		c.wild = false
	}
	p.prerelease = pre
	return p, true
}

func (p partial) version() Version {
	return Version{Major: p.major.n, Minor: p.minor.n, Patch: p.patch.n, Prerelease: p.prerelease}
}

// floor is the lowest version that p's numbers allow, wildcards being zero.
func (p partial) floor(includePrerelease bool) Version {
	v := Version{Major: p.major.n}
	if !p.minor.wild {
		v.Minor = p.minor.n
	}
	if includePrerelease {
		v.Prerelease = "0"
	}
	return v
}

// xrange is a comparator or nothing before a version with a wildcard: "1.2",
// ">1.x", "*".
func (p partial) xrange(op string, includePrerelease bool) []comparator {
	if p.major.wild {
		if op == ">" || op == "<" {
			return none()
		}
		return nil
	}
	low, high := p.floor(includePrerelease), p.next()
	switch op {
	case ">":
		high.Prerelease = low.Prerelease
		return []comparator{{op: ">=", version: high}}
	case ">=":
		return []comparator{{op: ">=", version: low}}
	case "<":
		low.Prerelease = "0"
		return []comparator{{op: "<", version: low}}
	case "<=":
		return []comparator{{op: "<", version: high}}
	}
	return between(low, high)
}

// next is the first version above an x-range, its prereleases excluded too.
func (p partial) next() Version {
	if p.minor.wild {
		return Version{Major: p.major.n + 1, Prerelease: "0"}
	}
	return Version{Major: p.major.n, Minor: p.minor.n + 1, Prerelease: "0"}
}

// tilde allows what changes below the minor number, or below the major one
// where that is all there is.
func (p partial) tilde(includePrerelease bool) []comparator {
	switch {
	case p.major.wild:
		return nil
	case p.minor.wild || p.patch.wild:
		return between(p.floor(includePrerelease), p.next())
	}
	return between(p.version(), p.next())
}

// caret allows what doesn't change the leftmost number that isn't zero.
func (p partial) caret(includePrerelease bool) []comparator {
	low, high := p.version(), Version{Major: p.major.n + 1, Prerelease: "0"}
	switch {
	case p.major.wild:
		return nil
	case p.minor.wild || p.patch.wild:
		low = p.floor(includePrerelease)
	}
	if p.major.n == 0 && !p.minor.wild {
		high = Version{Minor: p.minor.n + 1, Prerelease: "0"}
		if p.minor.n == 0 && !p.patch.wild {
			high = Version{Patch: p.patch.n + 1, Prerelease: "0"}
		}
	}
	return between(low, high)
}

// hyphen is "from - to", both ends included.
func hyphen(from, to string, includePrerelease bool) ([]comparator, bool) {
	f, okFrom := parsePartial(from)
	t, okTo := parsePartial(to)
	if !okFrom || !okTo || f.hasPrefix && !f.patch.wild || t.hasPrefix && !t.patch.wild {
		return nil, false
	}
	var set []comparator
	switch {
	case f.major.wild:
	case f.minor.wild || f.patch.wild:
		set = append(set, comparator{op: ">=", version: f.floor(includePrerelease)})
	default:
		v := f.version()
		if includePrerelease && v.Prerelease == "" {
			v.Prerelease = "0"
		}
		set = append(set, comparator{op: ">=", version: v})
	}
	switch {
	case t.major.wild:
	case t.minor.wild || t.patch.wild:
		set = append(set, comparator{op: "<", version: t.next()})
	case includePrerelease && t.prerelease == "":
		set = append(set, comparator{op: "<", version: Version{t.major.n, t.minor.n, t.patch.n + 1, "0", ""}})
	default:
		set = append(set, comparator{op: "<=", version: t.version()})
	}
	return set, true
}

func between(low, high Version) []comparator {
	return []comparator{{op: ">=", version: low}, {op: "<", version: high}}
}

// none is node-semver's empty set: nothing is lower than the lowest version.
func none() []comparator { return []comparator{{op: "<", version: Version{Prerelease: "0"}}} }
