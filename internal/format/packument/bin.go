package packument

import (
	"path"
	"strings"
)

// normalizeBin makes "bin" an object of names without folders and paths that
// stay inside the package.
func (o *Object) normalizeBin(name string) {
	o.change("bin", func(raw []byte) []byte { return binObject(name, raw) })
}

// binObject reads a "bin": an object, a list of paths, or the path of the one
// program that is called like the package. It is nil if nothing is left of it.
func binObject(name string, raw []byte) []byte {
	var bins table[Member]
	add := func(key string, value []byte) {
		target, ok := textOf(value)
		base, target := path.Base(insidePath(key)), insidePath(target)
		if ok && base != "." && target != "" {
			bins.put(base, Member{base, appendText(nil, target)})
		}
	}
	switch {
	case len(raw) == 0:
	case raw[0] == '{':
		for _, m := range members(raw) {
			add(m.Key, m.Value)
		}
	case raw[0] == '[':
		s := &scanner{src: raw}
		for range s.elements {
			value := s.raw()
			target, _ := textOf(value)
			add(target, value)
		}
	default:
		add(name, raw)
	}
	if len(bins.items) == 0 {
		return nil
	}
	return Object(bins.items).encoded()
}

// insidePath makes a path relative to the package's folder, which ".." does not leave.
func insidePath(p string) string {
	p = strings.NewReplacer(`\`, "/", ":", "/").Replace(p)
	clean := path.Clean("/" + p)[1:]
	if clean != "" && strings.HasSuffix(p, "/") {
		clean += "/"
	}
	return clean
}
