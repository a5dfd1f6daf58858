package lumen

import (
	"bytes"
	"slices"
)

// The fields of a tar header: offset and end.
const (
	blockSize = 512

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
	offTrailer, endTrailer = 508, 512

	magicPOSIX = "ustar\x0000"
	magicGNU   = "ustar  \x00"
	magicV7    = "\x00\x00\x00\x00\x00\x00\x00\x00"
	trailStar  = "tar\x00"
)

type block [blockSize]byte

// intact reports whether the block is a header with the right checksum.
func (b *block) intact() bool {
	sum, ok := parseOctal(b[offSum:endSum])
	want := int64(' ') * (endSum - offSum)
	for i, c := range b {
		if i < offSum || i >= endSum {
			want += int64(c)
		}
	}
	return ok && sum == want
}

// plain reports whether the header is of one of the three formats, and has nothing that only some readers see or stumble
// over: text behind the end of a field, numbers that are none, the shorter prefix of star.
func (b *block) plain() bool {
	numbers := [][]byte{b[offMode:endMode], b[offTime:endTime]}
	for _, owner := range [][]byte{b[offUID:endUID], b[offGID:endGID]} {
		if string(owner[:4]) != "\x80\x00\x00\x00" { // GNU tar writes owners above 2097151 in base 256
			numbers = append(numbers, owner)
		}
	}
	if string(b[offMagic:endMagic]) != magicV7 {
		numbers = append(numbers, b[offMajor:endMajor], b[offMinor:endMinor])
	}
	for _, field := range numbers {
		if _, ok := parseOctal(field); !ok {
			return false
		}
	}
	if !endsInNUL(b[offName:endName]) || !endsInNUL(b[offLink:endLink]) {
		return false
	}
	switch string(b[offMagic:endMagic]) {
	case magicPOSIX:
		return endsInNUL(b[offPrefix:endPrefix]) && string(b[offTrailer:endTrailer]) != trailStar
	case magicGNU, magicV7:
		return !slices.ContainsFunc(b[offPrefix:], func(c byte) bool { return c != 0 })
	}
	return false
}

// name is the entry's, with the prefix of ustar in front.
func (b *block) name() string {
	name := untilNUL(b[offName:endName])
	if prefix := untilNUL(b[offPrefix:endPrefix]); prefix != "" && string(b[offMagic:endMagic]) == magicPOSIX {
		return prefix + "/" + name
	}
	return name
}

// parseOctal reads spaces, digits and at least one closing space or NUL; a field without digits is zero.
func parseOctal(field []byte) (n int64, ok bool) {
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

func untilNUL(field []byte) string {
	text, _, _ := bytes.Cut(field, []byte{0})
	return string(text)
}

// endsInNUL reports whether only NULs follow the first NUL.
func endsInNUL(field []byte) bool {
	return bytes.IndexByte(bytes.TrimRight(field, "\x00"), 0) < 0
}

// padding is what fills n bytes up to a whole block.
func padding(n int64) int64 { return -n & (blockSize - 1) }
