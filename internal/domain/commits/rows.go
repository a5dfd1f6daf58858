package commits

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"

	"github.com/org/registry-action/internal/store/kv"
)

// maxRow bounds the JSON of the packages in one row, in bytes. Compressed it
// stays below what a row may have, whatever it is.
const maxRow = kv.MaxValue * 3 / 4

// encode writes packages as rows: JSON, compressed, since they are much alike.
func encode(sha, id string, packages []Package) ([]kv.Row, error) {
	var rows []kv.Row
	for len(packages) > 0 {
		text := []byte{'['}
		n := 0
		for n < len(packages) {
			item, err := json.Marshal(packages[n])
			if err != nil {
				return nil, err
			}
			if n > 0 && len(text)+len(item) > maxRow {
				break
			}
			text = append(append(text, item...), ',')
			n++
		}
		text[len(text)-1] = ']'
		value, err := deflate(text)
		if err != nil {
			return nil, err
		}
		rows = append(rows, kv.Row{Key: packagesKey(sha, id, len(rows)), Value: value})
		packages = packages[n:]
	}
	return rows, nil
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

// inflate undoes deflate; it reads at most limit bytes.
func inflate(value []byte, limit int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(value)), limit))
}

// decode reads a row of packages; what they have in common is the caller's to fill in.
func decode(r kv.Row) ([]Package, error) {
	text, err := inflate(r.Value, 2*kv.MaxValue)
	if err != nil {
		return nil, fmt.Errorf("reading row %s: %w", r.Key, err)
	}
	var packages []Package
	if err := json.Unmarshal(text, &packages); err != nil {
		return nil, fmt.Errorf("decoding row %s: %w", r.Key, err)
	}
	return packages, nil
}
