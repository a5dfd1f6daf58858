package tarball

import "encoding/binary"

const (
	headerSize  = 10
	trailerSize = 8
)

// Join says how head and body become one tarball.
func Join(head, body Run) Recipe {
	return Recipe{
		Head:  head.Part,
		Body:  body.Part,
		CRC32: combineCRC(head.CRC32, body.CRC32, body.RawSize),
		Raw:   head.RawSize + body.RawSize,
		Holes: head.Holes,
	}
}

// Size is the number of bytes of the joined .tgz.
func (r Recipe) Size() int64 { return headerSize + r.Head.Size + r.Body.Size + trailerSize }

// Header is the gzip header: deflate, no flags, no time, XFL 2 and an unknown
// OS, the constants of npm's tarballs.
func (Recipe) Header() []byte {
	return []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff}
}

// Trailer is the gzip trailer: the CRC-32 and the size mod 2^32 of the tar.
func (r Recipe) Trailer() []byte {
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, trailerSize), r.CRC32)
	return binary.LittleEndian.AppendUint32(b, uint32(r.Raw))
}
