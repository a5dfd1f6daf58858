package zig

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/format/ustar"
)

const maxPAX = 1 << 20 // bytes of an extended header

// tarReader reads a tar as std.tar of Zig does: names by ustar's prefix, GNU's L and K, and pax's path, linkpath and
// size; it stops at the first block of zeros, or at the end of the bytes. Where Zig's reader differs from others, as
// with an extended header before an entry that it passes over, this one does what Zig's does.
type tarReader struct {
	*builder
	r       io.ReaderAt
	at, end int64
	headers int
	next    struct { // what extended headers say about the next entry
		name, link string
		size       int64
	}
}

func (b *builder) readTar(ctx context.Context, r io.ReaderAt, size int64) error {
	t := &tarReader{builder: b, r: r, end: size}
	var h block
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := t.header(&h)
		if err != nil || !more {
			return err
		}
		if err := t.entry(&h); err != nil {
			return err
		}
	}
}

// header reads the next header; false at the end of the archive.
func (t *tarReader) header(h *block) (bool, error) {
	if t.at >= t.end {
		return false, nil
	}
	if err := t.read(h[:]); err != nil {
		return false, err
	}
	if *h == (block{}) {
		return false, nil
	}
	if !h.intact() {
		return false, bad("the tar's header of %.200q is broken: its checksum is wrong; pack it again", h.text(ustar.OffName, ustar.EndName))
	}
	if t.headers++; t.headers > 6*t.lim.Entries {
		return false, tooLarge("the tar has more than %d headers; that is the limit", 6*t.lim.Entries)
	}
	return true, nil
}

func (t *tarReader) read(p []byte) error {
	if t.end-t.at < int64(len(p)) {
		return t.cutOff()
	}
	if _, err := t.r.ReadAt(p, t.at); err != nil && err != io.EOF {
		return fmt.Errorf("reading a tar: %w", err)
	}
	t.at += int64(len(p))
	return nil
}

func (t *tarReader) cutOff() error {
	return bad("the archive is cut off: its tar ends within an entry; send it again")
}

// skip passes over n bytes and what fills their last block.
func (t *tarReader) skip(n int64) error {
	if n > t.end-t.at || ustar.Padding(n) > t.end-t.at-n {
		return t.cutOff()
	}
	t.at += n + ustar.Padding(n)
	return nil
}

func (t *tarReader) entry(h *block) error {
	size, ok := h.size()
	if !ok {
		return bad("the tar's entry %.200q has no valid size; pack it again", h.fullName())
	}
	switch kind := h[ustar.OffType]; kind {
	case 0, '0':
		return t.emit(h, File, size)
	case '2':
		return t.emit(h, Link, size)
	case '5':
		return t.emit(h, Folder, size)
	case 'L', 'K':
		text, err := t.body(h, size, 4*maxPath)
		if kind == 'L' {
			t.next.name = ustar.UntilNUL(text)
		} else {
			t.next.link = ustar.UntilNUL(text)
		}
		return err
	case 'x':
		return t.extended(h, size)
	case 'g':
		return t.skip(size)
	case 'S':
		if err := t.skipSparseMap(h); err != nil {
			return err
		}
	}
	if err := t.add(Entry{Name: otherName(h), Kind: Other}); err != nil {
		return err
	}
	return t.skip(size)
}

// otherName is the name by which compilers know what they can't unpack: without prefix and extended headers.
func otherName(h *block) string {
	name := h.text(ustar.OffName, ustar.EndName)
	if clean, ok := cleanName(name); ok {
		return clean
	}
	return name
}

func (t *tarReader) skipSparseMap(h *block) error {
	for more := h[offSparse] > 0; more; {
		var b block
		if err := t.read(b[:]); err != nil {
			return err
		}
		more = b[offSparseNext] > 0
	}
	return nil
}

// body reads the text of an extended header.
func (t *tarReader) body(h *block, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, tooLarge("the tar's extended header %.200q has more than %d bytes; that is the limit", h.text(ustar.OffName, ustar.EndName), limit)
	}
	text := make([]byte, size)
	if err := t.read(text); err != nil {
		return nil, err
	}
	t.at -= size
	return text, t.skip(size)
}

// extended reads a pax header, which replaces all that other ones said.
func (t *tarReader) extended(h *block, size int64) error {
	text, err := t.body(h, size, maxPAX)
	if err != nil {
		return err
	}
	t.next.name, t.next.link, t.next.size = "", "", 0
	for len(text) > 0 {
		key, value, rest, ok := paxRecord(text)
		if !ok {
			return bad("the tar has a broken pax header before %.200q; pack it again", h.text(ustar.OffName, ustar.EndName))
		}
		text = rest
		switch key {
		case "path":
			t.next.name = value
		case "linkpath":
			t.next.link = value
		case "size":
			n, err := strconv.ParseUint(value, 10, 63)
			if err != nil {
				return bad("the tar has a pax header with the size %.40q, which is no number; pack it again", value)
			}
			t.next.size = int64(n)
		}
	}
	return nil
}

// paxRecord takes "length key=value\n" off the front of text.
func paxRecord(text []byte) (key, value string, rest []byte, ok bool) {
	digits, _, found := bytes.Cut(text[:min(len(text), 20)], []byte{' '})
	n, err := strconv.ParseUint(string(digits), 10, 31)
	if !found || err != nil || int(n) > len(text) || int(n) <= len(digits)+1 || text[n-1] != '\n' {
		return "", "", nil, false
	}
	key, value, ok = strings.Cut(string(text[len(digits)+1:n-1]), "=")
	known := key == "path" || key == "linkpath" || key == "size"
	return key, value, text[n:], ok && !strings.Contains(key, "\x00") && !(known && strings.Contains(value, "\x00"))
}

// emit adds an entry and passes over its content.
func (t *tarReader) emit(h *block, kind Kind, size int64) error {
	n := t.next
	t.next.name, t.next.link, t.next.size = "", "", 0
	if n.size == 0 {
		n.size = size
	}
	if n.name == "" {
		n.name = h.fullName()
	}
	if n.link == "" {
		n.link = h.text(ustar.OffLink, ustar.EndLink)
	}
	e := Entry{Kind: kind, offset: t.at}
	switch kind {
	case File:
		e.Size = n.size
	case Link:
		e.Link = n.link
	}
	var ok bool
	if e.Name, ok = cleanName(n.name); !ok {
		return outside(n.name)
	}
	if e.Name == "" && kind != Folder {
		return bad("the tar has an entry %.200q without a name; pack it again", n.name)
	}
	if e.Name != "" { // "./" stands for the archive itself
		if err := t.add(e); err != nil {
			return err
		}
	}
	return t.skip(n.size)
}

// outside refuses a name that compilers before 0.16 would write outside the package.
func outside(name string) error {
	return bad("the entry %.200q lies outside the package; pack with relative names below its folder", name)
}

// cleanName drops "." and empty parts and resolves ".."; a name that is absolute or leaves the archive is not ok.
func cleanName(name string) (clean string, ok bool) {
	if strings.HasPrefix(name, "/") {
		return "", false
	}
	if isClean(name) {
		return name, true
	}
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
		case "..":
			if len(parts) == 0 {
				return "", false
			}
			parts = parts[:len(parts)-1]
		default:
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/"), true
}

func isClean(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}
