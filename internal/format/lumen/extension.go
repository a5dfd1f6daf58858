package lumen

import (
	"bytes"
	"strings"

	"github.com/org/registry-action/internal/format/ustar"
)

// pending is what extension headers have said about the entry to come. At most one may: readers differ in which one counts.
type pending struct {
	told bool
	path string
	size string
}

// take reads an extension header: L (GNU: long name), x (pax) or g (pax, for all entries).
func (p *pending) take(kind byte, body []byte) error {
	if kind != 'g' {
		if p.told {
			return bad("an entry of the archive has more than one extension header, of which readers take one or the other; pack it again")
		}
		p.told = true
	}
	if kind == 'L' {
		text := bytes.TrimRight(body, "\x00")
		if len(text) == 0 || bytes.IndexByte(text, 0) >= 0 {
			return bad("the archive has a GNU long name that is empty or has a NUL inside; pack it again")
		}
		p.path = string(text)
		return nil
	}
	for rest := string(body); rest != ""; {
		key, value, tail, ok := ustar.CutRecord(rest)
		if !ok {
			return bad("the archive has a pax header that is not made of \"length key=value\" lines; pack it again")
		}
		if err := p.record(kind == 'g', key, value); err != nil {
			return err
		}
		rest = tail
	}
	return nil
}

// record allows the keys that every reader either obeys or passes over.
func (p *pending) record(global bool, key, value string) error {
	if !ustar.Harmless(key, value) {
		return bad("the archive has a pax record %.40q with a value that readers divide differently; pack it again", key)
	}
	vendor, _, dotted := strings.Cut(key, ".")
	switch {
	case key == "comment", dotted && vendor != "" && vendor != "GNU":
		return nil
	case global:
		return bad("the archive has a pax record %.40q for all entries; only a comment is allowed there", key)
	case key == "path" && value != "" && p.path == "":
		p.path = value
		return nil
	case key == "size" && value != "" && p.size == "":
		p.size = value
		return nil
	case strings.Contains(" mtime atime ctime uid gid uname gname charset hdrcharset ", " "+key+" "):
		return nil
	}
	return bad("the archive has a pax record %.40q, which is unknown, empty, there twice, or for links and sparse files; pack it again", key)
}
