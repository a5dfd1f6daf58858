package lumen

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/org/registry-action/internal/format/digest"
)

const bufSize = 64 << 10

// origin reads the bytes that were sent. Its own failure, of a network say, is kept apart from what is wrong with the bytes.
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

// source reads the plain tar of what was sent, hashes it and writes it to w on the way, within the limits.
type source struct {
	from  *origin
	sent  hash.Hash // of what was sent, if it is compressed
	plain io.Reader
	w     io.Writer
	sums  *digest.Hasher
	lim   Limits
}

func newSource(r io.Reader, w io.Writer, lim Limits) (*source, error) {
	s := &source{from: &origin{r: r}, w: w, sums: digest.NewHasher(), lim: lim}
	in := bufio.NewReaderSize(s.from, bufSize)
	start, _ := in.Peek(2)
	switch {
	case s.from.err != nil:
		return nil, fmt.Errorf("reading an archive: %w", s.from.err)
	case len(start) == 0:
		return nil, bad("the archive is empty; send a tar of the package's folder")
	case string(start) != "\x1f\x8b":
		s.plain = in
		return s, nil
	}
	s.sent = sha256.New()
	z, err := gzip.NewReader(bufio.NewReaderSize(io.TeeReader(in, s.sent), bufSize))
	if err != nil {
		return nil, s.refusal(err)
	}
	s.plain = z
	return s, nil
}

// Read returns errors of what was sent as they are; what is wrong with the bytes is a refusal.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.plain.Read(p)
	s.sums.Write(p[:n])
	total := s.sums.Size()
	switch {
	case total > s.lim.tarBytes():
		return 0, s.lim.unpackedTooLarge()
	case s.sent != nil && total > s.lim.ratioFrom && total/s.lim.Ratio > s.from.n:
		return 0, tooLarge("the archive expands more than %d times; that is the limit", s.lim.Ratio)
	}
	if _, err := s.w.Write(p[:n]); err != nil {
		return 0, fmt.Errorf("writing a plain tar: %w", err)
	}
	if err != nil && err != io.EOF {
		err = s.refusal(err)
	}
	return n, err
}

// refusal explains an error of the decompressor.
func (s *source) refusal(err error) error {
	switch {
	case s.from.err != nil:
		return s.from.err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return bad("the archive is cut off: its compressed data ends too early; send it again")
	case errors.Is(err, gzip.ErrChecksum):
		return bad("the archive's content does not have the checksum and size that its gzip trailer states; send it again")
	}
	return bad("the archive's compressed data is broken, or something follows it; send it again").With("reason", err.Error())
}

// describe enters what is known at the end of the tar.
func (s *source) describe(a *Archive) {
	a.Tar, a.Size = s.sums.Sums(), s.sums.Size()
	a.Sent, a.SentSize = a.Tar.SHA256, a.Size
	if s.sent != nil {
		a.Gzipped = true
		a.Sent, a.SentSize = digest.SHA256(s.sent.Sum(nil)), s.from.n
	}
}
