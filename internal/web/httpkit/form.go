package httpkit

import (
	"bytes"
	"io"
	"mime/multipart"

	"github.com/org/registry-action/internal/fault"
)

// ReadForm hands each part of a multipart body to read, in their order, and
// stops at the first error. A part must be read before read returns; what is
// left of it is skipped. Nothing is kept, and nothing but body bounds the form.
func ReadForm(body io.Reader, boundary string, read func(*Part) error) error {
	end := &tail{r: body}
	parts := multipart.NewReader(end, boundary)
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF && !bytes.Contains(end.last, []byte("--"+boundary+"--")) {
			err = io.ErrUnexpectedEOF // mime/multipart takes a body that is cut off between parts for a whole one
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return formError(err)
		}
		if err := read(&Part{Name: part.FormName(), File: part.FileName() != "", content: part}); err != nil {
			return err
		}
	}
}

// tail keeps the end of what was read: more than mime/multipart reads ahead.
type tail struct {
	r    io.Reader
	last []byte
}

const tailSize = 16 << 10

func (t *tail) Read(p []byte) (int, error) {
	n, err := t.r.Read(p[:min(len(p), tailSize)])
	if over := len(t.last) + n - tailSize; over > 0 {
		t.last = t.last[:copy(t.last, t.last[over:])]
	}
	t.last = append(t.last, p[:n]...)
	return n, err
}

// Part is a field or a file of a form. Reading it gives its content; a form
// that ends inside it is broken, and its error says so.
type Part struct {
	Name    string // of the field, as the client says
	File    bool   // it has a file's name
	content io.Reader
}

// Read implements io.Reader.
func (p *Part) Read(b []byte) (int, error) {
	n, err := p.content.Read(b)
	if err != nil && err != io.EOF {
		err = formError(err)
	}
	return n, err
}

// Text reads a field of at most limit bytes. One that has more is refused as
// fault.TooLarge, in the words of tooLarge.
func (p *Part) Text(limit int64, tooLarge string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(p, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fault.New(fault.TooLarge, "%s", tooLarge)
	}
	return text, nil
}

// Unknown refuses a part that an API does not have; send names those it has.
func (p *Part) Unknown(send string) error {
	return fault.New(fault.Invalid, "part %.100q is not known here; send %s", p.Name, send)
}

// formError makes an error of the form's syntax public.
func formError(err error) error {
	if _, ok := fault.Public(err); ok {
		return err
	}
	return fault.Wrap(err, fault.Invalid, "the multipart body is broken: %v", err)
}
