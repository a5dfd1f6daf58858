package tarball

import "hash/crc32"

// combineCRC returns the CRC-32 (IEEE) of a followed by b from the CRCs of the
// two and the length of b in bytes.
//
// A CRC is the remainder of the message as a polynomial over GF(2). Appending n
// zero bytes multiplies it by x^(8n), and the CRC's initial and final inversions
// cancel out between a and b.
func combineCRC(a, b uint32, n int64) uint32 {
	const one, x8 = 1 << 31, 1 << 23 // reflected: bit 31 is x^0
	shift := uint32(one)
	for square := uint32(x8); n > 0; n >>= 1 {
		if n&1 != 0 {
			shift = mulCRC(shift, square)
		}
		square = mulCRC(square, square)
	}
	return mulCRC(a, shift) ^ b
}

// mulCRC multiplies two reflected polynomials modulo the CRC's own.
func mulCRC(a, b uint32) uint32 {
	var product uint32
	for bit := uint32(1 << 31); bit != 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
		}
		carry := b & 1
		b >>= 1
		if carry != 0 {
			b ^= crc32.IEEE
		}
	}
	return product
}
