package zig

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mholt/archives"

	"github.com/org/registry-action/internal/fault"
)

const copySize = 128 << 10

// origin reads the compressed bytes. Its own failure, of a disk say, is kept apart from what is wrong with the bytes.
type origin struct {
	r   io.Reader
	n   int64
	err error
}

func (o *origin) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	o.n += int64(n)
	if err != nil && err != io.EOF {
		o.err = err
	}
	return n, err
}

// inflate decompresses src into scratch and returns the length of the tar.
func (b *builder) inflate(ctx context.Context, src io.ReaderAt, size int64, scratch *os.File) (int64, error) {
	from := &origin{r: io.NewSectionReader(src, 0, size)}
	in := bufio.NewReaderSize(from, copySize) // gzip takes single bytes from it and stops at its end
	r, err := decompressor(b.tree.Format, in)
	if err != nil {
		return 0, from.refusal(err)
	}
	defer r.Close()
	n, err := b.copyBounded(ctx, io.NewOffsetWriter(scratch, 0), r, from)
	if err != nil {
		return 0, err
	}
	b.tree.trailing, err = trailing(b.tree.Format, in, from)
	return n, err
}

// decompressor opens compressed data. Of gzip only the first member counts, for compilers read no other.
func decompressor(format string, r io.Reader) (io.ReadCloser, error) {
	switch format {
	case "tar.gz":
		return archives.Gz{DisableMultistream: true}.OpenReader(r)
	case "tar.xz":
		return archives.Xz{}.OpenReader(r) // its own bound of the dictionary is 64 MiB
	}
	return archives.Zstd{DecoderOptions: []zstd.DOption{
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow),
	}}.OpenReader(r)
}

// copyBounded copies within the limits of a tar.
func (b *builder) copyBounded(ctx context.Context, w io.Writer, r io.Reader, from *origin) (int64, error) {
	buf := make([]byte, copySize)
	var total int64
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, readErr := r.Read(buf)
		total += int64(n)
		if total > b.lim.tarBytes() {
			return 0, b.lim.unpackedTooLarge()
		}
		if err := b.lim.checkRatio(total, from.n); err != nil {
			return 0, err
		}
		if _, err := w.Write(buf[:n]); err != nil {
			return 0, fmt.Errorf("writing an unpacked archive: %w", err)
		}
		if readErr == io.EOF {
			return total, nil
		}
		if readErr != nil {
			return 0, from.refusal(readErr)
		}
	}
}

// trailing says what follows a gzip member.
func trailing(format string, in *bufio.Reader, from *origin) (string, error) {
	if format != "tar.gz" {
		return "", nil
	}
	more, _ := in.Peek(2)
	switch {
	case from.err != nil:
		return "", fmt.Errorf("reading an archive: %w", from.err)
	case string(more) == "\x1f\x8b":
		return "a second gzip member", nil
	case len(more) > 0:
		return "other data", nil
	}
	return "", nil
}

// refusal explains an error of a decompressor.
func (o *origin) refusal(err error) error {
	switch {
	case o.err != nil:
		return fmt.Errorf("reading an archive: %w", o.err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return bad("the archive is cut off: its compressed data ends too early; send it again")
	case errors.Is(err, gzip.ErrChecksum):
		return bad("the archive's content does not have the checksum and size that its gzip trailer states; send it again")
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return bad("the archive's zstd window is larger than %s; compress it with a lower level", fault.Bytes(maxWindow))
	}
	return bad("the archive's compressed data is broken; send it again").With("reason", err.Error())
}
