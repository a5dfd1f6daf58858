package zig

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

// scratch is an empty file that the test removes.
func scratch(t testing.TB) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "scratch")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func unpack(t testing.TB, archive []byte) (*Tree, error) {
	t.Helper()
	return Unpack(t.Context(), bytes.NewReader(archive), int64(len(archive)), scratch(t), Limits{})
}

func inspect(t testing.TB, archive []byte) (*Package, error) {
	t.Helper()
	tree, err := unpack(t, archive)
	if err != nil {
		return nil, err
	}
	return tree.Inspect(t.Context())
}

func mustInspect(t testing.TB, archive []byte) *Package {
	t.Helper()
	p, err := inspect(t, archive)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// canonical is what Write gives.
func canonical(t testing.TB, p *Package) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := p.Write(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func wantFault(t testing.TB, err error, kind fault.Kind, code string) {
	t.Helper()
	public, ok := fault.Public(err)
	if !ok || !errors.Is(err, kind) || public.Code != code {
		t.Errorf("error = %v, want %s with code %q", err, kind, code)
	}
}

// item is an entry of a tar that a test writes; a regular file unless it says otherwise.
type item struct {
	name, body, link string
	kind             byte
}

func tarOf(t testing.TB, items ...item) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, it := range items {
		h := &tar.Header{Name: it.name, Linkname: it.link, Typeflag: it.kind, Mode: 0o600, Size: int64(len(it.body))}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(it.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func vector(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func codes(p *Package) (codes []string) {
	for _, w := range p.Warnings {
		codes = append(codes, w.Code)
	}
	slices.Sort(codes)
	return codes
}
