package tarball

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/ustar"
)

// extension is the content of a header that describes the entry after it.
type extension struct {
	kind byte // x, g (pax), L, K (GNU: long name, long link)
	size int64
	body []byte
}

func isExtension(kind byte) bool { return strings.IndexByte("xgLK", kind) >= 0 }

// add takes content and reports whether it is whole; what follows is padding.
func (e *extension) add(p []byte) bool {
	e.body = append(e.body, p[:min(int64(len(p)), e.size-int64(len(e.body)))]...)
	return int64(len(e.body)) == e.size
}

// pending is what extensions have said about the entry to come.
type pending struct {
	kinds string // the extensions so far
	path  string
	link  string
	size  string
}

// announce allows the extensions that all readers combine alike: one pax
// header, or one GNU long name and one long link; a global one only as git
// writes it, at the start of the archive.
func (p *pending) announce(kind byte, size int64, first bool) (*extension, error) {
	switch {
	case size == 0 || size > ustar.MaxExtension:
		return nil, bad("the archive has an extension header (tar type %c) of %d bytes; the limit is %s, and an empty one is meaningless", kind, size, fault.Bytes(ustar.MaxExtension))
	case kind == 'g' && !first:
		return nil, bad("the archive has a global pax header that is not at its start")
	case strings.IndexByte(p.kinds, kind) >= 0,
		kind == 'x' && p.kinds != "",
		strings.Contains(p.kinds, "x"):
		return nil, bad("an entry of the archive has more than one extension header saying the same; readers differ in which one counts")
	}
	if kind != 'g' {
		p.kinds += string(rune(kind))
	}
	return &extension{kind: kind, size: size}, nil
}

// take reads a finished extension.
func (p *pending) take(e *extension) error {
	switch e.kind {
	case 'L', 'K':
		text := bytes.TrimRight(e.body, "\x00")
		if len(text) == 0 || bytes.IndexByte(text, 0) >= 0 {
			return bad("the archive has a GNU long name that is empty or has a NUL inside")
		}
		if e.kind == 'L' {
			p.path = string(text)
		} else {
			p.link = string(text)
		}
		return nil
	}
	for rest := string(e.body); rest != ""; {
		key, value, tail, ok := ustar.CutRecord(rest)
		if !ok {
			return bad("the archive has a pax header that is not made of \"length key=value\" lines")
		}
		if err := p.record(e.kind == 'g', key, value); err != nil {
			return err
		}
		rest = tail
	}
	return nil
}

// record allows the keys that every reader either obeys or ignores. npm's tar
// also obeys `type` and `mode`, and global records; Go's obeys GNU.sparse.
func (p *pending) record(global bool, key, value string) error {
	if !ustar.Harmless(key, value) {
		return bad("the archive has a pax record %.40q with a value that readers divide differently", key)
	}
	vendor, _, dotted := strings.Cut(key, ".")
	switch {
	case key == "comment":
		return nil
	case global:
		return bad("the archive has a pax record %.40q for all entries; only a comment is allowed there", key)
	case dotted && vendor != "" && vendor != "GNU":
		return nil
	case value == "":
	case key == "path":
		p.path = value
		return nil
	case key == "linkpath":
		p.link = value
		return nil
	case key == "size":
		p.size = value
		return nil
	case strings.Contains(" mtime atime ctime uid gid uname gname charset hdrcharset ", " "+key+" "):
		return nil
	}
	return bad("the archive has a pax record %.40q, which is unknown, empty or for sparse files", key)
}

// apply ends at the entry that the extensions were for.
func (p *pending) apply(b *ustar.Block, size int64) error {
	name := p.nameOf(b)
	announced, target := p.size, p.link
	*p = pending{}
	if announced != "" && announced != strconv.FormatInt(size, 10) {
		return bad("entry %.200q: its pax header and its tar header give different sizes", name)
	}
	switch kind := b[ustar.OffType]; {
	case size != 0 && kind != '0' && kind != 0:
		return bad("entry %.200q: a folder or link with content", name)
	case target != "" && !isLink(kind):
		return bad("entry %.200q: only a link may have a link's target", name)
	}
	return nil
}

// nameOf is the name of the entry in b, for messages.
func (p *pending) nameOf(b *ustar.Block) string {
	if p.path != "" {
		return p.path
	}
	return b.Name()
}
