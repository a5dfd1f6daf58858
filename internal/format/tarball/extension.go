package tarball

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// maxExtension bounds a pax header or GNU long name in bytes; git, npm and the
// tars of macOS stay far below.
const maxExtension = 64 << 10

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
	case size == 0 || size > maxExtension:
		return nil, bad("the archive has an extension header (tar type %c) of %d bytes; the limit is %s, and an empty one is meaningless", kind, size, bytesText(maxExtension))
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
		key, value, tail, ok := cutRecord(rest)
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
	if !harmless(key, value) {
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

// harmless reports whether a reader that divides records at line breaks, as
// npm's tar does, finds no other records in this one.
func harmless(key, value string) bool {
	if !strings.Contains(key, ".") {
		return !strings.ContainsAny(key+value, "\n\x00")
	}
	lines := strings.Split(key+value, "\n")
	for _, line := range lines[1:] {
		line = strings.TrimLeftFunc(line, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
		if line != "" && strings.IndexByte("+-0123456789", line[0]) >= 0 {
			return false
		}
	}
	return true
}

// cutRecord divides "length key=value\n" from what follows it.
func cutRecord(s string) (key, value, rest string, ok bool) {
	digits, _, ok := strings.Cut(s, " ")
	n, err := strconv.ParseUint(digits, 10, 31)
	if !ok || err != nil || int(n) > len(s) || int(n) <= len(digits)+1 || s[n-1] != '\n' {
		return "", "", "", false
	}
	key, value, ok = strings.Cut(s[len(digits)+1:n-1], "=")
	return key, value, s[n:], ok && key != ""
}

// apply ends at the entry that the extensions were for.
func (p *pending) apply(b *block, size int64) error {
	name := p.nameOf(b)
	announced, target := p.size, p.link
	*p = pending{}
	if announced != "" && announced != strconv.FormatInt(size, 10) {
		return bad("entry %.200q: its pax header and its tar header give different sizes", name)
	}
	switch kind := b[offType]; {
	case size != 0 && kind != '0' && kind != 0:
		return bad("entry %.200q: a folder or link with content", name)
	case target != "" && !isLink(kind):
		return bad("entry %.200q: only a link may have a link's target", name)
	}
	return nil
}

// nameOf is the name of the entry in b, for messages.
func (p *pending) nameOf(b *block) string {
	if p.path != "" {
		return p.path
	}
	name := cString(b[offName:endName])
	if prefix := cString(b[offPrefix:endPrefix]); prefix != "" && string(b[offMagic:endMagic]) == magicPOSIX {
		return fmt.Sprintf("%s/%s", prefix, name)
	}
	return name
}

func cString(field []byte) string {
	text, _, _ := bytes.Cut(field, []byte{0})
	return string(text)
}
