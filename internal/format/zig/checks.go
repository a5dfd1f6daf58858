package zig

import (
	"math"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkPlaces refuses entries that take each other's place. Compilers unpack all before they look at .paths: what
// clashes outside .paths is excused, what lies below a link, even there, would be written wherever the link leads.
func checkPlaces(entries []Entry, only filter) error {
	places := make(map[string]Kind, len(entries))
	for _, e := range entries {
		_, twice := places[e.Name]
		if e.Kind == Other {
			if only.includes(e.Name) {
				return badPackage("%.200q is neither a file nor a symbolic link (a hard link, perhaps); no compiler unpacks it: "+
					"replace it by a file, or leave it out of .paths", e.Name)
			}
			continue
		}
		if twice && only.includes(e.Name) {
			return badPackage("the archive has %.200q twice, which no compiler unpacks; pack it again", e.Name)
		}
		if !twice {
			places[e.Name] = e.Kind
		}
	}
	for _, e := range entries {
		if e.Kind == Other {
			continue // is never unpacked
		}
		if err := checkAbove(e.Name, places, only); err != nil {
			return err
		}
	}
	return nil
}

// checkAbove refuses a name if a folder above it is no folder.
func checkAbove(name string, places map[string]Kind, only filter) error {
	for i := range len(name) {
		if name[i] != '/' {
			continue
		}
		kind, taken := places[name[:i]]
		switch {
		case taken && kind == Link:
			return badPackage("%.200q lies below the link %.200q, so it would be unpacked elsewhere; pack the package again", name, name[:i])
		case taken && (only.includes(name) || only.includes(name[:i])):
			return badPackage("%.200q lies below %.200q, which is a file; pack the package again", name, name[:i])
		}
	}
	return nil
}

// check refuses packages that no compiler can fetch, or that can't be right.
func (p *Package) check() error {
	if len(p.Files) == 0 {
		return badPackage("the package has no files: nothing in the archive is named by .paths of its %s", manifestName)
	}
	links := map[string]bool{}
	for _, e := range p.Files {
		if rule := nameRule(e.Name); rule != "" {
			return badPackage("the file %.200q can't be in a package: %s; rename it", e.Name, rule)
		}
		if e.Kind == Link {
			links[e.Name] = true
		}
	}
	for _, e := range p.Files {
		if e.Kind != Link {
			continue
		}
		if rule := linkRule(e, links); rule != "" {
			return badPackage("the link %.200q to %.200q can't be in a package: %s", e.Name, e.Link, rule)
		}
	}
	m := p.Manifest
	if m != nil && m.Fingerprint != 0 && !fingerprintFits(m.Fingerprint, m.Name) {
		id := m.ID()
		if id == 0 || id == math.MaxUint32 {
			return badPackage(".fingerprint 0x%x is invalid: its low half must be neither 0 nor 0xffffffff; delete the field and build, "+
				"and the compiler suggests one", m.Fingerprint)
		}
		return badPackage(".fingerprint 0x%x does not belong to the name %s: 0x%x would keep its id; for a package that is another's "+
			"fork under a new name, delete the field and build, and the compiler suggests a new one", m.Fingerprint, m.Name, SuggestFingerprint(m.Name, id))
	}
	return nil
}

// nameRule says which rule a name breaks.
func nameRule(name string) string {
	switch {
	case !utf8.ValidString(name):
		return "its name is not UTF-8, so not every system can store it"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "its name has a control character"
	}
	return ""
}

// linkRule says why a link might leave the package, on any system; a target that isn't there is fine.
func linkRule(e Entry, links map[string]bool) string {
	target := strings.ReplaceAll(e.Link, `\`, "/")
	switch {
	case target == "":
		return "it has no target"
	case nameRule(e.Link) != "":
		return "its target is not UTF-8 or has a control character"
	case strings.HasPrefix(target, "/"), len(target) > 1 && target[1] == ':' && isLetter(target[0]):
		return "its target is absolute; make it relative"
	}
	at, through := path.Dir(e.Name), false // a path, and whether it goes through another link
	for part := range strings.SplitSeq(target, "/") {
		switch part {
		case "", ".":
		case "..":
			if through {
				return "its target goes up from another link; write it without"
			}
			if at == "." {
				return "its target lies outside the package"
			}
			at = path.Dir(at)
		default:
			at = path.Join(at, part)
			through = through || links[at]
		}
	}
	return ""
}
