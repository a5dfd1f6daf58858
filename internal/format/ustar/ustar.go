// Package ustar knows the blocks of a tar: where the fields of a header are, how numbers and texts are read, and the records of
// pax headers. What an archive may have, its own format decides.
package ustar

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
)

// BlockSize is that of all parts of a tar, in bytes.
const BlockSize = 512

// Block is a header.
type Block [BlockSize]byte

// The fields of a header: offset and end.
const (
	OffName, EndName       = 0, 100
	OffMode, EndMode       = 100, 108
	OffUID, EndUID         = 108, 116
	OffGID, EndGID         = 116, 124
	OffSize, EndSize       = 124, 136
	OffTime, EndTime       = 136, 148
	OffSum, EndSum         = 148, 156
	OffType                = 156
	OffLink, EndLink       = 157, 257
	OffMagic, EndMagic     = 257, 265
	OffMajor, EndMajor     = 329, 337
	OffMinor, EndMinor     = 337, 345
	OffPrefix, EndPrefix   = 345, 500
	OffTrailer, EndTrailer = 508, 512
)

// What tells the formats of headers apart: the magic, and star's trailer.
const (
	MagicPOSIX = "ustar\x0000"
	MagicGNU   = "ustar  \x00"
	MagicV7    = "\x00\x00\x00\x00\x00\x00\x00\x00"
	TrailStar  = "tar\x00"
)

// MaxExtension bounds a pax header or GNU long name in bytes; git, npm and the tars of macOS stay far below.
const MaxExtension = 64 << 10

// Sum is the sum of the header's bytes with spaces for the checksum itself.
func (b *Block) Sum() int64 {
	sum := int64(' ') * (EndSum - OffSum)
	for i, c := range b {
		if i < OffSum || i >= EndSum {
			sum += int64(c)
		}
	}
	return sum
}

// Intact reports whether the block is a header with the right checksum.
func (b *Block) Intact() bool {
	sum, ok := ParseOctal(b[OffSum:EndSum])
	return ok && sum == b.Sum()
}

// Name is the entry's, with the prefix of POSIX in front.
func (b *Block) Name() string {
	name := UntilNUL(b[OffName:EndName])
	if prefix := UntilNUL(b[OffPrefix:EndPrefix]); prefix != "" && string(b[OffMagic:EndMagic]) == MagicPOSIX {
		return prefix + "/" + name
	}
	return name
}

// Numbers are the fields of mode, time and owners, which must be octal; but those of owners above 2097151, which GNU tar writes in base 256.
func (b *Block) Numbers() [][]byte {
	fields := [][]byte{b[OffMode:EndMode], b[OffTime:EndTime]}
	for _, owner := range [][]byte{b[OffUID:EndUID], b[OffGID:EndGID]} {
		if string(owner[:4]) != "\x80\x00\x00\x00" {
			fields = append(fields, owner)
		}
	}
	return fields
}

// ParseOctal reads spaces, digits and at least one closing space or NUL; a field without digits is zero.
func ParseOctal(field []byte) (n int64, ok bool) {
	digits := bytes.TrimRight(field, " \x00")
	if len(digits) == len(field) {
		return 0, false
	}
	for _, c := range bytes.TrimLeft(digits, " ") {
		if c < '0' || c > '7' {
			return 0, false
		}
		n = n<<3 | int64(c-'0')
	}
	return n, true
}

// UntilNUL is the text of a field.
func UntilNUL(field []byte) string {
	text, _, _ := bytes.Cut(field, []byte{0})
	return string(text)
}

// EndsInNUL reports whether only NULs follow the first NUL.
func EndsInNUL(field []byte) bool {
	return bytes.IndexByte(bytes.TrimRight(field, "\x00"), 0) < 0
}

// Padding is what fills n bytes up to a whole block.
func Padding(n int64) int64 { return -n & (BlockSize - 1) }

// CutRecord divides the first record of a pax header, "length key=value\n", from what follows it.
func CutRecord(s string) (key, value, rest string, ok bool) {
	digits, _, ok := strings.Cut(s[:min(len(s), 20)], " ")
	n, err := strconv.ParseUint(digits, 10, 31)
	if !ok || err != nil || int(n) > len(s) || int(n) <= len(digits)+1 || s[n-1] != '\n' {
		return "", "", "", false
	}
	key, value, ok = strings.Cut(s[len(digits)+1:n-1], "=")
	return key, value, s[n:], ok && key != ""
}

// Harmless reports whether a reader that divides records at line breaks, as npm's tar and Lumen's client do, finds no other records
// in this one.
func Harmless(key, value string) bool {
	if !strings.Contains(key, ".") {
		return !strings.ContainsAny(key+value, "\n\x00")
	}
	lines := strings.Split(key+"="+value, "\n")
	for _, line := range lines[1:] {
		line = strings.TrimLeftFunc(line, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
		if line != "" && strings.IndexByte("+-0123456789", line[0]) >= 0 {
			return false
		}
	}
	return true
}
