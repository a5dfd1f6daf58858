package zig

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/ustar"
)

// headersOf reads an archive with Go's own reader.
func headersOf(t *testing.T, archive []byte) (list []*tar.Header) {
	t.Helper()
	in := bytes.NewReader(archive)
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	z.Multistream(false)
	r := tar.NewReader(z)
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, h)
	}
	if _, err := io.Copy(io.Discard, z); err != nil || in.Len() > 0 {
		t.Errorf("after the gzip member: %d bytes and error %v, want none", in.Len(), err)
	}
	return list
}

func TestWrite(t *testing.T) {
	long := strings.Repeat("long/", 60) + "name"
	p := mustInspect(t, tarOf(t, of(zon(all),
		item{name: "top/run.sh", body: "#!/bin/sh\n"}, item{name: "top/elf", body: "\x7fELF..."}, item{name: "top/macho", body: "\xcf\xfa\xed\xfe"},
		item{name: "top/a.txt", body: "#"}, item{name: "top/" + long}, item{name: "top/ü"}, item{name: "top/empty/", kind: '5'},
		item{name: "top/l", link: "ü", kind: '2'})...))
	var got []string
	for _, h := range headersOf(t, canonical(t, p)) {
		if !h.ModTime.IsZero() && h.ModTime.Unix() != 0 || h.Uid != 0 || h.Uname != "" {
			t.Errorf("%s: time %v, owner %d %q, want none", h.Name, h.ModTime, h.Uid, h.Uname)
		}
		got = append(got, h.Name+" "+h.FileInfo().Mode().String()+" "+h.Linkname)
	}
	top := "demo-0.1.0/"
	want := []string{
		top + "a.txt -rw-r--r-- ", top + "build.zig -rw-r--r-- ", top + "build.zig.zon -rw-r--r-- ", top + "elf -rwxr-xr-x ", top + "l Lrwxrwxrwx ü",
		top + long + " -rw-r--r-- ", top + "macho -rwxr-xr-x ", top + "run.sh -rwxr-xr-x ", top + "ü -rw-r--r-- ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

// TestWriteIsStable pins the bytes: archives are found by their digests, so they must not change with a library.
func TestWriteIsStable(t *testing.T) {
	forward := of(zon(all), item{name: "top/src/a.zig", body: strings.Repeat("const a = 1;\n", 1000)})
	backward := slices.Clone(forward)
	slices.Reverse(backward)
	one, two := canonical(t, mustInspect(t, tarOf(t, forward...))), canonical(t, mustInspect(t, zipOf(t, backward...)))
	if !bytes.Equal(one, two) {
		t.Error("the same files packed in another way give other bytes")
	}
	const pinned = "sha256:6d161d8ec5466bec8bde890a8053e36c395d398781888e6345a8ff1c2451cc84"
	if got := digest.Of(one).String(); got != pinned {
		t.Errorf("the archive's digest = %s, want %s", got, pinned)
	}
	if again := canonical(t, mustInspect(t, one)); !bytes.Equal(one, again) {
		t.Error("the canonical archive's canonical archive is another")
	}
}

// TestManifestComesAlong: without the manifest that .paths leaves out, compilers would see another package.
func TestManifestComesAlong(t *testing.T) {
	p := mustInspect(t, tarOf(t, of(zon(`.paths = .{"build.zig"},`))...))
	if got, want := names(p.Files), "build.zig"; got != want {
		t.Errorf("files = %s, want %s", got, want)
	}
	list := headersOf(t, canonical(t, p))
	if len(list) != 2 || list[1].Name != "demo-0.1.0/build.zig.zon" {
		t.Errorf("archive has %v, want the manifest too", list)
	}
}

// TestPlainHeaders: Zig 0.11 knows no pax and reads numbers that end with NUL only.
func TestPlainHeaders(t *testing.T) {
	for name, plain := range map[string]bool{
		strings.Repeat("a", 100): true, strings.Repeat("a", 101): false, strings.Repeat("a", 150) + "/" + strings.Repeat("b", 100): true,
		strings.Repeat("a", 100) + "/" + strings.Repeat("b", 101): false, strings.Repeat("abcd/", 60): false,
	} {
		short, prefix, fits := splitName(name)
		if fits != plain || len(short) > 100 || len(prefix) > 155 {
			t.Errorf("splitName(%s) = %d and %d bytes, %t; want fits = %t", name, len(short), len(prefix), fits, plain)
		}
		b := headers(name, Entry{Size: 5}, modeFile)
		if (len(b) == ustar.BlockSize) != plain {
			t.Errorf("headers(%s) has %d bytes, want a pax header only where it is needed", name, len(b))
		}
		if h := (*block)(b[len(b)-ustar.BlockSize:]); string(h[ustar.OffSize:ustar.EndSize]) != "00000000005\x00" || !h.intact() {
			t.Errorf("headers(%s): size field %q", name, h[ustar.OffSize:ustar.EndSize])
		}
	}
}

type brokenPipe struct{ left int }

var errPipe = errors.New("broken pipe")

func (b *brokenPipe) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errPipe
	}
	return len(p), nil
}

func TestWriteFails(t *testing.T) {
	p := mustInspect(t, tarOf(t, of(zon(all))...))
	size := len(canonical(t, p))
	for n := range size {
		if err := p.Write(t.Context(), &brokenPipe{n}); !errors.Is(err, errPipe) {
			t.Fatalf("writing to a pipe that breaks after %d of %d bytes: error = %v, want %v", n, size, err, errPipe)
		}
	}
}
