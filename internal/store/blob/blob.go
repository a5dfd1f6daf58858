// Package blob is the contract of the byte stores: immutable, content-addressed
// blobs. Drivers live beside it (fsblob, ...) and all pass blobtest.
//
// The laws:
//  1. A blob's key is its Space and the SHA-256 of its bytes; equal bytes in one space are stored once.
//  2. When Put returns nil the bytes are durable: a crash right after loses nothing. That holds too when another
//     Put brought them.
//  3. A Put whose reader fails or has the wrong bytes, that is cancelled or dies, leaves nothing that Open, Stat
//     or List can see. A blob is seen whole or not at all.
//  4. Open and Stat of an absent key answer ErrNotFound; Delete of an absent key succeeds.
//  5. Every method is safe for concurrent use. A blob opened before its Delete stays readable to its end.
//  6. A Delete lost in a crash may leave the blob; never the other way round.
//  7. A space that Space.Validate refuses fails every method with ErrSpace.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/org/registry-action/internal/format/digest"
)

// The errors of a Store, to be tested with errors.Is.
var (
	ErrNotFound = errors.New("blob not found")
	// ErrDigest: the bytes given to Put are not those the key names.
	ErrDigest = errors.New("bytes do not have the digest they were announced with")
	// ErrSpace: the name of a space is not lower-case letters a-z.
	ErrSpace = errors.New("a space is named by lower-case letters a-z")
)

// Space is a class of blobs with its own life: one key prefix of the store.
type Space string

// The spaces.
const (
	Commits  Space = "commits"  // commit artifacts: expire
	Packages Space = "packages" // release artifacts: stay
)

// Validate refuses a name that is not 1 to 32 letters a-z, with ErrSpace.
func (s Space) Validate() error {
	if s == "" || len(s) > 32 || strings.Trim(string(s), "abcdefghijklmnopqrstuvwxyz") != "" {
		return fmt.Errorf("space %.40q: %w", string(s), ErrSpace)
	}
	return nil
}

// Key addresses a blob.
type Key struct {
	Space  Space
	Digest digest.SHA256
}

func (k Key) String() string { return string(k.Space) + "/" + k.Digest.Hex() }

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
	// what passes through it decides whether the blob comes to be: r is read to
	// its end even if the store has the blob. created is false if it had; of
	// several Puts of the same new bytes exactly one creates. ctx is looked at
	// between reads of r.
	Put(ctx context.Context, key Key, r io.Reader) (info Info, created bool, err error)
	// Open opens a blob at its start; the caller closes it.
	Open(ctx context.Context, key Key) (Blob, Info, error)
	// Stat describes a blob.
	Stat(ctx context.Context, key Key) (Info, error)
	// Delete removes a blob, there or not.
	Delete(ctx context.Context, key Key) error
	// List yields the blobs of a space in the order of their digests,
	// starting after the given one (zero: from the first); an error ends it.
	// Blobs stored or deleted meanwhile may be yielded or not.
	List(ctx context.Context, space Space, after digest.SHA256) iter.Seq2[Info, error]
}
