package packument

import "github.com/org/registry-action/internal/fault"

// Pick returns the manifest of the version that a version or dist-tag names, a
// part of the text; fault.NotFound if there is none. A document that can't be read
// is fault.Upstream.
func Pick(text []byte, name, versionOrTag string) ([]byte, error) {
	p := &picker{s: &scanner{src: text}, want: versionOrTag}
	if err := p.run(name); err != nil {
		return nil, foreign(name, err)
	}
	if p.exact != nil {
		return p.exact, nil
	}
	if p.tag != "" && p.tag != p.asked { // the dist-tags come after the versions
		p.s, p.settled = &scanner{src: text}, true
		if err := p.run(name); err != nil {
			return nil, foreign(name, err)
		}
	}
	if p.tagged == nil {
		return nil, fault.New(fault.NotFound, "%.230s has no version or dist-tag %.80q", name, versionOrTag)
	}
	return p.tagged, nil
}

// picker looks for a version by its name and by a dist-tag.
type picker struct {
	s             *scanner
	want          string // a version or dist-tag
	tag           string // the version of the dist-tag, if there is one
	settled       bool   // tag is known
	asked         string // the tag's version for which the versions were searched
	exact, tagged []byte
}

func (p *picker) run(name string) error {
	s := p.s
	s.space()
	if s.peek() != '{' {
		return errNoObject
	}
	var named string
	for key := range s.members {
		switch string(key) {
		case "name":
			named, _ = textOf(s.raw())
		case "dist-tags":
			if !p.settled {
				p.findTag()
			}
		case "versions":
			p.versions()
		}
	}
	if err := s.end(); err != nil {
		return err
	}
	return checkName(named, name)
}

func (p *picker) findTag() {
	p.tag = ""
	for key := range p.s.members {
		if string(key) == p.want {
			p.tag, _ = textOf(p.s.raw())
		}
	}
}

func (p *picker) versions() {
	p.exact, p.tagged, p.asked = nil, nil, p.tag
	for key := range p.s.members {
		isExact, isTagged := string(key) == p.want, p.asked != "" && string(key) == p.asked
		if !isExact && !isTagged {
			continue
		}
		var manifest []byte
		if p.s.peek() == '{' {
			manifest = p.s.raw()
		}
		if isExact {
			p.exact = manifest
		}
		if isTagged {
			p.tagged = manifest
		}
	}
}
