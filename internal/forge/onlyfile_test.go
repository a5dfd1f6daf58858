package forge

import (
	"archive/zip"
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

// Whatever a run attaches, it is one small file or refused.
func FuzzOnlyFile(f *testing.F) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("claim.json")
	if err == nil {
		_, err = w.Write([]byte(`{"claim":"x"}`))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, archive []byte) {
		const limit = 1 << 10
		text, err := onlyFile(archive, limit)
		if err != nil && !errors.Is(err, fault.Invalid) || len(text) > limit {
			t.Errorf("onlyFile = %d bytes, %v", len(text), err)
		}
	})
}
