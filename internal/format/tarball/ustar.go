package tarball

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/org/registry-action/internal/format/ustar"
)

const (
	entryTime = 499162500 // 1985-10-26T08:15:00Z, Unix seconds
	maxSize   = 0o77777777777

	nameBytes   = 100
	prefixBytes = 155
)

// Two times that npm's tar takes from what follows a NUL in the prefix: offset and end.
const (
	endShortPrefix             = 475
	offStarATime, endStarATime = 476, 488
	offStarCTime, endStarCTime = 488, 500
)

// appendEntry appends the header of a regular file, with the pax header before
// it where ustar can't hold the name, exactly as npm's tar writes them.
func appendEntry(b []byte, name string, size int64, mode fs.FileMode) []byte {
	short, prefix, fits := splitName(name)
	if !fits || !isASCII(name) {
		b = appendPAX(b, name, size)
	}
	h := newHeader(short, size, mode, '0')
	copy(h[ustar.OffPrefix:ustar.EndPrefix], prefix)
	return append(b, sealed(h)...)
}

func appendPAX(b []byte, name string, size int64) []byte {
	body := paxRecord("path", name) +
		paxRecord("mtime", strconv.Itoa(entryTime)) +
		paxRecord("size", strconv.FormatInt(size, 10))
	h := newHeader(cut("PaxHeader/"+path.Base(name)), int64(len(body)), 0o644, 'x')
	b = append(b, sealed(h)...)
	b = append(b, body...)
	return append(b, make([]byte, ustar.Padding(int64(len(body))))...)
}

// newHeader leaves uid, gid and the names of the owners empty.
func newHeader(name string, size int64, mode fs.FileMode, kind byte) *ustar.Block {
	var h ustar.Block
	copy(h[ustar.OffName:ustar.EndName], name)
	putOctal(h[ustar.OffMode:ustar.EndMode], int64(mode))
	putOctal(h[ustar.OffSize:ustar.EndSize], size)
	putOctal(h[ustar.OffTime:ustar.EndTime], entryTime)
	h[ustar.OffType] = kind
	copy(h[ustar.OffMagic:ustar.EndMagic], ustar.MagicPOSIX)
	putOctal(h[ustar.OffMajor:ustar.EndMajor], 0)
	putOctal(h[ustar.OffMinor:ustar.EndMinor], 0)
	return &h
}

// sealed writes the checksum and returns the block.
func sealed(h *ustar.Block) []byte {
	putOctal(h[ustar.OffSum:ustar.EndSum], h.Sum())
	return h[:]
}

// putOctal fills a field as npm's tar does: digits, a space and a NUL, the
// space giving way to one more digit where it is needed.
func putOctal(field []byte, n int64) {
	var buf [24]byte
	digits := strconv.AppendInt(buf[:0], n, 8)
	zeros := max(len(field)-2-len(digits), 0)
	for i := range zeros {
		field[i] = '0'
	}
	if at := zeros + copy(field[zeros:], digits); at < len(field)-1 {
		field[at] = ' '
	}
}

// splitName divides a name between ustar's name and prefix fields. Where it
// does not fit, the name is what remains for readers that know no pax.
func splitName(name string) (short, prefix string, fits bool) {
	if len(name) < nameBytes {
		return name, "", true
	}
	prefix, short = path.Dir(name), path.Base(name)
	for prefix != "." {
		switch {
		case len(short) <= nameBytes && len(prefix) <= prefixBytes:
			return short, prefix, true
		case len(prefix) <= prefixBytes:
			return cut(short), prefix, false
		}
		short = path.Base(prefix) + "/" + short
		prefix = path.Dir(prefix)
	}
	return cut(name), "", false
}

// cut shortens a name to fewer bytes than the name field has, between runes.
func cut(name string) string {
	if len(name) < nameBytes {
		return name
	}
	n := nameBytes - 1
	for n > 0 && !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n]
}

// paxRecord is "length key=value\n", where length counts its own digits.
func paxRecord(key, value string) string {
	rest := len(" =\n") + len(key) + len(value)
	n := rest + len(strconv.Itoa(rest))
	n = rest + len(strconv.Itoa(n))
	return fmt.Sprintf("%d %s=%s\n", n, key, value)
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
