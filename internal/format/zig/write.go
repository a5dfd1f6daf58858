package zig

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/ustar"
)

const (
	level   = 6         // is pinned: the digests of archives depend on it
	maxSize = 1<<33 - 1 // bytes of a file whose size fits a header

	modeFile, modeProgram, modeLink = 0o644, 0o755, 0o777
)

// Write writes the canonical archive: one gzip member with a tar of the included files and links below
// "name-version/" (or "package/" without a manifest), by path, ustar where a name fits it, else pax, files 0644, or 0755 if
// their content begins like a program's, times zero. The manifest is in it even where .paths leaves it out, for without
// it the hash would be another. The same package gives the same bytes on every machine.
func (p *Package) Write(ctx context.Context, w io.Writer) error {
	z, err := gzip.NewWriterLevel(w, level)
	if err != nil {
		return fmt.Errorf("writing a package: %w", err)
	}
	out := &tarWriter{w: z, buf: make([]byte, copySize)}
	top := p.top()
	for _, e := range p.packed() {
		if err := out.entry(ctx, p.tree, top, e); err != nil {
			return err
		}
	}
	if err := out.write(make([]byte, 2*ustar.BlockSize)); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("writing a package: %w", err)
	}
	return nil
}

// packed are the entries of the archive, by path.
func (p *Package) packed() []Entry {
	if p.Manifest == nil {
		return p.Files
	}
	i, in := slices.BinarySearchFunc(p.Files, manifestName, func(e Entry, name string) int { return cmp.Compare(e.Name, name) })
	if in {
		return p.Files
	}
	return slices.Insert(slices.Clone(p.Files), i, p.manifest)
}

// top is the archive's one folder. The names and versions of manifests are safe in a path.
func (p *Package) top() string {
	if p.Manifest == nil {
		return "package/"
	}
	return p.Manifest.Name + "-" + p.Manifest.Version + "/"
}

// tarWriter writes headers that all compilers read alike.
type tarWriter struct {
	w   io.Writer
	buf []byte
}

func (t *tarWriter) write(p []byte) error {
	if _, err := t.w.Write(p); err != nil {
		return fmt.Errorf("writing a package: %w", err)
	}
	return nil
}

func (t *tarWriter) entry(ctx context.Context, tree *Tree, top string, e Entry) error {
	if e.Size > maxSize {
		return fault.New(fault.TooLarge, "the file %.200q is larger than 8 GiB, which does not fit a tar", e.Name)
	}
	mode := int64(modeLink)
	if e.Kind == File {
		program, err := t.program(tree, e)
		if err != nil {
			return err
		}
		mode = modeFile
		if program {
			mode = modeProgram
		}
	}
	if err := t.write(headers(top+e.Name, e, mode)); err != nil || e.Kind == Link {
		return err
	}
	if err := tree.copy(ctx, e, t.w, t.buf); err != nil {
		return err
	}
	return t.write(make([]byte, ustar.Padding(e.Size)))
}

// program reports whether compilers make a file executable: a script, or a program of Unix or macOS.
func (t *tarWriter) program(tree *Tree, e Entry) (bool, error) {
	r, err := tree.open(e)
	if err != nil {
		return false, fmt.Errorf("opening %s of a package: %w", e.Name, err)
	}
	defer r.Close()
	start := make([]byte, min(e.Size, 4))
	if _, err := io.ReadFull(r, start); err != nil {
		return false, changed(e)
	}
	return isProgram(start), nil
}

func isProgram(start []byte) bool {
	if strings.HasPrefix(string(start), "#!") || string(start) == "\x7fELF" {
		return true
	}
	if len(start) < 4 {
		return false
	}
	magic, swapped := binary.BigEndian.Uint32(start), binary.LittleEndian.Uint32(start)
	return slices.ContainsFunc([]uint32{0xfeedface, 0xfeedfacf, 0xcafebabe, 0xcafebabf}, func(m uint32) bool { return m == magic || m == swapped })
}

// headers is the header of an entry, with a pax header before it where the name or the target needs one.
func headers(name string, e Entry, mode int64) []byte {
	short, prefix, fits := splitName(name)
	records := ""
	if !fits || !isASCII(name) {
		records += record("path", name)
	}
	if len(e.Link) > ustar.EndLink-ustar.OffLink || !isASCII(e.Link) {
		records += record("linkpath", e.Link)
	}
	var out []byte
	if records != "" {
		h := header("PaxHeader", "", 'x', int64(len(records)), modeFile)
		out = append(append(h[:], records...), make([]byte, ustar.Padding(int64(len(records))))...)
	}
	kind := byte('0')
	if e.Kind == Link {
		kind = '2'
	}
	h := header(short, prefix, kind, e.Size, mode)
	copy(h[ustar.OffLink:ustar.EndLink], e.Link)
	h.seal()
	return append(out, h[:]...)
}

// header is a ustar header. Its numbers end with NUL only: Zig 0.11 reads no spaces.
func header(name, prefix string, kind byte, size, mode int64) *block {
	var h block
	copy(h[ustar.OffName:ustar.EndName], name)
	copy(h[100:], fmt.Sprintf("%07o\x00", mode))
	copy(h[108:], "0000000\x000000000\x00") // uid, gid
	copy(h[ustar.OffSize:], fmt.Sprintf("%011o\x00", size))
	copy(h[136:], "00000000000\x00") // mtime
	h[ustar.OffType] = kind
	copy(h[ustar.OffMagic:], "ustar\x0000")
	copy(h[ustar.OffPrefix:ustar.EndPrefix], prefix)
	h.seal()
	return &h
}

// seal writes the checksum.
func (h *block) seal() {
	sum, _ := h.sums()
	copy(h[ustar.OffSum:ustar.EndSum], fmt.Sprintf("%06o\x00 ", sum))
}

// splitName divides a name between ustar's fields. Zig 0.11 has 255 bytes for all of it. The name of what does not fit is cut.
func splitName(name string) (short, prefix string, fits bool) {
	if len(name) <= ustar.EndName-ustar.OffName {
		return name, "", true
	}
	if len(name) < 255 {
		for i := len(name) - 1; i > 0; i-- {
			if name[i] == '/' && i <= ustar.EndPrefix-ustar.OffPrefix && len(name)-i-1 <= ustar.EndName-ustar.OffName {
				return name[i+1:], name[:i], true
			}
		}
	}
	return strings.ToValidUTF8(name[:ustar.EndName-ustar.OffName], ""), "", false
}

// record is "length key=value\n", where length counts its own digits.
func record(key, value string) string {
	rest := len(" =\n") + len(key) + len(value)
	n := rest + len(fmt.Sprint(rest))
	n = rest + len(fmt.Sprint(n))
	return fmt.Sprintf("%d %s=%s\n", n, key, value)
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}
