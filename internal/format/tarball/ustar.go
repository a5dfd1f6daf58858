package tarball

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	blockSize = 512
	entryTime = 499162500 // 1985-10-26T08:15:00Z, Unix seconds
	maxSize   = 0o77777777777

	nameBytes   = 100
	prefixBytes = 155
)

// The fields of a ustar header: offset and end.
const (
	offName, endName       = 0, 100
	offMode, endMode       = 100, 108
	offUID, endUID         = 108, 116
	offGID, endGID         = 116, 124
	offSize, endSize       = 124, 136
	offTime, endTime       = 136, 148
	offSum, endSum         = 148, 156
	offType                = 156
	offLink, endLink       = 157, 257
	offMagic, endMagic     = 257, 265
	offMajor, endMajor     = 329, 337
	offMinor, endMinor     = 337, 345
	offPrefix, endPrefix   = 345, 500
	endShortPrefix         = 475 // npm's tar takes what follows a NUL here for two times
	offStarATime           = 476
	endStarATime           = 488
	offStarCTime           = 488
	endStarCTime           = 500
	offTrailer, endTrailer = 508, 512
)

const magicPOSIX = "ustar\x0000"

type block [blockSize]byte

// appendEntry appends the header of a regular file, with the pax header before
// it where ustar can't hold the name, exactly as npm's tar writes them.
func appendEntry(b []byte, name string, size int64, mode fs.FileMode) []byte {
	short, prefix, fits := splitName(name)
	if !fits || !isASCII(name) {
		b = appendPAX(b, name, size)
	}
	h := newHeader(short, size, mode, '0')
	copy(h[offPrefix:endPrefix], prefix)
	return append(b, h.sealed()...)
}

func appendPAX(b []byte, name string, size int64) []byte {
	body := paxRecord("path", name) +
		paxRecord("mtime", strconv.Itoa(entryTime)) +
		paxRecord("size", strconv.FormatInt(size, 10))
	h := newHeader(cut("PaxHeader/"+path.Base(name)), int64(len(body)), 0o644, 'x')
	b = append(b, h.sealed()...)
	b = append(b, body...)
	return append(b, make([]byte, padding(int64(len(body))))...)
}

// newHeader leaves uid, gid and the names of the owners empty.
func newHeader(name string, size int64, mode fs.FileMode, kind byte) *block {
	var h block
	copy(h[offName:endName], name)
	putOctal(h[offMode:endMode], int64(mode))
	putOctal(h[offSize:endSize], size)
	putOctal(h[offTime:endTime], entryTime)
	h[offType] = kind
	copy(h[offMagic:endMagic], magicPOSIX)
	putOctal(h[offMajor:endMajor], 0)
	putOctal(h[offMinor:endMinor], 0)
	return &h
}

// sealed writes the checksum and returns the block.
func (h *block) sealed() []byte {
	putOctal(h[offSum:endSum], h.checksum())
	return h[:]
}

// checksum is the sum of the header's bytes with spaces for the checksum itself.
func (h *block) checksum() int64 {
	sum := int64(' ') * (endSum - offSum)
	for i, c := range h {
		if i < offSum || i >= endSum {
			sum += int64(c)
		}
	}
	return sum
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

// padding is what fills n bytes up to a whole block.
func padding(n int64) int64 { return -n & (blockSize - 1) }

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
