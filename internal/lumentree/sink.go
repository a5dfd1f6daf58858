package lumentree

import (
	"context"
	"io"

	"github.com/org/registry-action/internal/format/digest"
)

// Sink is where an export writes. Files that are Put become visible, each in one step, by the next Commit at the latest; once it
// returns they are durable. Put may be called by several goroutines at once.
type Sink interface {
	Tree
	// Put writes a file. An error of r, which checks the bytes, means that nothing of it may become visible.
	Put(ctx context.Context, f File, r io.Reader) error
	Commit(ctx context.Context) error
	// Delete removes a file. It succeeds if there is none.
	Delete(ctx context.Context, path string) error
	// Sizes lists what is there, but for hidden files.
	Sizes(ctx context.Context) (map[string]int64, error)
	// Sum hashes a file that is there; the digest may be one that was stored with it.
	Sum(ctx context.Context, path string, reread bool) (digest.SHA256, error)
	Close() error
}
