package zig

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
)

const hashBuffer = 256 << 10

// digest hashes files and links, which are in the order of their names, one worker for each processor.
func (t *Tree) digest(ctx context.Context, files []Entry) (digest.SHA256, error) {
	sums := make([]byte, len(files)*sha256.Size)
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		group.Go(func() error {
			h := hasher{tree: t, buf: make([]byte, hashBuffer)}
			for {
				i := int(next.Add(1)) - 1
				if i >= len(files) {
					return nil
				}
				if err := h.sum(ctx, files[i], sums[i*sha256.Size:][:0]); err != nil {
					return err
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		return digest.SHA256{}, err
	}
	return digest.Of(sums), nil
}

// hasher is one worker's state.
type hasher struct {
	tree *Tree
	buf  []byte
}

// sum appends the hash of one entry to dst: of a file its path, two zero bytes and the content; of a link its path and target.
func (h *hasher) sum(ctx context.Context, e Entry, dst []byte) error {
	sum := sha256.New()
	if e.Kind == Link {
		io.WriteString(sum, e.Name+e.Link)
		sum.Sum(dst)
		return nil
	}
	io.WriteString(sum, e.Name+"\x00\x00")
	if err := h.tree.copy(ctx, e, sum, h.buf); err != nil {
		return err
	}
	sum.Sum(dst)
	return nil
}

// copy copies the content of a file, which must have exactly its size.
func (t *Tree) copy(ctx context.Context, e Entry, w io.Writer, buf []byte) error {
	r, err := t.open(e)
	if err != nil {
		return fmt.Errorf("opening %s of a package: %w", e.Name, err)
	}
	defer r.Close()
	var n int64
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		k, err := r.Read(buf)
		if n += int64(k); n > e.Size {
			return changed(e)
		}
		if _, err := w.Write(buf[:k]); err != nil {
			return err
		}
		switch {
		case err == io.EOF && n < e.Size:
			return changed(e)
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("reading %s of a package: %w", e.Name, err)
		}
	}
}

func changed(e Entry) error {
	return fault.New(fault.Invalid, "%s changed while it was being read: it no longer has its %d bytes; try again", e.Name, e.Size)
}
