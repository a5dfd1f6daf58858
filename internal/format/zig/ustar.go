package zig

import (
	"bytes"
	"strconv"
)

// The parts of a tar header that compilers look at: offset and end.
const (
	blockSize = 512

	offName, endName     = 0, 100
	offSize, endSize     = 124, 136
	offSum, endSum       = 148, 156
	offType              = 156
	offLink, endLink     = 157, 257
	offMagic, endMagic   = 257, 263
	offPrefix, endPrefix = 345, 500
	offSparse            = 482 // whether more blocks of GNU's sparse map follow
	offSparseNext        = 504
)

type block [blockSize]byte

// intact reports whether the block is a header with the right checksum.
func (b *block) intact() bool {
	sum, ok := parseOctal(b[offSum:endSum])
	if !ok || sum == 0 {
		return false
	}
	unsigned, signed := b.sums()
	return sum == unsigned || sum == signed
}

// sums are the sums of the header's bytes with spaces for the checksum itself; old programs took bytes as signed.
func (b *block) sums() (unsigned, signed int64) {
	for i, c := range b {
		if i >= offSum && i < endSum {
			c = ' '
		}
		unsigned += int64(c)
		signed += int64(int8(c))
	}
	return unsigned, signed
}

func (b *block) text(from, to int) string { return untilNUL(b[from:to]) }

// fullName has ustar's prefix in front.
func (b *block) fullName() string {
	name, magic := b.text(offName, endName), string(b[offMagic:endMagic])
	if prefix := b.text(offPrefix, endPrefix); prefix != "" && (magic == "ustar\x00" || magic == "ustar ") {
		return prefix + "/" + name
	}
	return name
}

func (b *block) size() (int64, bool) {
	field := b[offSize:endSize]
	switch field[0] {
	case 0xff:
		return 0, false
	case 0x80: // base 256
		var n int64
		for i, c := range field[1:] {
			if i < 4 && c != 0 {
				return 0, false
			}
			n = n<<8 | int64(c)
		}
		return n, n >= 0
	}
	return parseOctal(field)
}

func parseOctal(field []byte) (int64, bool) {
	digits := bytes.TrimRight(bytes.TrimLeft(field, "0 "), " \x00")
	if len(digits) == 0 {
		return 0, true
	}
	n, err := strconv.ParseUint(string(digits), 8, 63)
	return int64(n), err == nil
}

func untilNUL(b []byte) string {
	text, _, _ := bytes.Cut(b, []byte{0})
	return string(text)
}

// padding is what fills n bytes up to a whole block.
func padding(n int64) int64 { return -n & (blockSize - 1) }
