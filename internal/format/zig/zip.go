package zig

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// The records at the end of a zip: their signatures, lengths and fields.
const (
	zipEnd, zipEndSize         = "PK\x05\x06", 22
	zipEnd64, zipEnd64Size     = "PK\x06\x06", 56
	zipLocator, zipLocatorSize = "PK\x06\x07", 20
	zipEntry, zipEntrySize     = "PK\x01\x02", 46

	zipEncrypted  = 0x2041 // flags: the content, or the directory
	zipMaxComment = 1<<16 - 1
)

// readZip copies the content of a zip's files to scratch. As compilers do, it takes '\' in names for '/' and knows no
// modes, so no links.
func (b *builder) readZip(ctx context.Context, src io.ReaderAt, size int64, scratch *os.File) error {
	if err := checkDirectory(src, size, b.lim); err != nil {
		return err
	}
	from := &failingAt{r: src}
	z, err := zip.NewReader(from, size)
	if err != nil {
		return from.refusal(err)
	}
	if err := checkOverlap(z.File, from); err != nil {
		return err
	}
	var at int64
	buf := make([]byte, copySize)
	for _, f := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		e, err := zipped(f)
		if err != nil {
			return err
		}
		if e.Name == "" {
			continue
		}
		e.offset = at
		if err := b.add(e); err != nil {
			return err
		}
		if err := b.lim.checkRatio(b.unpacked, size); err != nil {
			return err
		}
		if e.Kind == File {
			if err := unzip(ctx, io.NewOffsetWriter(scratch, at), f, from, buf); err != nil {
				return err
			}
			at += e.Size
		}
	}
	return nil
}

