package lumen

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
)

const maxExtension = 64 << 10 // bytes of a pax header or a GNU long name

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
		key, value, tail, ok := cutRecord(rest)
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
	if !harmless(key, value) {
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

// harmless reports whether a reader that divides records at line breaks, as the client's does, finds no other records in this one.
func harmless(key, value string) bool {
	if !strings.Contains(key, ".") {
		return !strings.ContainsAny(key+value, "\n\x00")
	}
	lines := strings.Split(key+"="+value, "\n")
	for _, line := range lines[1:] {
		line = strings.TrimLeftFunc(line, unicode.IsSpace)
		if line != "" && strings.IndexByte("+-0123456789", line[0]) >= 0 {
			return false
		}
	}
	return true
}

// cutRecord divides "length key=value\n" from what follows it.
func cutRecord(s string) (key, value, rest string, ok bool) {
	digits, _, ok := strings.Cut(s[:min(len(s), 20)], " ")
	n, err := strconv.ParseUint(digits, 10, 31)
	if !ok || err != nil || int(n) > len(s) || int(n) <= len(digits)+1 || s[n-1] != '\n' {
		return "", "", "", false
	}
	key, value, ok = strings.Cut(s[len(digits)+1:n-1], "=")
	return key, value, s[n:], ok && key != ""
}
