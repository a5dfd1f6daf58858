package tarball

import (
	"io"
	"io/fs"

	"github.com/org/registry-action/internal/format/digest"
)

// Part names a run of bytes that is stored as one blob.
type Part struct {
	Digest digest.SHA256 `json:"digest"`
	Size   int64         `json:"size"` // bytes
}

// Run is a compressed run with what is needed to join it to another.
type Run struct {
	Part
	CRC32   uint32 `json:"crc32"`           // of the uncompressed bytes
	RawSize int64  `json:"rawSize"`         // uncompressed bytes
	Holes   bool   `json:"holes,omitempty"` // the head has holes for the digits of its commit; see FillHead
}

// Recipe says how a split tarball is put together again.
type Recipe struct {
	Head  Part   `json:"head"`
	Body  Part   `json:"body"`
	CRC32 uint32 `json:"crc32"`           // of the uncompressed tar
	Raw   int64  `json:"rawSize"`         // bytes of the uncompressed tar
	Holes bool   `json:"holes,omitempty"` // the head has holes for the digits of its commit; see FillHead
}

// File is an entry to pack.
type File struct {
	Name       string      // slash-separated, relative to the package's folder
	Size       int64       // bytes; an Open that yields another number of bytes fails the pack
	Mode       fs.FileMode // as on disk
	Executable bool        // a `bin`: gets 0111
	Open       func() (io.ReadCloser, error)
}
