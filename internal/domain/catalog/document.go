package catalog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/org/registry-action/internal/format/packument"
)

// Document is a rendered packument, in memory or in a file, plain and compressed.
type Document struct {
	Form    packument.Form
	ETag    string // of the plain form, without quotes; strong
	Stale   bool   // upstream could not be asked
	content content
}

// content is where the bytes of a document are.
type content interface {
	open(ctx context.Context, gzip bool) (*Body, error)
}

// Body is one encoding of a Document.
type Body struct {
	Bytes  []byte        // set if it is in memory; not to be changed
	File   io.ReadSeeker // else
	Size   int64         // bytes
	ETag   string        // of this encoding, without quotes; strong
	closer io.Closer
}

// Body opens the plain or the gzip encoding, which is made when it is first asked for. The caller closes
// it. It may be of a later document than d, if there is one by now: Body.ETag counts.
func (d *Document) Body(ctx context.Context, gzip bool) (*Body, error) {
	return d.content.open(ctx, gzip)
}

// Close releases the body.
func (b *Body) Close() error {
	if b.closer == nil {
		return nil
	}
	return b.closer.Close()
}

// asStale returns the document, marked if upstream could not be asked.
func (d *Document) asStale(stale bool) *Document {
	if !stale || d.Stale {
		return d
	}
	marked := *d
	marked.Stale = true
	return &marked
}

// gzipTag names the gzip encoding of what etag names. A later compressor may
// write other bytes under it, which decode to the same.
func gzipTag(etag string) string { return etag + "-gz" }

// tagOf is the ETag of bytes; servers that share their stores agree on it.
func tagOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// text is a document in memory.
type text struct {
	plain  Body
	packed Body
	once   sync.Once
	err    error
	packer *packer
	grown  func(bytes int64) // told the size of packed
}

// inMemory makes the document of a text. It is not kept.
func (s *Service) inMemory(r rendering, b []byte, etag string, p *packer) *Document {
	t := &text{plain: Body{Bytes: b, Size: int64(len(b)), ETag: etag}, packer: p}
	doc := &Document{Form: r.form, ETag: etag, content: t}
	t.grown = func(bytes int64) { s.memory.grow(r.key, doc, bytes) }
	return doc
}

// remember makes the document of a text and keeps it in memory.
func (s *Service) remember(r rendering, b []byte, etag string, p *packer, until time.Time) *Document {
	doc := s.inMemory(r, exact(b), etag, p)
	s.memory.put(r, doc, int64(len(b)), until)
	return doc
}

// exact copies bytes out of a buffer with room to spare, which nobody would count.
func exact(b []byte) []byte { return append(make([]byte, 0, len(b)), b...) }

func (t *text) open(_ context.Context, gzip bool) (*Body, error) {
	if !gzip {
		return &t.plain, nil
	}
	t.once.Do(t.pack)
	if t.err != nil {
		return nil, t.err
	}
	return &t.packed, nil
}

func (t *text) pack() {
	var b bytes.Buffer
	if t.err = t.packer.pack(&b, bytes.NewReader(t.plain.Bytes)); t.err != nil {
		return
	}
	packed := exact(b.Bytes())
	t.packed = Body{Bytes: packed, Size: int64(len(packed)), ETag: gzipTag(t.plain.ETag)}
	t.grown(t.packed.Size)
}

// packer compresses; its writers, which are large, are used again.
type packer struct{ writers sync.Pool }

func newPacker(level int) *packer {
	p := &packer{}
	p.writers.New = func() any {
		w, err := gzip.NewWriterLevel(nil, level)
		if err != nil {
			panic(err) // the level is a constant of ours
		}
		return w
	}
	return p
}

func (p *packer) pack(w io.Writer, r io.Reader) error {
	z := p.writers.Get().(*gzip.Writer)
	defer func() {
		z.Reset(io.Discard) // so that it does not keep w
		p.writers.Put(z)
	}()
	z.Reset(w)
	if _, err := io.Copy(z, r); err != nil {
		return err
	}
	return z.Close()
}
