package lumen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/ustar"
)

// entry is a file or folder of a tar.
type entry struct {
	name   string // as the archive has it
	folder bool
	size   int64 // bytes of the content, which follows
}

// tarReader reads a tar and refuses all that tar readers understand differently, so that what was checked is what the
// client unpacks.
type tarReader struct {
	r    io.Reader
	left int64 // content and padding of the newest entry
	seen bool  // an entry or an extension came already
}

// next passes over what is left of the newest entry and returns the one after it; io.EOF at the end of the archive, which
// has then been read to its last byte.
func (t *tarReader) next() (entry, error) {
	if _, err := io.CopyN(io.Discard, t.r, t.left); err != nil {
		return entry{}, t.cutOff(err)
	}
	t.left = 0
	var p pending
	var b ustar.Block
	for {
		if _, err := io.ReadFull(t.r, b[:]); err != nil {
			return entry{}, t.cutOff(err)
		}
		if b == (ustar.Block{}) {
			if p.told {
				return entry{}, bad("the archive ends after an extension header that belongs to no entry; pack it again")
			}
			return entry{}, t.end()
		}
		size, err := t.check(&b, p)
		if err != nil {
			return entry{}, err
		}
		first := !t.seen
		t.seen = true
		kind := b[ustar.OffType]
		if strings.IndexByte("xgL", kind) < 0 {
			return t.entry(&b, p, size)
		}
		body, err := t.extension(kind, size, first)
		if err != nil {
			return entry{}, err
		}
		if err := p.take(kind, body); err != nil {
			return entry{}, err
		}
	}
}

// check refuses a header whose fields readers disagree about, and what a package can't have; it returns the size.
func (t *tarReader) check(b *ustar.Block, p pending) (int64, error) {
	if !b.Intact() {
		if !t.seen {
			return 0, bad("this is no tar archive, plain or gzip-compressed; send a tar of the package's folder")
		}
		return 0, bad("the tar's header of %.200q is broken: its checksum is wrong; pack it again", b.Name())
	}
	name := p.path
	if name == "" {
		name = b.Name()
	}
	size, ok := ustar.ParseOctal(b[ustar.OffSize:ustar.EndSize])
	switch kind := b[ustar.OffType]; {
	case !ok:
		return 0, bad("entry %.200q: its size is not an octal number below 8 GiB; pack it again", name)
	case kind == '1' || kind == '2' || kind == 'K':
		return 0, bad("entry %.200q is a link, which a package can't have; pack the file itself (tar -h)", name)
	case strings.IndexByte("\x0005xgL", kind) < 0:
		return 0, bad("entry %.200q is neither a file nor a folder (tar type %q); a package has nothing else", name, kind)
	case !plain(b) || b[ustar.OffLink] != 0:
		return 0, bad("entry %.200q: its header is not ustar, GNU or V7 tar as their programs write it; pack it again", name)
	}
	return size, nil
}

func (t *tarReader) entry(b *ustar.Block, p pending, size int64) (entry, error) {
	e := entry{name: p.path, folder: b[ustar.OffType] == '5', size: size}
	if e.name == "" {
		e.name = b.Name()
	}
	switch {
	case p.size != "" && p.size != strconv.FormatInt(size, 10):
		return entry{}, bad("entry %.200q: its pax header and its tar header give different sizes; pack it again", e.name)
	case e.folder && size != 0:
		return entry{}, bad("entry %.200q: a folder with content; pack it again", e.name)
	}
	t.left = size + ustar.Padding(size)
	return e, nil
}

// extension reads the body of an extension header.
func (t *tarReader) extension(kind byte, size int64, first bool) ([]byte, error) {
	switch {
	case size == 0 || size > ustar.MaxExtension:
		return nil, bad("the archive has an extension header (tar type %c) of %d bytes; it needs some, and %s at most", kind, size, fault.Bytes(ustar.MaxExtension))
	case kind == 'g' && !first:
		return nil, bad("the archive has a global pax header that is not at its start; pack it again")
	}
	body := make([]byte, size+ustar.Padding(size))
	if _, err := io.ReadFull(t.r, body); err != nil {
		return nil, t.cutOff(err)
	}
	return body[:size], nil
}

// content reads the newest entry's content.
func (t *tarReader) content(e entry, w io.Writer) error {
	n, err := io.CopyN(w, t.r, e.size)
	t.left -= n
	if err != nil {
		return t.cutOff(err)
	}
	return nil
}

// end reads what follows the first block of zeros: at least one more, and nothing but zeros.
func (t *tarReader) end() error {
	buf := make([]byte, bufSize)
	for total := 0; ; {
		n, err := t.r.Read(buf)
		total += n
		if len(bytes.Trim(buf[:n], "\x00")) > 0 {
			return bad("the archive has data after the zero block that ends its tar; pack it again")
		}
		if err == io.EOF && total < ustar.BlockSize {
			return t.cutOff(err)
		}
		if err != nil {
			return err
		}
	}
}

// cutOff explains the end of the bytes; other errors stay as they are.
func (t *tarReader) cutOff(err error) error {
	switch _, refused := errors.AsType[*fault.Error](err); {
	case refused:
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		if !t.seen {
			return bad("this is no tar archive, plain or gzip-compressed; send a tar of the package's folder")
		}
		return bad("the archive is cut off: its tar ends without the two zero blocks that end every tar; send it again")
	}
	return fmt.Errorf("reading a tar: %w", err)
}

// plain reports whether the header is of one of the three formats, and has nothing that only some readers see or stumble
// over: text behind the end of a field, numbers that are none, the shorter prefix of star.
func plain(b *ustar.Block) bool {
	numbers := b.Numbers()
	if string(b[ustar.OffMagic:ustar.EndMagic]) != ustar.MagicV7 {
		numbers = append(numbers, b[ustar.OffMajor:ustar.EndMajor], b[ustar.OffMinor:ustar.EndMinor])
	}
	for _, field := range numbers {
		if _, ok := ustar.ParseOctal(field); !ok {
			return false
		}
	}
	if !ustar.EndsInNUL(b[ustar.OffName:ustar.EndName]) || !ustar.EndsInNUL(b[ustar.OffLink:ustar.EndLink]) {
		return false
	}
	switch string(b[ustar.OffMagic:ustar.EndMagic]) {
	case ustar.MagicPOSIX:
		return ustar.EndsInNUL(b[ustar.OffPrefix:ustar.EndPrefix]) && string(b[ustar.OffTrailer:ustar.EndTrailer]) != ustar.TrailStar
	case ustar.MagicGNU, ustar.MagicV7:
		return !slices.ContainsFunc(b[ustar.OffPrefix:], func(c byte) bool { return c != 0 })
	}
	return false
}
