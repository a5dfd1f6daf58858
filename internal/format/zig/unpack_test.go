package zig

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mholt/archives"

	"github.com/org/registry-action/internal/fault"
)

// demo is a package below a top folder; its manifest is one of a string's name, which needs no fingerprint.
func demo(extra ...item) []item {
	return append([]item{
		{name: "top/build.zig.zon", body: `.{ .name = "demo", .version = "0.1.0", .paths = .{"build.zig.zon", "build.zig", "src"} }`},
		{name: "top/build.zig", body: "pub fn build() void {}\n"},
		{name: "top/src/a.zig", body: "const a = 1;\n"},
	}, extra...)
}

func compressed(t testing.TB, c archives.Compressor, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := c.OpenWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zipOf(t testing.TB, items ...item) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, it := range items {
		f, err := w.Create(it.name)
		if err != nil {
			t.Fatal(err)
		}
		f.Write([]byte(it.body))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestFormats(t *testing.T) {
	plain := tarOf(t, demo()...)
	want := mustInspect(t, plain)
	for format, archive := range map[string][]byte{
		"tar":     plain,
		"tar.gz":  gzipped(t, plain),
		"tar.xz":  compressed(t, archives.Xz{}, plain),
		"tar.zst": compressed(t, archives.Zstd{}, plain),
		"zip":     zipOf(t, demo()...),
	} {
		t.Run(format, func(t *testing.T) {
			tree, err := unpack(t, archive)
			if err != nil {
				t.Fatal(err)
			}
			if tree.Format != format {
				t.Errorf("Format = %q, want %q", tree.Format, format)
			}
			p, err := tree.Inspect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if p.Hashes != want.Hashes {
				t.Errorf("hashes = %+v, want %+v", p.Hashes, want.Hashes)
			}
			if !bytes.Equal(canonical(t, p), canonical(t, want)) {
				t.Error("the canonical archive differs from that of the tar")
			}
		})
	}
}

func TestOpen(t *testing.T) {
	p := mustInspect(t, gzipped(t, tarOf(t, demo()...)))
	got := map[string]string{}
	for _, e := range p.Files {
		r, err := p.Open(e)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		got[e.Name] = string(b)
	}
	want := map[string]string{}
	for _, it := range demo() {
		want[it.name[len("top/"):]] = it.body
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestNotAnArchive(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing":     nil,
		"text":        []byte("<!DOCTYPE html>"),
		"zeros":       make([]byte, 4096),
		"bzip2":       []byte("BZh91AY&SY"),
		"gzip of":     gzipped(t, []byte("just text that is longer than nothing")),
		"only magic":  []byte("\x1f\x8b"),
		"xz magic":    []byte("\xfd7zXZ\x00"),
		"zstd magic":  []byte("\x28\xb5\x2f\xfd"),
		"zip magic":   []byte("PK\x03\x04"),
		"broken gzip": append(gzipped(t, tarOf(t, demo()...))[:60], make([]byte, 60)...),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := unpack(t, b)
			wantFault(t, err, fault.Invalid, "bad_archive")
		})
	}
}

// TestCutOff cuts archives at many places: none is taken for a whole one.
func TestCutOff(t *testing.T) {
	plain := tarOf(t, demo()...)
	for name, b := range map[string][]byte{
		"tar.gz": gzipped(t, plain), "tar.xz": compressed(t, archives.Xz{}, plain), "tar.zst": compressed(t, archives.Zstd{}, plain), "zip": zipOf(t, demo()...),
	} {
		for n := len(b) - 1; n > 0; n -= 7 {
			if _, err := inspect(t, b[:n]); !errors.Is(err, fault.Invalid) {
				t.Errorf("%s cut to %d of %d bytes: error = %v, want %v", name, n, len(b), err, fault.Invalid)
			}
		}
	}
	for _, n := range []int{600, 1024 + 100, len(plain) - 1024 - 600} {
		if _, err := inspect(t, plain[:n]); !errors.Is(err, fault.Invalid) {
			t.Errorf("tar cut to %d bytes: error = %v, want %v", n, err, fault.Invalid)
		}
	}
}

func TestGzipEndsWithItsFirstMember(t *testing.T) {
	first := tarOf(t, demo()...)
	want := mustInspect(t, first)
	for name, more := range map[string][]byte{
		"member": gzipped(t, tarOf(t, item{name: "top/src/evil.zig", body: "x"})), "garbage": []byte("garbage"),
	} {
		p := mustInspect(t, append(gzipped(t, first), more...))
		if p.Hashes != want.Hashes {
			t.Errorf("%s: hashes = %+v, want those of the first member", name, p.Hashes)
		}
		if got := codes(p); !cmp.Equal(got, append(codes(want), "trailing_data")) {
			t.Errorf("%s: warnings = %v, want trailing_data too", name, got)
		}
	}
}

// failing is a disk that breaks after some bytes.
type failing struct {
	r   io.ReaderAt
	end int64
	err error
}

func (f failing) ReadAt(p []byte, at int64) (int, error) {
	if at+int64(len(p)) > f.end {
		return 0, f.err
	}
	return f.r.ReadAt(p, at)
}

func TestDiskFailures(t *testing.T) {
	broken := errors.New("disk on fire")
	plain := tarOf(t, demo(item{name: "top/src/big", body: string(make([]byte, 1<<20))})...)
	for name, b := range map[string][]byte{"tar": plain, "tar.gz": compressed(t, archives.Gz{CompressionLevel: 1}, plain), "zip": zipOf(t, demo()...)} {
		src := failing{bytes.NewReader(b), int64(len(b) / 2), broken}
		_, err := Unpack(t.Context(), src, int64(len(b)), scratch(t), Limits{})
		if _, public := fault.Public(err); !errors.Is(err, broken) || public {
			t.Errorf("%s: error = %v, want the disk's own and no fault of the archive", name, err)
		}
	}
	full := scratch(t)
	full.Close()
	_, err := Unpack(t.Context(), bytes.NewReader(gzipped(t, plain)), int64(len(gzipped(t, plain))), full, Limits{})
	if _, public := fault.Public(err); !errors.Is(err, os.ErrClosed) || public {
		t.Errorf("scratch that can't be written: error = %v, want its own", err)
	}
}
