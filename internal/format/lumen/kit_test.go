package lumen

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/ustar"
)

// demoTOML is a manifest that can be published.
const demoTOML = "[package]\nname = \"@acme/utils\"\nversion = \"1.0.0\"\n"

// item is an entry of a tar that a test writes; a regular file unless it says otherwise.
type item struct {
	name, body, link string
	kind             byte
	pax              map[string]string
}

func demo(more ...item) []item {
	return append([]item{{name: "lumen.toml", body: demoTOML}, {name: "src/main.lm", body: "cell main() end\n"}}, more...)
}

func tarOf(t testing.TB, items ...item) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, it := range items {
		h := &tar.Header{Name: it.name, Linkname: it.link, Typeflag: it.kind, Mode: 0o600, Size: int64(len(it.body)), PAXRecords: it.pax}
		if it.kind == tar.TypeXGlobalHeader {
			h = &tar.Header{Name: it.name, Typeflag: it.kind, PAXRecords: it.pax}
		}
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

// raw is a header of its own, with a body.
func raw(kind byte, name, body string, edit func(*ustar.Block)) []byte {
	var b ustar.Block
	copy(b[ustar.OffName:], name)
	copy(b[ustar.OffMode:], "0000644\x00")
	copy(b[ustar.OffSize:], octal(len(body), 11))
	copy(b[ustar.OffTime:], "00000000000\x00")
	b[ustar.OffType] = kind
	copy(b[ustar.OffMagic:], ustar.MagicPOSIX)
	if edit != nil {
		edit(&b)
	}
	seal(&b)
	return append(append(b[:], body...), make([]byte, ustar.Padding(int64(len(body))))...)
}

func octal(n, digits int) string {
	s := make([]byte, digits+1)
	for i := digits - 1; i >= 0; i-- {
		s[i] = byte('0' + n&7)
		n >>= 3
	}
	return string(s)
}

// seal writes the checksum.
func seal(b *ustar.Block) {
	copy(b[ustar.OffSum:ustar.EndSum], octal(int(b.Sum()), 6)+" ")
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// rawManifest is the entry of lumen.toml, and tail the end of a tar.
func rawManifest() []byte { return raw('0', "lumen.toml", demoTOML, nil) }

var tail = make([]byte, 2*ustar.BlockSize)

func wantFault(t testing.TB, err error, kind fault.Kind, code string) {
	t.Helper()
	public, ok := fault.Public(err)
	if !ok || !errors.Is(err, kind) || public.Code != code {
		t.Errorf("error = %v, want %s with code %q", err, kind, code)
	}
}
