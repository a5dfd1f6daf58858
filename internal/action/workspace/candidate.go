package workspace

import (
	"cmp"
	"strings"
)

// candidate is what patterns select from: a package of npm or of a Kind.
type candidate struct {
	dir, name string
	member    *Member
	other     *Package // not npm's
	chosen    bool
	excluded  bool // by a pattern
}

func (w *Workspace) candidates() []candidate {
	all := make([]candidate, 0, len(w.Members)+len(w.Packages))
	for _, m := range w.Members {
		all = append(all, candidate{dir: m.Dir, name: m.Manifest.Name, member: m})
	}
	for _, p := range w.Packages {
		all = append(all, candidate{dir: p.Dir, name: p.Name, other: p})
	}
	return all
}

// byDefault reports whether the package is meant where it isn't named.
func (c candidate) byDefault(w *Workspace) bool {
	if c.member != nil {
		return w.publishable(c.member)
	}
	why, _ := c.other.LeftOut()
	return why == ""
}

// ifNamed reports whether a pattern that matches the package means it; exact says that the pattern has no wildcard.
// One that is part of another can be had by any pattern, one that can't be published is told of by its own.
func (c candidate) ifNamed(exact bool) bool {
	if c.member != nil {
		return exact && !c.member.Manifest.Private
	}
	return exact || c.other.refusal == nil
}

// allOfKind reports whether a pattern means all packages of the candidate's Kind, as it does in a token's patterns.
func (c candidate) allOfKind(pattern string) bool {
	return c.other != nil && pattern == c.other.Kind.Prefix()+"*"
}

func (c candidate) check() error {
	if c.member != nil {
		return c.member.check()
	}
	return c.other.refusal
}

// whyNot tells why packages of a Kind are not published, for the end of an error.
func whyNot(all []candidate) string {
	var b strings.Builder
	const most = 5
	told := 0
	for _, c := range all {
		if c.other == nil || told == most {
			continue
		}
		if why, _ := c.other.LeftOut(); why != "" {
			b.WriteString("; " + cmp.Or(c.name, c.dir) + " is left out: " + why)
			told++
		}
	}
	return b.String()
}
