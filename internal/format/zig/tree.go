package zig

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/mholt/archives"

	"github.com/org/registry-action/internal/format/ustar"
)

// Kind is what an entry is.
type Kind byte

// The kinds.
const (
	File   Kind = iota
	Link        // symbolic
	Folder      // an entry of its own; folders that only names imply have none
	Other       // a hard link, a device: what no compiler unpacks
)

// Entry is one entry of an archive, or of a folder on disk.
type Entry struct {
	Name string // in the archive, with '/', as Zig 0.16 and later clean it: without "." and empty parts
	Kind Kind
	Link string // the target of a Link
	Size int64  // bytes of a File

	offset int64 // of its bytes in Tree.content
}

// Tree is the content of an archive, its files' bytes uncompressed and readable at any place.
type Tree struct {
	Entries []Entry // in the archive's order
	Format  string  // "tar", "tar.gz", "tar.xz", "tar.zst", "zip" or "folder"

	content  io.ReaderAt
	root     fs.FS // of a folder
	lim      Limits
	trailing string // what follows the compressed data, which compilers pass over
}

// Unpack reads an archive whose format its bytes tell: tar, tar.gz, tar.xz, tar.zst or zip. What is compressed is
// written to scratch, an empty file of the caller's; src of a plain tar and scratch must stay open while the Tree is
// used. Memory does not grow with the archive. What is no archive is refused with fault.Invalid (code
// "bad_archive"), what breaks a limit with fault.TooLarge.
func Unpack(ctx context.Context, src io.ReaderAt, size int64, scratch *os.File, lim Limits) (*Tree, error) {
	b := &builder{tree: &Tree{lim: lim.withDefaults()}}
	b.lim = b.tree.lim
	format, err := identify(ctx, src, size)
	if err != nil {
		return nil, err
	}
	b.tree.Format = format
	switch format {
	case "tar":
		b.tree.content = src
		err = b.readTar(ctx, src, size)
	case "zip":
		b.tree.content = scratch
		err = b.readZip(ctx, src, size, scratch)
	default:
		b.tree.content = scratch
		var n int64
		if n, err = b.inflate(ctx, src, size, scratch); err == nil {
			err = b.readTar(ctx, scratch, n)
		}
	}
	if err != nil {
		return nil, err
	}
	return b.tree, nil
}

// identify tells an archive's format by its first bytes; nothing is decompressed.
func identify(ctx context.Context, src io.ReaderAt, size int64) (string, error) {
	start := make([]byte, min(size, 4<<10))
	if _, err := io.ReadFull(io.NewSectionReader(src, 0, size), start); err != nil {
		return "", fmt.Errorf("reading the start of an archive: %w", err)
	}
	if len(start) == 0 {
		return "", bad("the archive is empty; send a tar.gz, tar.xz, tar.zst, tar or zip of the package")
	}
	for _, f := range []struct {
		name   string
		format archives.Format
	}{
		{"tar.gz", archives.Gz{}}, {"tar.xz", archives.Xz{}}, {"tar.zst", archives.Zstd{}}, {"zip", archives.Zip{}},
	} {
		if matches(ctx, f.format, start) {
			return f.name, nil
		}
	}
	if len(start) >= ustar.BlockSize && ((*block)(start)).intact() {
		return "tar", nil
	}
	for _, f := range []struct {
		name   string
		format archives.Format
	}{
		{"a bzip2 file", archives.Bz2{}}, {"a 7-Zip archive", archives.SevenZip{}}, {"a rar archive", archives.Rar{}},
		{"an lz4 file", archives.Lz4{}}, {"an lzip file", archives.Lzip{}},
	} {
		if matches(ctx, f.format, start) {
			return "", bad("this is %s, which no compiler fetches; send a tar.gz, tar.xz, tar.zst, tar or zip", f.name)
		}
	}
	return "", bad("this is no archive; send a tar.gz, tar.xz, tar.zst, tar or zip of the package")
}

func matches(ctx context.Context, f archives.Format, start []byte) bool {
	m, err := f.Match(ctx, "", bytes.NewReader(start))
	return err == nil && m.ByStream
}

// open reads the content of a file, which the caller closes.
func (t *Tree) open(e Entry) (io.ReadCloser, error) {
	if t.root != nil {
		return t.root.Open(e.Name)
	}
	return io.NopCloser(io.NewSectionReader(t.content, e.offset, e.Size)), nil
}
