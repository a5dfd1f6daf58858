package files

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode"

	"github.com/klauspost/compress/gzip"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/turns"
)

// errStop ends a walk before the end of the archive.
var errStop = errors.New("enough was read")

// walk calls visit with each file and link of an archive, in its order; content is good until visit returns.
func (s *Service) walk(ctx context.Context, src Source, places turns.Slots, visit func(f File, content io.Reader) error) (err error) {
	done, err := places.Take(ctx)
	if err != nil {
		return err
	}
	defer done()
	archive, err := src.Open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if closing := archive.Close(); err == nil {
			err = closing
		}
	}()
	w := &walker{ctx: ctx, in: archive, left: s.opt.Unpacked, top: src.Top}
	if err := w.open(); err != nil {
		return err
	}
	if err := w.run(visit); !errors.Is(err, errStop) {
		return err
	}
	return nil
}

// walker reads one archive.
type walker struct {
	ctx  context.Context
	in   io.Reader
	err  error // of in: not the archive's fault
	raw  io.Reader
	left int64 // bytes of the tar that may still come
	top  bool
}

// open looks whether the archive is compressed.
func (w *walker) open() error {
	buffered := bufio.NewReader(source{w})
	start, err := buffered.Peek(2)
	if err != nil && err != io.EOF {
		return w.fail(err, 0)
	}
	w.raw = buffered
	if string(start) == "\x1f\x8b" {
		if w.raw, err = gzip.NewReader(buffered); err != nil {
			return w.fail(err, 0)
		}
	}
	return nil
}

// source is the archive's bytes as they are stored.
type source struct{ *walker }

func (s source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		s.err = err
		return 0, err
	}
	n, err := s.in.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// Read reads the tar within its bound.
func (w *walker) Read(p []byte) (int, error) {
	if w.left <= 0 {
		return 0, tooLarge()
	}
	if int64(len(p)) > w.left {
		p = p[:w.left]
	}
	n, err := w.raw.Read(p)
	w.left -= int64(n)
	return n, err
}

func tooLarge() error {
	return fault.New(fault.TooLarge, "the archive unpacks to more than is shown here; download it to look inside").WithCode("archive_too_large")
}

// fail says whose fault an error is that came while the archive was read.
func (w *walker) fail(err error, entries int) error {
	if w.err != nil {
		return w.err
	}
	if refused, ok := errors.AsType[*fault.Error](err); ok {
		return refused
	}
	return fault.Wrap(err, fault.Invalid, "the archive can't be read after %d entries; download it to look inside", entries).WithCode("bad_archive")
}

func (w *walker) run(visit func(f File, content io.Reader) error) error {
	archive := tar.NewReader(w)
	for n := 0; ; n++ {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return w.fail(err, n)
		}
		f, ok := w.file(h, n)
		if !ok {
			continue
		}
		if h.Size > w.left { // a sparse file has more bytes than its tar
			return tooLarge()
		}
		if err := visit(f, archive); err != nil {
			if errors.Is(err, errStop) {
				return err
			}
			return w.fail(err, n)
		}
	}
}

// file makes a File of a header; ok is false for what is none, or has a name that can't be shown.
func (w *walker) file(h *tar.Header, n int) (f File, ok bool) {
	name := h.Name
	if w.top {
		_, name, _ = strings.Cut(strings.TrimPrefix(name, "./"), "/")
	}
	f = File{Path: path.Clean(name), Entry: n}
	if name == "" || f.Path == "." || !fs.ValidPath(f.Path) || strings.ContainsFunc(f.Path, unicode.IsControl) {
		return f, false
	}
	switch h.Typeflag {
	case tar.TypeReg:
		f.Size, f.Executable = h.Size, h.Mode&0o111 != 0
	case tar.TypeSymlink, tar.TypeLink:
		f.Link = strings.ToValidUTF8(h.Linkname, "\uFFFD")
	default:
		return f, false
	}
	return f, true
}
