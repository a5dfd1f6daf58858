// Package spool takes in tarballs whose digest is not known beforehand: each
// waits in a file of its own, checked on its way there, until the request that
// brought it goes through. Nothing in the spool folder outlives its request.
// Archives of other formats are checked by who receives them; they wait in a File too.
package spool

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/tarball"
)

// Spool is a folder for uploads.
type Spool struct {
	Dir        string
	MaxPackage int64          // bytes of one tarball
	Archive    tarball.Limits // zero: the defaults
}

// Upload is a whole tarball that was received and checked.
type Upload struct {
	*File
	Summary tarball.Summary
}

// File is a file in the folder. Closing removes it.
type File struct{ *os.File }

// Close removes the file.
func (f *File) Close() error { return errors.Join(f.File.Close(), os.Remove(f.Name())) }

// File makes an empty file, and the folder should somebody have deleted it. The caller closes it.
func (s Spool) File() (*File, error) {
	const pattern = "upload-*"
	f, err := os.CreateTemp(s.Dir, pattern)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(s.Dir, 0o700); err != nil {
			return nil, err
		}
		f, err = os.CreateTemp(s.Dir, pattern)
	}
	if err != nil {
		return nil, err
	}
	return &File{f}, nil
}

// Receive reads a tarball to its end and checks it. label names it in errors.
// The caller closes the Upload.
func (s Spool) Receive(ctx context.Context, label string, r io.Reader) (_ *Upload, err error) {
	f, err := s.File()
	if err != nil {
		return nil, err
	}
	good := false
	defer func() {
		if !good { // r may panic
			err = errors.Join(err, f.Close())
		}
	}()
	summary, err := s.check(ctx, r, f)
	if err != nil {
		return nil, Named(label, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	good = true
	return &Upload{File: f, Summary: summary}, nil
}

// check copies a tarball to its end and checks it on the way.
func (s Spool) check(ctx context.Context, r io.Reader, w io.Writer) (summary tarball.Summary, err error) {
	checked := tarball.NewCheckingReader(s.Bounded(r, "the tarball"), s.Archive)
	defer func() {
		if err = errors.Join(err, checked.Close()); err == nil {
			summary = checked.Summary()
		}
	}()
	if _, err = io.Copy(w, checked); err == nil {
		err = ctx.Err()
	}
	return summary, err
}

// Named puts what an archive is called in front of what was wrong with it.
func Named(label string, err error) error {
	e, ok := fault.Public(err)
	if !ok {
		return err
	}
	n := *e
	n.Message = label + ": " + e.Message
	return &n
}

// Bounded fails with fault.TooLarge past the limit of a package.
func (s Spool) Bounded(r io.Reader, label string) io.Reader {
	return &boundedReader{r: r, left: s.MaxPackage, err: s.TooLarge(label)}
}

// BoundedWriter is Bounded for what is written.
func (s Spool) BoundedWriter(w io.Writer, label string) io.Writer {
	return &boundedWriter{w: w, left: s.MaxPackage, err: s.TooLarge(label)}
}

// TooLarge refuses a tarball for its size.
func (s Spool) TooLarge(what string) error {
	return fault.New(fault.TooLarge, "%s is larger than the %d bytes that this server accepts for a package (MAX_PACKAGE_SIZE)", what, s.MaxPackage)
}

type boundedReader struct {
	r    io.Reader
	left int64
	err  error
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, b.err
	}
	return n, err
}

type boundedWriter struct {
	w    io.Writer
	left int64
	err  error
}

func (b *boundedWriter) Write(p []byte) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, b.err
	}
	return b.w.Write(p)
}
