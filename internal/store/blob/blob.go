// Package blob is the contract of the byte stores: immutable, content-addressed
// blobs. Drivers live beside it (fsblob, ...) and all pass blobtest.
//
// The laws:
//  1. A blob's key is its Space and the SHA-256 of its bytes; equal bytes in one space are stored once.
//  2. When Put returns nil the bytes are durable: a crash right after loses nothing.
//  3. A Put that fails, is cancelled or dies leaves nothing that Open, Stat or List can see.
//  4. Open and Stat of an absent key answer ErrNotFound; Delete of an absent key succeeds.
//  5. Every method is safe for concurrent use. A blob opened before its Delete stays readable to its end.
package blob

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/org/registry-action/internal/format/digest"
)

// The errors of a Store, to be tested with errors.Is.
var (
	ErrNotFound = errors.New("blob not found")
	// ErrDigest: the bytes given to Put are not those the key names.
	ErrDigest = errors.New("bytes do not have the digest they were announced with")
)

// Space is a class of blobs with its own life: one key prefix of the store.
type Space string

// The spaces.
const (
	Commits  Space = "commits"  // commit artifacts: expire
	Packages Space = "packages" // release artifacts: stay
)

// Key addresses a blob.
type Key struct {
	Space  Space
	Digest digest.SHA256
}

// Info describes a stored blob.
type Info struct {
	Key
	Size    int64     // bytes
	ModTime time.Time // when it was stored
}

// Blob is an open blob. Where the driver keeps plain files it is an *os.File,
// so that the kernel can send it.
type Blob interface {
	io.ReadSeekCloser
	io.ReaderAt
}

// Store keeps blobs.
type Store interface {
	// Put stores the bytes of r. With a zero key.Digest the store computes the
	// digest; else bytes of another digest are refused with ErrDigest. An error
	// of r is returned as it is and nothing is kept, so a reader that checks
	// what passes through it decides whether the blob comes to be. created is
	// false if the store had these bytes already.
	Put(ctx context.Context, key Key, r io.Reader) (info Info, created bool, err error)
	Open(ctx context.Context, key Key) (Blob, Info, error)
	Stat(ctx context.Context, key Key) (Info, error)
	Delete(ctx context.Context, key Key) error
	// List yields the blobs of a space in the order of their digests,
	// starting after the given one (zero: from the first).
	List(ctx context.Context, space Space, after digest.SHA256) iter.Seq2[Info, error]
}
