package tarball

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/ustar"
)

// guard passes a tar through and stops it at the first byte that tar readers
// understand differently, or that archives.Tar hides from us: it skips global
// pax headers and merges extension headers into entries, it takes an archive
// without an end for a whole one, and it accepts signed checksums. What has
// passed the guard looks the same to Go, to npm's tar and to GNU tar.
//
// It also bounds the size of the tar and its ratio to the compressed bytes.
type guard struct {
	r    io.Reader
	lim  Limits
	used func() int64 // compressed bytes read so far
	raw  int64        // tar bytes seen
	err  error        // sticky

	block ustar.Block
	fill  int        // bytes of block seen
	left  int64      // content and padding before the next header
	seen  bool       // an entry or an extension came already
	zeros int        // zero blocks at the end
	ext   *extension // being read
	next  pending
}

// Read passes only bytes that have been looked at.
func (g *guard) Read(p []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	n, err := g.r.Read(p)
	if g.err = g.feed(p[:n]); g.err != nil {
		return 0, g.err
	}
	if err == io.EOF && !g.ended() {
		err = bad("the archive is cut off: its tar ends without the two zero blocks that end every tar")
	}
	g.err = err
	return n, err
}

func (g *guard) ended() bool {
	return g.zeros >= 2 && len(bytes.Trim(g.block[:g.fill], "\x00")) == 0
}

func (g *guard) feed(p []byte) error {
	g.raw += int64(len(p))
	if err := g.bound(0); err != nil {
		return err
	}
	if g.raw > ratioFrom && g.raw/g.lim.Ratio > g.used() {
		return tooLarge("the archive expands more than %d times; that is the limit", g.lim.Ratio)
	}
	for len(p) > 0 {
		if g.left > 0 {
			n := min(int64(len(p)), g.left)
			if err := g.content(p[:n]); err != nil {
				return err
			}
			p = p[n:]
			continue
		}
		n := copy(g.block[g.fill:], p)
		g.fill += n
		p = p[n:]
		if g.fill == ustar.BlockSize {
			g.fill = 0
			if err := g.header(&g.block); err != nil {
				return err
			}
		}
	}
	return nil
}

// bound refuses a tar that has or announces too many bytes.
func (g *guard) bound(more int64) error {
	if g.raw+more > g.lim.Unpacked {
		return tooLarge("the archive unpacks to more than %s; that is the limit", fault.Bytes(g.lim.Unpacked))
	}
	return nil
}

func (g *guard) content(p []byte) error {
	g.left -= int64(len(p))
	if g.ext == nil {
		return nil
	}
	ext := g.ext
	if !ext.add(p) {
		return nil
	}
	g.ext = nil
	return g.next.take(ext)
}

func (g *guard) header(b *ustar.Block) error {
	if *b == (ustar.Block{}) {
		g.zeros++
		if g.next.kinds != "" {
			return bad("the archive ends after an extension header that belongs to no entry")
		}
		return nil
	}
	if g.zeros > 0 {
		return bad("the archive has data after the zero block that ends its tar")
	}
	size, err := g.checkHeader(b)
	if err != nil {
		return err
	}
	first := !g.seen
	g.seen = true
	g.left = size + ustar.Padding(size)
	if err := g.bound(g.left); err != nil {
		return err
	}
	if isExtension(b[ustar.OffType]) {
		g.ext, err = g.next.announce(b[ustar.OffType], size, first)
		return err
	}
	return g.next.apply(b, size)
}

// checkHeader checks the fields that readers disagree about and returns the size.
func (g *guard) checkHeader(b *ustar.Block) (int64, error) {
	name := g.next.nameOf(b)
	if !b.Intact() {
		return 0, bad("tar header of %.200q: its checksum is wrong", name)
	}
	size, ok := ustar.ParseOctal(b[ustar.OffSize:ustar.EndSize])
	if !ok {
		return 0, bad("entry %.200q: its size is not an octal number below 8 GiB", name)
	}
	if !plainNumbers(b) || !plainFields(b) {
		return 0, bad("entry %.200q: its header is not ustar, GNU or V7 tar as their programs write it", name)
	}
	kind := b[ustar.OffType]
	if strings.IndexByte("\x000125xgLK", kind) < 0 {
		return 0, bad("entry %.200q is %s; a package has only files, folders and links inside it", name, typeName(kind))
	}
	if !isLink(kind) && b[ustar.OffLink] != 0 {
		return 0, bad("entry %.200q: only a link may have a link's target", name)
	}
	return size, nil
}

// plainNumbers reports whether no reader stumbles over the numbers that nobody
// needs: npm's tar drops an entry that has a bad one.
func plainNumbers(b *ustar.Block) bool {
	fields := b.Numbers()
	if string(b[ustar.OffMagic:ustar.EndMagic]) == ustar.MagicPOSIX {
		fields = append(fields, b[ustar.OffMajor:ustar.EndMajor], b[ustar.OffMinor:ustar.EndMinor])
		if b[endShortPrefix] == 0 {
			fields = append(fields, b[offStarATime:endStarATime], b[offStarCTime:endStarCTime])
		}
	}
	return !slices.ContainsFunc(fields, func(f []byte) bool {
		_, ok := ustar.ParseOctal(f)
		return !ok
	})
}

// plainFields reports whether the header names one of the three formats, has
// nothing behind the end of a text field, and nothing that only some read.
func plainFields(b *ustar.Block) bool {
	if !ustar.EndsInNUL(b[ustar.OffName:ustar.EndName]) || !ustar.EndsInNUL(b[ustar.OffLink:ustar.EndLink]) {
		return false
	}
	switch string(b[ustar.OffMagic:ustar.EndMagic]) {
	case ustar.MagicPOSIX:
		end := ustar.EndPrefix
		if b[endShortPrefix] == 0 {
			end = endShortPrefix
		}
		return ustar.EndsInNUL(b[ustar.OffPrefix:end]) && string(b[ustar.OffTrailer:ustar.EndTrailer]) != ustar.TrailStar
	case ustar.MagicGNU, ustar.MagicV7:
		return len(bytes.Trim(b[ustar.OffPrefix:], "\x00")) == 0
	}
	return false
}

func isLink(kind byte) bool { return kind == '1' || kind == '2' }

func typeName(kind byte) string {
	switch kind {
	case '3', '4':
		return "a device"
	case '6':
		return "a fifo"
	case 'S':
		return "a sparse file"
	}
	return fmt.Sprintf("of the tar type %q", kind)
}
