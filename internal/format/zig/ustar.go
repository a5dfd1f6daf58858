package zig

import (
	"bytes"
	"strconv"

	"github.com/org/registry-action/internal/format/ustar"
)

// What compilers look at in GNU's headers: whether more blocks of its sparse map follow, in the header and in such a block.
const offSparse, offSparseNext = 482, 504

// endMagic is where the magic ends for compilers.
const endMagic = 263

type block ustar.Block

// intact reports whether the block is a header with the right checksum.
func (b *block) intact() bool {
	sum, ok := parseOctal(b[ustar.OffSum:ustar.EndSum])
	if !ok || sum == 0 {
		return false
	}
	unsigned, signed := b.sums()
	return sum == unsigned || sum == signed
}

// sums are the sums of the header's bytes with spaces for the checksum itself; old programs took bytes as signed.
func (b *block) sums() (unsigned, signed int64) {
	for i, c := range b {
		if i >= ustar.OffSum && i < ustar.EndSum {
			c = ' '
		}
		unsigned += int64(c)
		signed += int64(int8(c))
	}
	return unsigned, signed
}

func (b *block) text(from, to int) string { return ustar.UntilNUL(b[from:to]) }

// fullName has ustar's prefix in front.
func (b *block) fullName() string {
	name, magic := b.text(ustar.OffName, ustar.EndName), string(b[ustar.OffMagic:endMagic])
	if prefix := b.text(ustar.OffPrefix, ustar.EndPrefix); prefix != "" && (magic == "ustar\x00" || magic == "ustar ") {
		return prefix + "/" + name
	}
	return name
}

func (b *block) size() (int64, bool) {
	field := b[ustar.OffSize:ustar.EndSize]
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