// zipped is the entry of a file of a zip, or of a folder.
func zipped(f *zip.File) (Entry, error) {
	name := strings.ReplaceAll(f.Name, `\`, "/")
	clean, ok := cleanName(name)
	e := Entry{Name: clean, Kind: File, Size: int64(f.UncompressedSize64)}
	switch {
	case !ok:
		return e, outside(name)
	case f.Flags&zipEncrypted != 0:
		return e, bad("%.200q in the zip is encrypted, which no compiler reads; pack it without a password", name)
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return e, bad("%.200q in the zip is compressed by method %d; compilers know deflate only", name, f.Method)
	case strings.HasSuffix(name, "/"):
		e.Kind = Folder
		if e.Size != 0 {
			return e, bad("the folder %.200q in the zip has content; pack it again", name)
		}
	case clean == "":
		return e, bad("the zip has a file %.200q without a name; pack it again", name)
	}
	return e, nil
}

// unzip copies one file, whose size and checksum the reader holds to what the directory says.
func unzip(ctx context.Context, w io.Writer, f *zip.File, from *failingAt, buf []byte) error {
	r, err := f.Open()
	if err != nil {
		return from.refusal(err)
	}
	defer r.Close()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(buf)
		if _, err := w.Write(buf[:n]); err != nil {
			return fmt.Errorf("writing an unpacked archive: %w", err)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return from.refusal(err)
		}
	}
}

// checkOverlap refuses the bombs whose files share their compressed bytes.
func checkOverlap(files []*zip.File, from *failingAt) error {
	type span struct {
		start, end int64
		name       string
	}
	spans := make([]span, len(files))
	for i, f := range files {
		start, err := f.DataOffset()
		if err != nil {
			return from.refusal(err)
		}
		if f.CompressedSize64 > 1<<62 || f.UncompressedSize64 > 1<<62 {
			return bad("%.200q in the zip has an impossible size; pack it again", f.Name)
		}
		spans[i] = span{start, start + int64(f.CompressedSize64), f.Name}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	for i := 1; i < len(spans); i++ {
		if spans[i].start < spans[i-1].end {
			return bad("%.200q and %.200q in the zip share their bytes; pack it again", spans[i-1].name, spans[i].name)
		}
	}
	return nil
}

// checkDirectory walks the zip's directory before it is read, so that its length is known to be within limits, and
// that there is only one way to read it.
func checkDirectory(src io.ReaderAt, size int64, lim Limits) error {
	count, at, end, err := findDirectory(src, size)
	if err != nil {
		return err
	}
	if count > uint64(lim.Entries) {
		return tooLarge("the zip has more than %d files and folders; that is the limit", lim.Entries)
	}
	var entry [zipEntrySize]byte
	for range count {
		if end-at < zipEntrySize {
			return badDirectory()
		}
		if err := readAt(src, entry[:], at); err != nil {
			return err
		}
		if string(entry[:4]) != zipEntry {
			return badDirectory()
		}
		at += zipEntrySize
		for _, off := range []int{28, 30, 32} { // of the name, extra fields, the comment
			at += int64(binary.LittleEndian.Uint16(entry[off:]))
		}
	}
	if at != end {
		return badDirectory()
	}
	return nil
}

// findDirectory returns the number of entries, and where the directory lies: right before the records that end the zip.
func findDirectory(src io.ReaderAt, size int64) (count uint64, start, end int64, err error) {
	tail := make([]byte, min(size, zipEndSize+zipMaxComment))
	if err := readAt(src, tail, size-int64(len(tail))); err != nil {
		return 0, 0, 0, err
	}
	i := bytes.LastIndex(tail, []byte(zipEnd))
	if i < 0 || len(tail)-i < zipEndSize || len(tail)-i-zipEndSize != int(binary.LittleEndian.Uint16(tail[i+20:])) {
		return 0, 0, 0, bad("the zip is cut off: it does not end with its directory; send it again")
	}
	end = size - int64(len(tail)-i)
	rec := tail[i:]
	count = uint64(binary.LittleEndian.Uint16(rec[10:]))
	length, offset := uint64(binary.LittleEndian.Uint32(rec[12:])), uint64(binary.LittleEndian.Uint32(rec[16:]))
	if count == 1<<16-1 || length == 1<<32-1 || offset == 1<<32-1 {
		if end, rec, err = findEnd64(src, end); err != nil {
			return 0, 0, 0, err
		}
		count, length, offset = binary.LittleEndian.Uint64(rec[32:]), binary.LittleEndian.Uint64(rec[40:]), binary.LittleEndian.Uint64(rec[48:])
	}
	if offset > uint64(end) || length != uint64(end)-offset {
		return 0, 0, 0, badDirectory()
	}
	return count, int64(offset), end, nil
}

// findEnd64 reads the zip64 record that lies before a locator, which ends at end.
func findEnd64(src io.ReaderAt, end int64) (int64, []byte, error) {
	at := end - zipLocatorSize - zipEnd64Size
	rec := make([]byte, zipEnd64Size+zipLocatorSize)
	if at < 0 {
		return 0, nil, badDirectory()
	}
	if err := readAt(src, rec, at); err != nil {
		return 0, nil, err
	}
	locator := rec[zipEnd64Size:]
	if string(rec[:4]) != zipEnd64 || string(locator[:4]) != zipLocator || binary.LittleEndian.Uint64(locator[8:]) != uint64(at) {
		return 0, nil, badDirectory()
	}
	return at, rec, nil
}

func badDirectory() error { return bad("the zip's directory is broken; pack it again") }

func readAt(src io.ReaderAt, p []byte, at int64) error {
	if n, err := src.ReadAt(p, at); n < len(p) {
		return fmt.Errorf("reading a zip: %w", err)
	}
	return nil
}

// failingAt remembers the failure of a disk, to tell it from what is wrong with the bytes.
type failingAt struct {
	r   io.ReaderAt
	err error
}

func (f *failingAt) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.r.ReadAt(p, at)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

func (f *failingAt) refusal(err error) error {
	switch {
	case f.err != nil:
		return fmt.Errorf("reading a zip: %w", f.err)
	case errors.Is(err, zip.ErrChecksum):
		return bad("a file in the zip does not have the checksum that its directory states; send it again")
	}
	return bad("the zip is broken; send it again").With("reason", err.Error())
}
