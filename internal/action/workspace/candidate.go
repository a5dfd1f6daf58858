package workspace

import (
	"cmp"
	"strings"
)

// candidate is what patterns select from: a package of npm or of Zig.
type candidate struct {
	dir, name string
	member    *Member
	zig       *ZigPackage
	chosen    bool
	excluded  bool // by a pattern
}

func (w *Workspace) candidates() []candidate {
	all := make([]candidate, 0, len(w.Members)+len(w.Zig))
	for _, m := range w.Members {
		all = append(all, candidate{dir: m.Dir, name: m.Manifest.Name, member: m})
	}
	for _, z := range w.Zig {
		all = append(all, candidate{dir: z.Dir, name: z.Name(), zig: z})
	}
	return all
}

// byDefault reports whether the package is meant where it isn't named.
func (c candidate) byDefault(w *Workspace) bool {
	if c.member != nil {
		return w.publishable(c.member)
	}
	why, _ := c.zig.LeftOut()
	return why == ""
}

// ifNamed reports whether a pattern that matches the package means it; exact says that the pattern has no wildcard.
// A package of Zig that is part of another can be had by any pattern, one that is broken is told of by its own.
func (c candidate) ifNamed(exact bool) bool {
	if c.member != nil {
		return exact && !c.member.Manifest.Private
	}
	return exact || c.zig.unreadable == nil && c.zig.outside == ""
}

func (c candidate) check() error {
	if c.member != nil {
		return c.member.check()
	}
	return c.zig.check()
}

// whyNot tells why Zig packages are not published, for the end of an error.
func whyNot(all []candidate) string {
	var b strings.Builder
	const most = 5
	told := 0
	for _, c := range all {
		if c.zig == nil || told == most {
			continue
		}
		if why, _ := c.zig.LeftOut(); why != "" {
			b.WriteString("; " + cmp.Or(c.name, c.dir) + " is left out: " + why)
			told++
		}
	}
	return b.String()
}
