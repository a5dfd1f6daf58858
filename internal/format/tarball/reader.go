package tarball

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// smallWrite is how much of a part is copied through memory: below it a
// buffered response saves more system calls than the kernel's copy does.
const smallWrite = 4 << 10

// Reader reads the joined tarball of a recipe. It is an io.ReadSeeker for one
// goroutine; it closes nothing.
type Reader struct {
	parts [4]part
	size  int64
	pos   int64
}

type part struct {
	r           io.ReadSeeker
	start, size int64
	at          int64 // where r stands; -1: not known
}

// NewReader joins the blobs of a recipe; a head that has holes must have been
// filled. A blob that is shorter than the recipe
// says makes reads fail with io.ErrUnexpectedEOF.
func NewReader(recipe Recipe, head, body io.ReadSeeker) *Reader {
	r := &Reader{}
	for i, p := range [...]part{
		{r: bytes.NewReader(recipe.Header()), size: headerSize},
		{r: head, size: recipe.Head.Size},
		{r: body, size: recipe.Body.Size},
		{r: bytes.NewReader(recipe.Trailer()), size: trailerSize},
	} {
		p.start, p.at = r.size, -1
		r.size += p.size
		r.parts[i] = p
	}
	return r
}

// Size is the length of the whole in bytes.
func (r *Reader) Size() int64 { return r.size }

// Read reads from one part at a time.
func (r *Reader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	p, left, err := r.current()
	if err != nil {
		return 0, err
	}
	n, err := p.r.Read(b[:min(int64(len(b)), left)])
	r.advance(p, int64(n))
	if err == io.EOF {
		err = nil
		if n == 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

// Seek implements io.Seeker.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.size
	default:
		return 0, fmt.Errorf("seeking in a tarball: whence %d is unknown", whence)
	}
	if offset < 0 {
		return 0, errors.New("seeking in a tarball: before its start")
	}
	r.pos = offset
	return offset, nil
}

// WriteSection writes the next n bytes to w and returns how many it wrote, with
// io.EOF if the tarball ends before. Large parts are handed over as
// io.LimitedReader over the blob itself, so that a w with ReadFrom can let the
// kernel copy them; an http.ResponseWriter does if the length was announced.
func (r *Reader) WriteSection(w io.Writer, n int64) (written int64, err error) {
	for n > 0 {
		p, left, err := r.current()
		if err != nil {
			return written, err
		}
		left = min(left, n)
		k, err := copyPart(w, p.r, left)
		r.advance(p, k)
		written += k
		n -= k
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			p.at = -1
			return written, err
		}
	}
	return written, nil
}

func copyPart(w io.Writer, r io.Reader, n int64) (int64, error) {
	if n > smallWrite {
		return io.CopyN(w, r, n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return 0, err
	}
	k, err := w.Write(b)
	return int64(k), err
}

// current returns the part at the position, its reader set there, and how many
// bytes of it are left; io.EOF after the last.
func (r *Reader) current() (p *part, left int64, err error) {
	for i := range r.parts {
		p = &r.parts[i]
		offset := r.pos - p.start
		if offset >= p.size {
			continue
		}
		if p.at != offset {
			if _, err := p.r.Seek(offset, io.SeekStart); err != nil {
				return nil, 0, fmt.Errorf("seeking in a part of a tarball: %w", err)
			}
			p.at = offset
		}
		return p, p.size - offset, nil
	}
	return nil, 0, io.EOF
}

func (r *Reader) advance(p *part, n int64) {
	p.at += n
	r.pos += n
}
