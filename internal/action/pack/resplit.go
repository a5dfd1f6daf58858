package pack

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/tarball"
)

// resplit recognises a tarball that we have packed for a commit: what we make of its package.json is what it begins with. Its
// parts are sent and compared then as if it had been packed now. Any other one stays whole.
func (p *Package) resplit(ctx context.Context, manifest []byte, commit string) error {
	var template bytes.Buffer
	head, err := new(tarball.Packer).WriteHead(&template, manifest, commit)
	if err != nil {
		return fmt.Errorf("packing the package.json of %s: %w", p.Name, err)
	}
	filled := template.Bytes()
	if head.Holes {
		filled = tarball.FillHead(filled, commit)
	}
	file, err := p.whole.reader()
	if err != nil {
		return fmt.Errorf("opening the tarball of %s: %w", p.Name, err)
	}
	defer file.Close()
	begin := make([]byte, len(tarball.Recipe{}.Header())+len(filled))
	size := p.whole.size - int64(len(begin)+len(tarball.Recipe{}.Trailer()))
	if size <= 0 {
		return nil
	}
	if _, err := io.ReadFull(file, begin); err != nil {
		return fmt.Errorf("reading the tarball of %s: %w", p.Name, err)
	}
	if !bytes.Equal(begin, append(tarball.Recipe{}.Header(), filled...)) {
		return nil
	}
	body, ok := readBody(cancelable{ctx, io.LimitReader(file, size)})
	if !ok || body.Size != size {
		return ctx.Err()
	}
	recipe := tarball.Join(head, body)
	trailer, err := io.ReadAll(file)
	if err != nil {
		return fmt.Errorf("reading the tarball of %s: %w", p.Name, err)
	}
	if bytes.Equal(trailer, recipe.Trailer()) {
		p.Head, p.Recipe = template.Bytes(), recipe
	}
	return nil
}

// readBody describes compressed data. It is none of ours if it does not stand by itself.
func readBody(r io.Reader) (body tarball.Run, ok bool) {
	sums, crc := digest.NewHasher(), crc32.NewIEEE()
	compressed := bufio.NewReader(io.TeeReader(r, sums))
	raw, err := io.Copy(crc, flate.NewReader(compressed))
	if err == nil {
		_, err = io.Copy(io.Discard, compressed)
	}
	if err != nil {
		return body, false
	}
	return tarball.Run{Part: tarball.Part{Digest: sums.Sums().SHA256, Size: sums.Size()}, CRC32: crc.Sum32(), RawSize: raw}, true
}
