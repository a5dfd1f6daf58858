package packument

import "github.com/org/registry-action/internal/fault"

// foreign says that another registry's document can't be read.
func foreign(name string, err error) error {
	return fault.New(fault.Upstream, "upstream's packument of %.230q can't be read: %v", name, err)
}

// walk reads a packument once. It calls begin for "versions", of which the last
// counts, and version for every member of it, with the scanner at its value.
func walk(text []byte, name string, begin func(), version func(s *scanner, version []byte)) error {
	s := &scanner{src: text}
	s.space()
	if s.peek() != '{' {
		return foreign(name, errNoObject)
	}
	var named string
	for key := range s.members {
		switch string(key) {
		case "name":
			named, _ = textOf(s.raw())
		case "versions":
			begin()
			for key := range s.members {
				version(s, key)
			}
		}
	}
	err := s.end()
	if err == nil {
		err = checkName(named, name)
	}
	if err != nil {
		return foreign(name, err)
	}
	return nil
}

// Retarget returns a packument (of either form) of the package whose every
// dist.tarball is TarballURL(registry, …); nothing else changes, and a version
// without one gets none. A document that is not one, or not of this name, is
// fault.Upstream.
func Retarget(text []byte, name, registry string) ([]byte, error) {
	target := newTarget(registry, name)
	out := make([]byte, 0, len(text)+len(text)/8)
	copied := 0
	err := walk(text, name, func() {}, func(s *scanner, version []byte) {
		for key := range s.members {
			if string(key) != "dist" {
				continue
			}
			for key := range s.members {
				if string(key) != "tarball" || s.peek() != '"' {
					continue
				}
				from := s.pos
				s.str()
				if s.pos-from > len(`""`) {
					out = append(out, text[copied:from]...)
					out = target.append(out, version)
					copied = s.pos
				}
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return append(out, text[copied:]...), nil
}

// Ref is where another registry keeps the tarball of a version.
type Ref struct {
	Version   string
	Tarball   string // URL, as written
	Integrity string // may be empty
	Shasum    string // may be empty
}

// Refs lists the tarballs of a packument, in its order. Versions without one are
// left out.
func Refs(text []byte, name string) ([]Ref, error) {
	var all table[Ref]
	err := walk(text, name, func() { all = table[Ref]{} }, func(s *scanner, version []byte) {
		r := Ref{Version: string(version)}
		for key := range s.members {
			if string(key) == "dist" {
				r.Tarball, r.Integrity, r.Shasum = "", "", ""
				s.ref(&r)
			}
		}
		all.put(r.Version, r)
	})
	if err != nil {
		return nil, err
	}
	refs := all.items[:0]
	for _, r := range all.items {
		if r.Tarball != "" {
			refs = append(refs, r)
		}
	}
	return refs, nil
}

func (s *scanner) ref(r *Ref) {
	for key := range s.members {
		switch string(key) {
		case "tarball":
			r.Tarball, _ = textOf(s.raw())
		case "integrity":
			r.Integrity, _ = textOf(s.raw())
		case "shasum":
			r.Shasum, _ = textOf(s.raw())
		}
	}
}
