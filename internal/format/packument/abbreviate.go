package packument

// encodeAbbreviated writes the members of the abbreviated form.
func (p *Packument) encodeAbbreviated(w *writer) {
	w.text("name", p.Name)
	p.encodeTags(w)
	modified := p.Time["modified"]
	if modified == "" {
		modified = p.Other.Text("modified") // what was parsed was abbreviated itself
	}
	w.textIf("modified", modified)
	p.encodeTime(w)
	w.key("versions")
	w.open()
	for i := range p.Versions {
		w.key(p.Versions[i].Version)
		p.Versions[i].encodeAbbreviated(w)
	}
	w.close()
}

func (v *Version) encodeAbbreviated(w *writer) {
	w.open()
	w.text("name", v.Name)
	w.text("version", v.Version)
	var bin []byte
	for _, m := range v.Manifest {
		switch {
		case m.Key == "bin":
			bin = m.Value
		case abbreviated(m.Key) && !v.typed(m.Key):
			w.member(m)
		}
	}
	w.bin(v.Name, bin)
	w.textIf("deprecated", v.Deprecated)
	w.trueIf("hasInstallScript", v.InstallScript)
	v.encodeRegistry(w)
	w.close()
}

// abbreviated reports whether the abbreviated form has a member of a manifest as
// it is. It also has "bin", "deprecated" and "hasInstallScript", in one form only.
func abbreviated[T []byte | string](key T) bool {
	switch string(key) {
	case "directories", "dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "peerDependenciesMeta",
		"bundleDependencies", "bundledDependencies", "acceptDependencies",
		"dist", "engines", "os", "cpu", "libc", "funding", "_hasShrinkwrap", "_npmUser":
		return true
	}
	return false
}

// bin writes a "bin" as an object.
func (w *writer) bin(name string, raw []byte) {
	if len(raw) > 0 && raw[0] != '{' {
		raw = binObject(name, raw)
	}
	if len(raw) > 0 {
		w.member(Member{"bin", raw})
	}
}

// Abbreviate makes the abbreviated form of a full packument: what Parse and
// Encode make of it, up to the order of members.
func Abbreviate(text []byte, name string) ([]byte, error) {
	a := &abbreviator{name: name, s: &scanner{src: text}}
	a.w.b = make([]byte, 0, len(text)/4*3+64)
	b, err := a.run()
	if err == nil && a.odd {
		var p *Packument
		if p, err = parse(text, name); err == nil {
			return p.Encode(Abbreviated)
		}
	}
	if err != nil {
		return nil, foreign(name, err)
	}
	return trim(b), nil
}

// abbreviator copies what the abbreviated form has.
type abbreviator struct {
	name string
	s    *scanner
	w    writer
	odd  bool // the document has what only Parse sorts out

	tags, time       []byte
	modified, stated string // of "time", and of the document itself
}

func (a *abbreviator) run() ([]byte, error) {
	a.s.space()
	if a.s.peek() != '{' {
		return nil, errNoObject
	}
	a.w.open()
	a.w.text("name", a.name)
	var named string
	empty := len(a.w.b)
	for key := range a.s.members {
		switch string(key) {
		case "name":
			named, _ = textOf(a.s.raw())
		case "dist-tags":
			a.tags = a.distTags()
		case "modified":
			a.stated, _ = textOf(a.s.raw())
		case "time":
			a.time = a.times()
		case "versions":
			a.w.b = a.w.b[:empty]
			a.versions()
		}
	}
	if err := a.s.end(); err != nil {
		return nil, err
	}
	a.rest(len(a.w.b) == empty)
	return a.w.b, checkName(named, a.name)
}

// rest writes what comes after the versions.
func (a *abbreviator) rest(noVersions bool) {
	if noVersions {
		a.w.raw("versions", []byte("{}"))
	}
	if a.tags == nil {
		a.tags = []byte("{}")
	}
	a.w.raw("dist-tags", a.tags)
	if a.modified == "" {
		a.modified = a.stated
	}
	a.w.textIf("modified", a.modified)
	if len(a.time) > 0 {
		a.w.raw("time", a.time)
	}
	a.w.close()
}

func (a *abbreviator) distTags() []byte {
	if a.s.peek() != '{' {
		a.s.skip()
		return nil
	}
	from := a.s.pos
	for range a.s.members {
		a.odd = a.odd || a.s.peek() != '"'
	}
	return a.s.src[from:a.s.pos]
}

// times returns "time" if it has members.
func (a *abbreviator) times() []byte {
	from, some := a.s.pos, false
	a.modified = ""
	if a.s.peek() != '{' {
		a.s.skip()
		return nil
	}
	for key := range a.s.members {
		some = true
		if string(key) == "modified" {
			a.modified, _ = textOf(a.s.raw())
		}
	}
	if !some {
		return nil
	}
	return a.s.src[from:a.s.pos]
}

func (a *abbreviator) versions() {
	if a.s.peek() != '{' {
		a.s.skip()
		return
	}
	a.w.more = true
	a.w.key("versions")
	a.w.open()
	for key := range a.s.members {
		if a.s.peek() != '{' {
			a.odd = true
			continue
		}
		a.w.key(string(key))
		a.version(string(key))
	}
	a.w.close()
}

func (a *abbreviator) version(version string) {
	var bin, deprecated []byte
	var install installHints
	w := &a.w
	w.open()
	w.text("name", a.name)
	w.text("version", version)
	for key := range a.s.members {
		if abbreviated(key) {
			w.key(string(key))
			from := a.s.pos
			a.s.skip()
			w.b = append(w.b, a.s.src[from:a.s.pos]...)
			continue
		}
		switch string(key) {
		case "bin":
			bin = a.s.raw()
		case "deprecated":
			deprecated = a.s.raw()
		case "scripts", "gypfile", "hasInstallScript":
			install.note(string(key), a.s.raw())
		}
	}
	w.bin(a.name, bin)
	w.textIf("deprecated", deprecation(deprecated))
	w.trueIf("hasInstallScript", install.runs())
	w.close()
}
