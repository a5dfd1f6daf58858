package tarball

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"

	"github.com/klauspost/compress/flate"

	"github.com/org/registry-action/internal/format/ustar"
)

const (
	// level is pinned: the digests of bodies depend on it. On real packages 6 is
	// 2 % smaller than 5 at 89 % of its speed; 9 saves 5 % more at a sixth.
	level   = 6
	bufSize = 64 << 10
)

// deflater compresses one run and measures it on both sides. The first error
// sticks; flush and finish return it.
type deflater struct {
	flate  *flate.Writer
	small  *flate.Writer // for the texts between holes; nil until there are some
	out    *bufio.Writer // the compressor writes a few hundred bytes at a time
	w      io.Writer
	hash   hash.Hash // SHA-256 of the compressed bytes
	size   int64     // compressed bytes
	crc    uint32    // of the raw bytes
	raw    int64     // raw bytes
	buf    []byte    // for file contents
	header []byte    // for tar headers
	err    error
}

func (p *Packer) deflater(w io.Writer) *deflater {
	d, ok := p.pool.Get().(*deflater)
	if !ok {
		d = &deflater{hash: sha256.New(), buf: make([]byte, bufSize)}
		d.out = bufio.NewWriterSize(sink{d}, bufSize)
		d.flate, d.err = flate.NewWriter(d.out, level)
	}
	d.w = w
	return d
}

// release makes d as good as new, whatever became of its run.
func (p *Packer) release(d *deflater) {
	if d.flate == nil {
		return
	}
	d.out.Reset(sink{d})
	d.flate.Reset(d.out)
	d.hash.Reset()
	d.w, d.err, d.size, d.crc, d.raw = nil, nil, 0, 0, 0
	p.pool.Put(d)
}

// sink takes the compressed bytes of a deflater.
type sink struct{ d *deflater }

func (s sink) Write(p []byte) (int, error) {
	s.d.hash.Write(p)
	s.d.size += int64(len(p))
	return s.d.w.Write(p)
}

func (d *deflater) write(p []byte) {
	if d.err != nil {
		return
	}
	d.measure(p)
	_, d.err = d.flate.Write(p)
}

func (d *deflater) measure(raw []byte) {
	d.crc = crc32.Update(d.crc, crc32.IEEETable, raw)
	d.raw += int64(len(raw))
}

func (d *deflater) entry(name string, size int64, mode fs.FileMode) {
	d.header = appendEntry(d.header[:0], name, size, mode)
	d.write(d.header)
}

func (d *deflater) pad(size int64) {
	zeros := d.buf[:ustar.Padding(size)]
	clear(zeros)
	d.write(zeros)
}

// flush ends the run at a byte boundary, to be continued by another.
func (d *deflater) flush() (Run, error) {
	if d.err == nil {
		d.err = d.flate.Flush()
	}
	return d.run()
}

// finish ends the run with deflate's final block.
func (d *deflater) finish() (Run, error) {
	if d.err == nil {
		d.err = d.flate.Close()
	}
	return d.run()
}

// copyTemplate makes a run of a template and the text that it stands for.
func (d *deflater) copyTemplate(template, text []byte) (Run, error) {
	if d.err == nil {
		d.measure(text)
		_, d.err = d.out.Write(template)
	}
	r, err := d.run()
	r.Holes = err == nil
	return r, err
}

func (d *deflater) run() (Run, error) {
	if d.err == nil {
		d.err = d.out.Flush()
	}
	if d.err != nil {
		return Run{}, fmt.Errorf("writing the compressed run: %w", d.err)
	}
	r := Run{CRC32: d.crc, RawSize: d.raw}
	d.hash.Sum(r.Digest[:0])
	r.Size = d.size
	return r, nil
}
