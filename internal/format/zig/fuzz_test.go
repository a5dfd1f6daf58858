package zig

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/ustar"
)

// FuzzUnpack: whatever comes, it is refused or it is a package within the limits, whose canonical archive has the same hashes.
func FuzzUnpack(f *testing.F) {
	archives, err := filepath.Glob("testdata/vectors/*.*z*")
	if err != nil || len(archives) == 0 {
		f.Fatal("no vectors: ", err)
	}
	for _, name := range archives {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(tarOf(f, demo()...))
	f.Add(tarOf(f, of(zon(all), item{name: "top/l", link: "x", kind: '2'}, item{name: strings.Repeat("long/", 60)})...))
	f.Add(join(pax("path", "a", "size", "1"), raw('S', "s", ""), raw('L', "", "name")))
	lim := Limits{Entries: 50, Unpacked: 1 << 20, Manifest: 64 << 10}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = sealed(b)
		file := scratch(t)
		tree, err := Unpack(t.Context(), bytes.NewReader(b), int64(len(b)), file, lim)
		if info, statErr := file.Stat(); statErr != nil || info.Size() > lim.tarBytes() {
			t.Fatalf("%d bytes of scratch (%v), want at most %d", info.Size(), statErr, lim.tarBytes())
		}
		if err != nil {
			mustBePublic(t, err)
			return
		}
		var unpacked int64
		for _, e := range tree.Entries {
			unpacked += e.Size
		}
		if len(tree.Entries) > lim.Entries || unpacked > lim.Unpacked {
			t.Fatalf("%d entries with %d bytes are beyond the limits", len(tree.Entries), unpacked)
		}
		p, err := tree.Inspect(t.Context())
		if err != nil {
			mustBePublic(t, err)
			return
		}
		if again := mustInspect(t, canonical(t, p)); again.Hashes != p.Hashes {
			t.Fatalf("the canonical archive has the hashes %+v, want %+v", again.Hashes, p.Hashes)
		}
	})
}

// sealed repairs the checksums of a tar's headers, without which the fuzzer would hardly get past one.
func sealed(b []byte) []byte {
	b = bytes.Clone(b)
	for at := 0; at+ustar.BlockSize <= len(b); at += ustar.BlockSize {
		if h := (*block)(b[at:]); string(h[ustar.OffMagic:endMagic-1]) == "ustar" {
			h.seal()
		}
	}
	return b
}

// mustBePublic: bytes in memory can be read, so all errors are the sender's.
func mustBePublic(t *testing.T, err error) {
	t.Helper()
	if _, ok := fault.Public(err); !ok {
		t.Fatalf("error = %v, want a fault that tells the sender", err)
	}
}
