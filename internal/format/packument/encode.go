package packument

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/org/registry-action/internal/format/signature"
)

// Encode writes one of the forms, the same bytes for the same packument. The
// abbreviated one has the members that npm documents, with "modified" and
// "time". It fails if a member's value is not JSON.
func (p *Packument) Encode(f Form) ([]byte, error) {
	w := &writer{b: make([]byte, 0, p.estimate())}
	w.open()
	if f == Abbreviated {
		p.encodeAbbreviated(w)
	} else {
		p.encodeFull(w)
	}
	w.close()
	w.b = trim(w.b)
	return w.done(fmt.Sprintf("the packument of %q", p.Name))
}

// trim copies a buffer that is much larger than what is in it, since documents
// are kept in memory.
func trim(b []byte) []byte {
	if cap(b)-len(b) > len(b)/4 {
		return bytes.Clone(b)
	}
	return b
}

// estimate is about how many bytes the full form takes.
func (p *Packument) estimate() int {
	const perVersion, perMember = 512, 8
	n := 1024 + len(p.Readme) + perMember*len(p.Other)
	for i := range p.Versions {
		n += perVersion
		for _, m := range p.Versions[i].Manifest {
			n += len(m.Key) + len(m.Value) + perMember
		}
	}
	return n
}

func (p *Packument) encodeFull(w *writer) {
	w.text("_id", p.Name)
	w.textIf("_rev", p.Rev)
	w.text("name", p.Name)
	p.encodeTags(w)
	w.key("versions")
	w.open()
	for i := range p.Versions {
		w.key(p.Versions[i].Version)
		p.Versions[i].encode(w)
	}
	w.close()
	p.encodeTime(w)
	for _, m := range p.Other {
		switch m.Key {
		case "_id", "_rev", "name", "dist-tags", "versions", "time", "maintainers", "readme", "users": // typed
		default:
			w.member(m)
		}
	}
	if len(p.Maintainers) > 0 {
		w.people("maintainers", p.Maintainers)
	}
	w.textIf("readme", p.Readme)
	if len(p.Users) > 0 {
		w.key("users")
		w.open()
		for _, user := range slices.Sorted(maps.Keys(p.Users)) {
			w.raw(user, fmt.Append(nil, p.Users[user]))
		}
		w.close()
	}
}

func (p *Packument) encodeTags(w *writer) {
	w.key("dist-tags")
	w.open()
	for _, tag := range slices.Sorted(maps.Keys(p.DistTags)) {
		w.text(tag, p.DistTags[tag])
	}
	w.close()
}

// encodeTime writes the times in the order of the versions.
func (p *Packument) encodeTime(w *writer) {
	if len(p.Time)+len(p.otherTimes) == 0 {
		return
	}
	w.key("time")
	w.open()
	done := make(map[string]bool, len(p.Time))
	write := func(key string) {
		if at, ok := p.Time[key]; ok && !done[key] {
			done[key] = true
			w.text(key, at)
		}
	}
	write("created")
	write("modified")
	for i := range p.Versions {
		write(p.Versions[i].Version)
	}
	if len(done) < len(p.Time) { // unpublished versions keep their time
		for _, key := range slices.Sorted(maps.Keys(p.Time)) {
			write(key)
		}
	}
	for _, m := range p.otherTimes {
		if !done[m.Key] {
			w.member(m)
		}
	}
	w.close()
}

// MarshalJSON writes the version as GET /{name}/{version} answers it.
// json.Marshal escapes <, > and & in what this returns; a direct call does not.
func (v Version) MarshalJSON() ([]byte, error) {
	w := &writer{}
	v.encode(w)
	return w.done(fmt.Sprintf("the manifest of %q %q", v.Name, v.Version))
}

// encode writes the version in the full form.
func (v *Version) encode(w *writer) {
	w.open()
	w.text("name", v.Name)
	w.text("version", v.Version)
	for _, m := range v.Manifest {
		if !v.typed(m.Key) {
			w.member(m)
		}
	}
	w.text("_id", v.Name+"@"+v.Version)
	w.textIf("deprecated", v.Deprecated)
	w.trueIf("hasInstallScript", v.InstallScript)
	v.encodeRegistry(w)
	if len(v.Maintainers) > 0 {
		w.people("maintainers", v.Maintainers)
	}
	w.close()
}

// encodeRegistry writes what both forms have of the registry's own.
func (v *Version) encodeRegistry(w *writer) {
	w.trueIf("_hasShrinkwrap", v.Shrinkwrap)
	if !v.Dist.isZero() {
		w.key("dist")
		v.Dist.encode(w)
	}
	if v.Publisher != nil {
		w.key("_npmUser")
		v.Publisher.encode(w)
	}
}

// typed reports whether a field stands for a member, so that one of this name
// in the manifest does not count.
func (v *Version) typed(key string) bool {
	switch key {
	case "name", "version", "_id", "deprecated":
		return true
	case "dist":
		return !v.Dist.isZero()
	case "hasInstallScript":
		return v.InstallScript
	case "_hasShrinkwrap":
		return v.Shrinkwrap
	case "_npmUser":
		return v.Publisher != nil
	case "maintainers":
		return len(v.Maintainers) > 0
	}
	return false
}

func (w *writer) people(key string, list []Person) {
	w.key(key)
	w.b = append(w.b, '[')
	for i, p := range list {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		p.encode(w)
	}
	w.b = append(w.b, ']')
}

func (d *Dist) isZero() bool {
	return d.Tarball == "" && d.Shasum == "" && d.Integrity == "" && d.FileCount == 0 && d.UnpackedSize == 0 &&
		len(d.Signatures)+len(d.Attestations)+len(d.Other) == 0
}

// MarshalJSON writes the members that are not empty.
func (d Dist) MarshalJSON() ([]byte, error) {
	w := &writer{}
	d.encode(w)
	return w.done("a dist")
}

func (d *Dist) encode(w *writer) {
	w.open()
	w.textIf("tarball", d.Tarball)
	w.textIf("shasum", d.Shasum)
	w.textIf("integrity", d.Integrity)
	w.numberIf("fileCount", int64(d.FileCount))
	w.numberIf("unpackedSize", d.UnpackedSize)
	if len(d.Signatures) > 0 {
		w.signatures(d.Signatures)
	}
	if len(d.Attestations) > 0 {
		w.member(Member{"attestations", d.Attestations})
	}
	for _, m := range d.Other {
		if !d.typed(m.Key) {
			w.member(m)
		}
	}
	w.close()
}

func (d *Dist) typed(key string) bool {
	switch key {
	case "tarball":
		return d.Tarball != ""
	case "shasum":
		return d.Shasum != ""
	case "integrity":
		return d.Integrity != ""
	case "fileCount":
		return d.FileCount != 0
	case "unpackedSize":
		return d.UnpackedSize != 0
	case "signatures":
		return len(d.Signatures) > 0
	case "attestations":
		return len(d.Attestations) > 0
	}
	return false
}

func (w *writer) signatures(list []signature.Signature) {
	w.key("signatures")
	w.b = append(w.b, '[')
	for i, s := range list {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.open()
		w.text("keyid", s.KeyID)
		w.text("sig", s.Sig)
		w.close()
	}
	w.b = append(w.b, ']')
}
