package tarball

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/flate"

	"github.com/org/registry-action/internal/format/npm"
)

const (
	shortHole   = 10 // the digits of a commit in its preview version
	shortMarker = "<commit10>"
	longMarker  = "<commit>" // as often as fills a SHA: 5 or 8 times

	// maxHoles bounds the work: the compressor starts anew after every hole.
	maxHoles = 1024
	// mask stands for the digits in the window that matches are looked for in.
	// It is in no UTF-8 text, so no match reaches into a hole.
	mask   = 0xff
	window = 32 << 10
	// holesLevel: the faster levels find no matches in texts of a few bytes.
	holesLevel = flate.BestCompression
)

// FillHead returns a copy of a head with the digits of a commit in its holes:
// deflate data of the same length. commit must have as many digits (40 or 64,
// in lower case) as the one that the head was written with. If there is no
// marker in it, or commit is no such SHA, it returns head itself.
//
// Only a head whose Run or Recipe says Holes may be filled: in another one,
// what looks like a marker is compressed data.
func FillHead(head []byte, commit string) []byte {
	if !isCommit(commit) {
		return head
	}
	for _, n := range []int{len(commit), shortHole} {
		if m := marker(n); bytes.Contains(head, m) {
			head = bytes.ReplaceAll(head, m, []byte(commit[:n]))
		}
	}
	return head
}

// isCommit reports whether s is a whole SHA-1 or SHA-256 in lower case.
func isCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// marker is what stands in place of n digits.
func marker(n int) []byte {
	if n == shortHole {
		return []byte(shortMarker)
	}
	return bytes.Repeat([]byte(longMarker), n/len(longMarker))
}

// hole is where n digits of a commit stand in a text.
type hole struct{ at, n int }

// findHoles finds the whole SHAs and preview versions of a commit in a text.
func findHoles(text []byte, commit string) []hole {
	if !isCommit(commit) {
		return nil
	}
	var holes []hole
	preview := []byte(npm.PreviewVersion(commit))
	for at := 0; ; {
		next := bytes.Index(text[at:], []byte(commit[:shortHole]))
		if next < 0 {
			return holes
		}
		at += next
		n := 0
		switch {
		case bytes.HasPrefix(text[at:], []byte(commit)):
			n = len(commit)
		case bytes.HasSuffix(text[:at+shortHole], preview):
			n = shortHole
		}
		if n > 0 {
			holes = append(holes, hole{at, n})
		}
		at += max(n, 1)
	}
}

// template compresses a text with holes, or returns nil: it has none, too many,
// or bytes that would be taken for something else.
func (d *deflater) template(text []byte, commit string) ([]byte, error) {
	holes := findHoles(text, commit)
	if len(holes) == 0 || len(holes) > maxHoles || bytes.IndexByte(text, mask) >= 0 {
		return nil, nil
	}
	template, err := d.around(text, holes)
	if err != nil {
		return nil, fmt.Errorf("compressing a head with holes: %w", err)
	}
	markers := bytes.Count(template, marker(len(commit))) + bytes.Count(template, marker(shortHole))
	if markers != len(holes) {
		return nil, nil
	}
	return template, nil
}

// around compresses what is around the holes, in runs that share a window.
//
// The sync flush after each run ends it at a byte boundary with an empty stored
// block; that block becomes the hole, with its marker as content.
func (d *deflater) around(text []byte, holes []hole) ([]byte, error) {
	const emptyLength = "\x00\x00\xff\xff"
	var out bytes.Buffer
	text = bytes.Clone(text)
	at := 0
	for _, h := range holes {
		if err := d.between(&out, text, at, h.at); err != nil {
			return nil, err
		}
		out.Truncate(out.Len() - len(emptyLength))
		var length [len(emptyLength)]byte
		binary.LittleEndian.PutUint16(length[:], uint16(h.n))
		binary.LittleEndian.PutUint16(length[2:], ^uint16(h.n))
		out.Write(length[:])
		out.Write(marker(h.n))
		at = h.at + h.n
		copy(text[h.at:at], bytes.Repeat([]byte{mask}, h.n))
	}
	err := d.between(&out, text, at, len(text))
	return out.Bytes(), err
}

// between compresses text[from:to] to a byte boundary, with what is before it as its window.
func (d *deflater) between(w io.Writer, text []byte, from, to int) (err error) {
	if d.small == nil {
		if d.small, err = flate.NewWriter(w, holesLevel); err != nil {
			return err
		}
	}
	d.small.ResetDict(w, text[max(0, from-window):from])
	if _, err = d.small.Write(text[from:to]); err != nil {
		return err
	}
	return d.small.Flush()
}
