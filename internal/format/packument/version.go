package packument

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/signature"
)

// version takes the manifest o apart. The package's name and the key of the
// version count, not what the manifest says.
func (r *reader) version(name, version string, o Object) Version {
	v := Version{Name: name, Version: version, Manifest: o[:0]}
	var install installHints
	for _, m := range o {
		install.note(m.Key, m.Value)
		if !r.knows(&v, m) {
			v.Manifest = append(v.Manifest, m)
		}
	}
	v.InstallScript = install.runs()
	return v
}

// knows moves a member into its field, if it has one and the member fits.
func (r *reader) knows(v *Version, m Member) bool {
	switch m.Key {
	case "name", "version", "_id":
		return true
	case "dist":
		return r.dist(&v.Dist, m.Value)
	case "deprecated":
		v.Deprecated = deprecation(m.Value)
		return true
	case "hasInstallScript":
		return string(m.Value) == "true"
	case "_hasShrinkwrap":
		v.Shrinkwrap = string(m.Value) == "true"
		return v.Shrinkwrap
	case "_npmUser":
		o, isObject := r.objectOf(m.Value)
		if isObject {
			v.Publisher = new(newPerson(o))
		}
		return isObject
	case "maintainers":
		if list, complete := r.persons(m.Value); complete && len(list) > 0 {
			v.Maintainers = list
			return true
		}
	}
	return false
}

// deprecation is the message of a "deprecated" member. Registries also have
// false and "" for a version that is no longer deprecated.
func deprecation(raw []byte) string {
	if s, ok := textOf(raw); ok {
		return s
	}
	switch string(raw) {
	case "", "false", "null", "0":
		return ""
	}
	return "this version is deprecated"
}

// installHints are the members that tell whether npm runs a script to install.
type installHints struct{ stated, scripts, gypfile []byte }

func (h *installHints) note(key string, value []byte) {
	switch key {
	case "hasInstallScript":
		h.stated = value
	case "scripts":
		h.scripts = value
	case "gypfile":
		h.gypfile = value
	}
}

func (h *installHints) runs() bool {
	switch {
	case string(h.stated) == "true":
		return true
	case string(h.stated) == "false":
		return false
	case string(h.gypfile) == "true":
		return true
	case len(h.scripts) == 0:
		return false
	}
	events := [...]string{"preinstall", "install", "postinstall"}
	var runs [len(events)]bool
	s := &scanner{src: h.scripts}
	for key := range s.members {
		if i := slices.Index(events[:], string(key)); i >= 0 {
			script, _ := textOf(s.raw())
			runs[i] = script != ""
		}
	}
	return slices.Contains(runs[:], true)
}

// dist reads a "dist" that is an object with members.
func (r *reader) dist(d *Dist, raw []byte) bool {
	o, ok := r.objectOf(raw)
	if !ok || len(o) == 0 {
		return false
	}
	for _, m := range o {
		if !d.knows(m) {
			d.Other = append(d.Other, m)
		}
	}
	return true
}

// UnmarshalJSON reads an object, on a copy of the text.
func (d *Dist) UnmarshalJSON(text []byte) error {
	*d = Dist{}
	if _, err := ParseObject(text); err != nil {
		return err
	}
	new(reader).dist(d, bytes.Clone(text))
	return nil
}

func (d *Dist) knows(m Member) (ok bool) {
	switch m.Key {
	case "tarball":
		d.Tarball, ok = textOf(m.Value)
		return ok && d.Tarball != ""
	case "shasum":
		d.Shasum, ok = textOf(m.Value)
		return ok && d.Shasum != ""
	case "integrity":
		d.Integrity, ok = textOf(m.Value)
		return ok && d.Integrity != ""
	case "fileCount":
		if n, err := strconv.Atoi(string(m.Value)); err == nil && n != 0 {
			d.FileCount = n
			return true
		}
	case "unpackedSize":
		if n, err := strconv.ParseInt(string(m.Value), 10, 64); err == nil && n != 0 {
			d.UnpackedSize = n
			return true
		}
	case "signatures":
		d.Signatures, ok = signatures(m.Value)
		return ok && len(d.Signatures) > 0
	case "attestations":
		d.Attestations = m.Value
		return true
	}
	return false
}

// signatures reads a list of nothing but a keyid and a sig each.
func signatures(raw []byte) (list []signature.Signature, ok bool) {
	if len(raw) == 0 || raw[0] != '[' {
		return nil, false
	}
	s := &scanner{src: raw}
	ok = true
	for range s.elements {
		sig, fits := s.signature()
		list, ok = append(list, sig), ok && fits
	}
	if !ok {
		return nil, false
	}
	return list, true
}

func (s *scanner) signature() (sig signature.Signature, ok bool) {
	var ids, sigs, others int
	for key := range s.members {
		text, isText := textOf(s.raw())
		switch {
		case string(key) == "keyid" && isText:
			sig.KeyID = text
			ids++
		case string(key) == "sig" && isText:
			sig.Sig = text
			sigs++
		default:
			others++
		}
	}
	return sig, ids == 1 && sigs == 1 && others == 0
}

// UnmarshalJSON reads what GET /{name}/{version} answers, on a copy of the text.
func (v *Version) UnmarshalJSON(text []byte) error {
	o, err := parseObject(bytes.Clone(text))
	if err != nil {
		return fault.New(fault.Invalid, "the manifest of a version can't be read: %v", err)
	}
	name, version := o.Text("name"), o.Text("version")
	if name == "" || version == "" {
		return fault.New(fault.Invalid, "the manifest of a version has no name or no version")
	}
	*v = new(reader).version(name, version, o)
	return nil
}
