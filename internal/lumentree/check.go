package lumentree

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"

	"github.com/org/registry-action/internal/format/digest"
)

// errChanged says that a file is not what the listing said of it: the registry has changed since.
var errChanged = errors.New("the registry changed while it was read")

// checked reads a file that must have the size and digest it is listed with.
type checked struct {
	r    io.Reader
	want File
	hash hash.Hash
	size int64
}

func newChecked(r io.Reader, want File) *checked {
	return &checked{r: io.LimitReader(r, want.Size+1), want: want, hash: sha256.New()}
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.hash.Write(p[:n])
	c.size += int64(n)
	if errors.Is(err, io.EOF) && (c.size != c.want.Size || digest.SHA256(c.hash.Sum(nil)) != c.want.Digest) {
		return n, errChanged
	}
	return n, err
}

// SumOf hashes a file of a tree.
func SumOf(ctx context.Context, t Tree, path string) (d digest.SHA256, err error) {
	r, err := t.Open(ctx, path)
	if err != nil {
		return d, err
	}
	h := sha256.New()
	_, err = io.Copy(h, r)
	return digest.SHA256(h.Sum(nil)), errors.Join(err, r.Close())
}
