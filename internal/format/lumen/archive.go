package lumen

import (
	"cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/ustar"
)

// Limits bound an archive; zero fields stand for the defaults.
type Limits struct {
	Entries  int   // files and folders, those that names imply too; 20,000, as the client has it
	Unpacked int64 // bytes of all files; 512 MiB, as the client has it
	Ratio    int64 // how many bytes a compressed one may become, past 64 MiB; 200

	ratioFrom int64 // 64 MiB; tests can't wait for so much
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Entries:   cmp.Or(l.Entries, 20_000),
		Unpacked:  cmp.Or(l.Unpacked, 512<<20),
		Ratio:     cmp.Or(l.Ratio, 200),
		ratioFrom: cmp.Or(l.ratioFrom, 64<<20),
	}
}

// tarBytes is how large a tar within the limits can be: an entry's header, the one that extends it, and what fills blocks.
func (l Limits) tarBytes() int64 { return l.Unpacked + int64(l.Entries)*6*ustar.BlockSize + 1<<20 }

func (l Limits) unpackedTooLarge() error {
	return tooLarge("the package unpacks to more than %s; that is the limit", fault.Bytes(l.Unpacked))
}

func (l Limits) tooMany() error {
	return tooLarge("the package has more than %d files and folders; that is the limit", l.Entries)
}

// Archive is what a checked archive says about itself.
type Archive struct {
	Manifest  Manifest
	Integrity Integrity
	Tar       digest.Sums // of the plain tar
	Size      int64       // bytes of the plain tar
	Gzipped   bool        // it was sent compressed
	Sent      digest.SHA256
	SentSize  int64  // bytes
	Readme    string // its first 64 KiB, UTF-8
	Files     int
	Unpacked  int64 // bytes of all files
}
