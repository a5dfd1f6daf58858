package files

import (
	"bytes"
	"context"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/org/registry-action/internal/fault"
)

// Read reads listed files of an archive into memory, by path, in one pass. Files that together
// have more than limit bytes are fault.TooLarge; links have no content.
func (s *Service) Read(ctx context.Context, src Source, limit int64, wanted ...File) (map[string][]byte, error) {
	all := map[string][]byte{}
	open := map[int]File{}
	for _, f := range wanted {
		if limit -= f.Size; limit < 0 {
			return nil, fault.New(fault.TooLarge, "%q is too large to be shown; download it", f.Path).WithCode("file_too_large")
		}
		if f.Link == "" {
			open[f.Entry] = f
		}
	}
	if len(open) == 0 {
		return all, nil
	}
	err := s.walk(ctx, src, s.reading, func(f File, content io.Reader) error {
		want, ok := open[f.Entry]
		if !ok {
			return nil
		}
		delete(open, f.Entry)
		if want.Path != f.Path || want.Size != f.Size {
			return errOther(want)
		}
		b := make([]byte, f.Size)
		if _, err := io.ReadFull(content, b); err != nil {
			return err
		}
		if all[f.Path] = b; len(open) == 0 {
			return errStop
		}
		return nil
	})
	if err == nil && len(open) > 0 {
		for _, f := range open {
			return nil, errOther(f)
		}
	}
	return all, err
}

// Copy writes a listed file of an archive to w, which may be slow: it has no part in what AtOnce bounds.
func (s *Service) Copy(ctx context.Context, src Source, want File, w io.Writer) error {
	found := false
	err := s.walk(ctx, src, s.sending, func(f File, content io.Reader) error {
		if f.Entry != want.Entry {
			return nil
		}
		if want.Path != f.Path || want.Size != f.Size || f.Link != "" {
			return errOther(want)
		}
		found = true
		if _, err := io.CopyN(w, content, f.Size); err != nil {
			return err
		}
		return errStop
	})
	if err == nil && !found {
		return errOther(want)
	}
	return err
}

// errOther says that an archive is not the one that was listed.
func errOther(f File) error {
	return fault.New(fault.NotFound, "there is no file %.200q of %d bytes in the archive", f.Path, f.Size).WithCode("no_such_file")
}

// IsText reports whether a file's content can be shown as text: UTF-8 without control characters that no source has.
func IsText(content []byte) bool {
	if !utf8.Valid(content) {
		return false
	}
	return !slices.ContainsFunc(content, func(c byte) bool { return c < ' ' && !bytes.Contains([]byte("\t\n\r\f\v\x1b"), []byte{c}) })
}
