package packument

import "strings"

// normalizeDependencies makes the dependencies objects of text, and
// bundleDependencies a list of names that are among the dependencies. A package
// may stand in dependencies and optionalDependencies, as in npm's registry.
func (o *Object) normalizeDependencies() {
	for _, key := range []string{"dependencies", "devDependencies", "optionalDependencies", "peerDependencies"} {
		o.change(key, dependencies)
	}
	if i := o.index("bundledDependencies"); i >= 0 {
		if o.index("bundleDependencies") >= 0 {
			o.Delete("bundledDependencies")
		} else {
			(*o)[i].Key = "bundleDependencies"
		}
	}
	o.change("bundleDependencies", func(raw []byte) []byte {
		names, ok := bundle(raw, members(o.Get("dependencies")))
		if !ok {
			return nil
		}
		o.require(names)
		return appendTexts(nil, names)
	})
}

// require adds what is bundled and no dependency to the dependencies.
func (o *Object) require(names []string) {
	var direct table[Member]
	for _, m := range members(o.Get("dependencies")) {
		direct.put(m.Key, m)
	}
	known := len(direct.items)
	for _, name := range names {
		if direct.find(name) < 0 {
			direct.put(name, Member{name, []byte(`"*"`)})
		}
	}
	if len(direct.items) > known {
		o.Set("dependencies", Object(direct.items).encoded())
	}
}

// dependencies reads an object, or what npm 0.x took: a list or a text of "name@range".
func dependencies(raw []byte) []byte {
	var deps table[Member]
	add := func(spec string) {
		if name, r := splitDependency(spec); name != "" {
			deps.put(name, Member{name, appendText(nil, r)})
		}
	}
	switch raw[0] {
	case '{':
		for _, m := range members(raw) {
			if _, ok := textOf(m.Value); ok {
				deps.put(m.Key, m)
			}
		}
	case '[':
		for _, spec := range texts(raw) {
			add(spec)
		}
	case '"':
		text, _ := textOf(raw)
		for _, spec := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,", r) }) {
			add(spec)
		}
	default:
		return nil
	}
	return Object(deps.items).encoded()
}

// splitDependency splits "name@range", "name >=1" and "@scope/name@range".
func splitDependency(spec string) (name, r string) {
	spec = strings.TrimSpace(spec)
	from := min(1, len(spec)) // past the "@" of a scope
	i := strings.IndexAny(spec[from:], "@ \t\n><=")
	if i < 0 {
		return spec, ""
	}
	return spec[:from+i], strings.TrimSpace(strings.TrimPrefix(spec[from+i:], "@"))
}

// bundle reads bundleDependencies: true is all dependencies. It is not ok if
// there is nothing to keep.
func bundle(raw []byte, direct Object) (names []string, ok bool) {
	from := direct
	switch {
	case raw[0] == '[':
		return texts(raw), true
	case raw[0] == '{':
		from = members(raw)
	case string(raw) != "true":
		return nil, false
	}
	for _, m := range from {
		names = append(names, m.Key)
	}
	return names, true
}

// texts are the elements of a list that are texts and not empty.
func texts(raw []byte) (list []string) {
	s := &scanner{src: raw}
	for range s.elements {
		if text, ok := textOf(s.raw()); ok && text != "" {
			list = append(list, text)
		}
	}
	return list
}

func appendTexts(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, text := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, text)
	}
	return append(b, ']')
}
