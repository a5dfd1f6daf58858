package s3blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/spool"
)

// inMemory bytes of a blob wait in memory; a larger one waits in a file.
const inMemory = 256 << 10

const copyBuffer = 64 << 10

// received are the bytes of a blob on their way to the bucket.
type received struct {
	memory bytes.Buffer
	file   *spool.File // nil: all is in memory
	size   int64
	digest digest.SHA256
}

// receive reads r to its end and checks its digest. An error of r is returned as it is.
func (s *Store) receive(ctx context.Context, key blob.Key, r io.Reader) (_ *received, err error) {
	b := &received{}
	defer func() {
		if err != nil {
			_ = b.Close() // the folder is emptied at the next start
		}
	}()
	hash, buf := sha256.New(), make([]byte, copyBuffer)
	for err != io.EOF {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var n int
		if n, err = r.Read(buf); err != nil && err != io.EOF {
			return nil, err
		}
		hash.Write(buf[:n])
		if err := b.write(s.spool, buf[:n]); err != nil {
			return nil, fmt.Errorf("spooling a blob: %w", err)
		}
	}
	hash.Sum(b.digest[:0])
	if !key.Digest.IsZero() && key.Digest != b.digest {
		return nil, fmt.Errorf("putting blob %s: got bytes of %s: %w", key, b.digest, blob.ErrDigest)
	}
	return b, ctx.Err()
}

func (b *received) write(folder spool.Spool, p []byte) (err error) {
	b.size += int64(len(p))
	if b.file == nil && b.size <= inMemory {
		b.memory.Write(p)
		return nil
	}
	if b.file == nil {
		if b.file, err = folder.File(); err != nil {
			return err
		}
		if _, err := b.file.Write(b.memory.Bytes()); err != nil {
			return err
		}
		b.memory = bytes.Buffer{}
	}
	_, err = b.file.Write(p)
	return err
}

// section is a reader of its own of n bytes.
func (b *received) section(from, n int64) *io.SectionReader {
	if b.file == nil {
		return io.NewSectionReader(bytes.NewReader(b.memory.Bytes()), from, n)
	}
	return io.NewSectionReader(b.file, from, n)
}

// Close removes the file.
func (b *received) Close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}
