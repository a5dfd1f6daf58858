package commits

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/kv"
)

// maxRow bounds the packages in one row, in bytes. Compressed it stays below
// what a row may have, whatever it is.
const maxRow = kv.MaxValue * 3 / 4

// encode writes packages as rows: JSON, compressed, since they are much alike,
// and behind it their digests, which can't be compressed and as text would take
// a third more.
func encode(sha, id string, packages []Package) ([]kv.Row, error) {
	var rows []kv.Row
	for len(packages) > 0 {
		text := []byte{'['}
		var digests []byte
		n := 0
		for n < len(packages) {
			pkg, own, err := withoutDigests(packages[n])
			if err != nil {
				return nil, err
			}
			item, err := json.Marshal(pkg)
			if err != nil {
				return nil, err
			}
			if n > 0 && len(text)+len(item)+len(digests)+len(own) > maxRow {
				break
			}
			text = append(append(text, item...), ',')
			digests = append(digests, own...)
			n++
		}
		text[len(text)-1] = ']'
		value, err := deflate(text)
		if err != nil {
			return nil, err
		}
		rows = append(rows, kv.Row{Key: packagesKey(sha, id, len(rows)), Value: append(value, digests...)})
		packages = packages[n:]
	}
	return rows, nil
}

// withoutDigests takes the digests out of a package: its sums, and those of its parts.
func withoutDigests(p Package) (Package, []byte, error) {
	sums, err := p.Artifact.Sums.Pack()
	if err != nil {
		return p, nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	a := p.Artifact.clone()
	a.Sums = digest.Sums{}
	digests := sums[:]
	for _, part := range a.parts() {
		digests = append(digests, part.Digest[:]...)
		part.Digest = digest.SHA256{}
	}
	p.Artifact = a
	return p, digests, nil
}

// readDigests is the inverse of withoutDigests.
func (a *Artifact) readDigests(r io.Reader) error {
	if a.Recipe == nil && a.Whole == nil {
		return errors.New("a package has no bytes")
	}
	var sums digest.Packed
	_, err := io.ReadFull(r, sums[:])
	a.Sums = sums.Sums()
	for _, part := range a.parts() {
		if err == nil {
			_, err = io.ReadFull(r, part.Digest[:])
		}
	}
	return err
}

func deflate(text []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err == nil {
		_, err = w.Write(text)
		err = cmp.Or(err, w.Close())
	}
	return b.Bytes(), err
}

// inflate undoes deflate; it reads at most limit bytes of text, and nothing of r
// behind it.
func inflate(r *bytes.Reader, limit int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(flate.NewReader(r), limit))
}

// decode reads a row of packages; what they have in common is the caller's to fill in.
func decode(r kv.Row) ([]Package, error) {
	value := bytes.NewReader(r.Value)
	text, err := inflate(value, 2*kv.MaxValue)
	if err != nil {
		return nil, fmt.Errorf("reading row %s: %w", r.Key, err)
	}
	var packages []Package
	err = json.Unmarshal(text, &packages)
	for i := range packages {
		if err == nil {
			err = packages[i].Artifact.readDigests(value)
		}
	}
	if err == nil && value.Len() > 0 {
		err = fmt.Errorf("%d bytes too many", value.Len())
	}
	if err != nil {
		return nil, fmt.Errorf("decoding row %s: %w", r.Key, err)
	}
	return packages, nil
}
