package packages

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/format/signature"
	"github.com/org/registry-action/internal/store/kv"
)

// head is the first row of a package. It stays when nothing else of the package is left.
type head struct {
	Revision   int64             `json:"revision"` // raised by every write
	Versions   int               `json:"versions"` // how many there are
	Tags       map[string]string `json:"tags,omitempty"`
	Owners     []string          `json:"owners"`
	Restricted bool              `json:"restricted,omitempty"`
	Stars      int               `json:"stars,omitempty"`
	Created    time.Time         `json:"created"`
	Modified   time.Time         `json:"modified"`
}

// versionRow is the row of a version.
type versionRow struct {
	Version       string                `json:"version"`
	Manifest      packument.Object      `json:"manifest"`
	InstallScript bool                  `json:"installScript,omitempty"`
	Shrinkwrap    bool                  `json:"shrinkwrap,omitempty"`
	Artifact      Artifact              `json:"artifact"`
	PublishedAt   time.Time             `json:"publishedAt"`
	Publisher     string                `json:"publisher"`
	Proof         *provenance.Proof     `json:"proof,omitempty"` // of the CI run that published it
	Deprecated    string                `json:"deprecated,omitempty"`
	Signatures    []signature.Signature `json:"signatures,omitempty"`
	Predicate     string                `json:"predicate,omitempty"` // predicateType of the provenance, if there is one
	Readme        string                `json:"readme,omitempty"`    // readmeID of its text, if there is one
}

// tombstone is what is left of an unpublished version.
type tombstone struct {
	Integrity string    `json:"integrity"`
	When      time.Time `json:"when"`
	By        string    `json:"by"`
}

// scopeRow says who owns a scope.
type scopeRow struct {
	Owners  []string  `json:"owners"`
	Created time.Time `json:"created"`
}

// codec compresses rows. What it writes fits into a row or is refused by who writes it.
type codec struct{ writers, readers sync.Pool }

// maxText bounds what a row unpacks to, in bytes: a package.json and a little.
const maxText = 4 << 20

func (c *codec) deflate(text []byte) ([]byte, error) {
	var b bytes.Buffer
	w, _ := c.writers.Get().(*flate.Writer)
	if w == nil {
		var err error
		if w, err = flate.NewWriter(nil, flate.DefaultCompression); err != nil {
			return nil, err
		}
	}
	defer c.writers.Put(w)
	w.Reset(&b)
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

func (c *codec) inflate(r kv.Row) ([]byte, error) {
	src := bytes.NewReader(r.Value)
	z, _ := c.readers.Get().(io.ReadCloser)
	if z == nil {
		z = flate.NewReader(src)
	} else if err := z.(flate.Resetter).Reset(src, nil); err != nil {
		return nil, err
	}
	defer c.readers.Put(z)
	text, err := io.ReadAll(io.LimitReader(z, maxText+1))
	if err != nil || len(text) > maxText {
		return nil, fmt.Errorf("reading row %s: %d bytes: %w", r.Key, len(text), err)
	}
	return text, nil
}

// encode writes v as compressed JSON. The text of raw members stays as it is.
func (c *codec) encode(v any) ([]byte, error) {
	text, err := plainJSON(v)
	if err != nil {
		return nil, err
	}
	return c.deflate(text)
}

func (c *codec) decode(r kv.Row, v any) error {
	text, err := c.inflate(r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("decoding row %s: %w", r.Key, err)
	}
	return nil
}

// plainJSON is JSON without the escapes that only HTML needs.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
