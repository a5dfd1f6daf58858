// Package transfer copies all rows and all blobs of a registry from one pair of stores to another while the registry
// goes on, and compares the two.
//
// A Gate in front of the metadata remembers which rows were changed meanwhile, and stops all writes for the last,
// short pass. Every pass looks at what the target has and writes only what is missing or differs, so that one which
// was killed is simply begun again. Which stores, where the registry finds them afterwards, and whose the target is, is
// the caller's affair.
package transfer

import (
	"sync/atomic"

	"github.com/org/registry-action/internal/store/kv"
)

// Partition has rows about a store itself. They are never copied, and not compared.
const Partition = "store"

// own reports whether a row belongs to the store it is in, and not to the registry.
func own(k kv.Key) bool { return k.Partition == Partition }

// Progress counts what was done. Its methods are safe for concurrent use.
type Progress struct {
	rows, rowsCopied, blobs, blobsCopied, bytes atomic.Int64
}

// Counts are those of a Progress.
type Counts struct {
	Rows        int64 // looked at
	RowsCopied  int64
	Blobs       int64 // looked at
	BlobsCopied int64
	Bytes       int64 // of the blobs copied
}

// Counts returns what was counted so far.
func (p *Progress) Counts() Counts {
	return Counts{
		Rows: p.rows.Load(), RowsCopied: p.rowsCopied.Load(),
		Blobs: p.blobs.Load(), BlobsCopied: p.blobsCopied.Load(), Bytes: p.bytes.Load(),
	}
}
