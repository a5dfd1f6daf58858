package tarball

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/mholt/archives"
)

// source reads compressed bytes. Its own failure, of a network say, is kept
// apart from what is wrong with the bytes.
type source struct {
	*bufio.Reader // decompressors read from it byte by byte and stop exactly at their end
	from          *origin
}

type origin struct {
	r   io.Reader
	n   int64
	err error
}

func newSource(r io.Reader) *source {
	o := &origin{r: r}
	return &source{Reader: bufio.NewReaderSize(o, bufSize), from: o}
}

func (o *origin) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	o.n += int64(n)
	if err != nil && err != io.EOF {
		o.err = err
	}
	return n, err
}

// used is how many bytes have been read and taken.
func (s *source) used() int64 { return s.from.n - int64(s.Buffered()) }

// gunzip opens the one gzip member of the source.
func (s *source) gunzip() (io.Reader, error) {
	magic, _ := s.Peek(2)
	switch {
	case s.from.err != nil:
		return nil, s.from.err
	case len(magic) == 0:
		return nil, bad("the archive is empty; a package is a gzip-compressed tar file")
	case string(magic) != "\x1f\x8b":
		return nil, s.notGzip()
	}
	z, err := archives.Gz{DisableMultistream: true}.OpenReader(s.Reader)
	if err != nil {
		return nil, s.refusal(err)
	}
	return &inflated{r: z, src: s}, nil
}

// notGzip says what the bytes are instead. Only their first ones are looked at
// and nothing is decompressed: archives.Identify would open any format there is.
func (s *source) notGzip() error {
	start, _ := s.Peek(4 << 10)
	if s.from.err != nil {
		return s.from.err
	}
	for _, f := range []struct {
		name   string
		format archives.Format
	}{
		{"a zip archive", archives.Zip{}}, {"an uncompressed tar archive", archives.Tar{}},
		{"a bzip2 file", archives.Bz2{}}, {"an xz file", archives.Xz{}}, {"a zstandard file", archives.Zstd{}},
		{"an lz4 file", archives.Lz4{}}, {"an lzip file", archives.Lzip{}},
		{"a 7-Zip archive", archives.SevenZip{}}, {"a rar archive", archives.Rar{}},
	} {
		if m, err := f.format.Match(context.Background(), "", bytes.NewReader(start)); err == nil && m.ByStream {
			return bad("this is %s; a package is a gzip-compressed tar file", f.name)
		}
	}
	return bad("this is not a gzip file; a package is a gzip-compressed tar file")
}

// atEnd refuses bytes after the compressed data.
func (s *source) atEnd(what string) error {
	more, err := s.Peek(2)
	switch {
	case s.from.err != nil:
		return s.from.err
	case string(more) == "\x1f\x8b":
		return bad("%s has more than one gzip member", what)
	case len(more) > 0:
		return bad("%s has data after its compressed end", what)
	case err != io.EOF:
		return err
	}
	return nil
}

// refusal explains an error of a decompressor.
func (s *source) refusal(err error) error {
	switch {
	case s.from.err != nil:
		return s.from.err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return bad("the archive is cut off: its compressed data ends too early")
	case errors.Is(err, gzip.ErrChecksum):
		return bad("the archive's content does not have the checksum and size that its gzip trailer states")
	}
	return bad("the archive's compressed data is broken").With("reason", err.Error())
}

// inflated turns the errors of a decompressor into refusals.
type inflated struct {
	r   io.Reader
	src *source
}

func (i *inflated) Read(p []byte) (int, error) {
	n, err := i.r.Read(p)
	if err != nil && err != io.EOF {
		err = i.src.refusal(err)
	}
	return n, err
}

// inflate reads the raw deflate data of the source.
func (s *source) inflate() io.Reader { return &inflated{r: flate.NewReader(s.Reader), src: s} }
