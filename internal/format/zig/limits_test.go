package zig

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mholt/archives"

	"github.com/org/registry-action/internal/fault"
)

func TestLimits(t *testing.T) {
	small := Limits{Entries: 4, Unpacked: 1000, Manifest: 200}
	many := demo(item{name: "top/1"}, item{name: "top/2"})
	tests := map[string][]byte{
		"entries":        tarOf(t, many...),
		"entries, zip":   zipOf(t, many...),
		"unpacked":       tarOf(t, demo(item{name: "top/1", body: strings.Repeat("x", 1000)})...),
		"unpacked, zip":  zipOf(t, demo(item{name: "top/1", body: strings.Repeat("x", 1000)})...),
		"manifest":       tarOf(t, item{name: "build.zig.zon", body: strings.Repeat(" ", 201)}),
		"long name":      tarOf(t, item{name: strings.Repeat("x", 1025)}),
		"long name, zip": zipOf(t, item{name: strings.Repeat("x", 1025)}),
		"long target":    tarOf(t, item{name: "l", link: strings.Repeat("x", 1025), kind: '2'}),
		"deep":           tarOf(t, item{name: strings.Repeat("x/", 130) + "x"}),
	}
	for name, archive := range tests {
		t.Run(name, func(t *testing.T) {
			tree, err := Unpack(t.Context(), bytes.NewReader(archive), int64(len(archive)), scratch(t), small)
			if err == nil {
				_, err = tree.Inspect(t.Context())
			}
			wantFault(t, err, fault.TooLarge, "")
		})
	}
}

// TestBombs: what expands without bound stops early.
func TestBombs(t *testing.T) {
	lim := Limits{ratioFrom: 1 << 20}
	var gz, zst, zipped bytes.Buffer
	zeros := make([]byte, 1<<20)
	g, _ := gzip.NewWriterLevel(&gz, 9)
	z, err := zstd.NewWriter(&zst)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(&zipped)
	f, err := w.Create("bomb")
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		g.Write(zeros)
		z.Write(zeros)
		f.Write(zeros)
	}
	if err := errors.Join(g.Close(), z.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"gzip": gz.Bytes(), "zstd": zst.Bytes(), "zip": zipped.Bytes()} {
		file := scratch(t)
		_, err := Unpack(t.Context(), bytes.NewReader(b), int64(len(b)), file, lim)
		wantFault(t, err, fault.TooLarge, "")
		if info, err := file.Stat(); err != nil || info.Size() > 2<<20 {
			t.Errorf("%s: %d bytes were written (%v), want at most 2 MiB", name, info.Size(), err)
		}
	}
}

// TestWindow: a stream that wants gigabytes of history is refused before it gets them.
func TestWindow(t *testing.T) {
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8, 1, 0, 0} // a window of 2 GiB, one empty block
	_, err := unpack(t, frame)
	wantFault(t, err, fault.Invalid, "bad_archive")
}

// TestZipDirectory: the directory is bounded by what it has, not by what it says.
func TestZipDirectory(t *testing.T) {
	good := zipOf(t, demo()...)
	end := bytes.LastIndex(good, []byte(zipEnd))
	change := func(at int, v uint16) []byte {
		b := bytes.Clone(good)
		binary.LittleEndian.PutUint16(b[at:], v)
		return b
	}
	first := bytes.Index(good, []byte(zipEntry))
	tests := map[string][]byte{
		"fewer entries":   change(end+10, 1),
		"more entries":    change(end+10, 9),
		"another size":    change(end+12, 7),
		"another place":   change(end+16, 7),
		"zip64 elsewhere": change(end+10, 0xffff),
		"comment":         append(bytes.Clone(good), "PK\x05\x06"...),
		"in front":        append([]byte("PK\x03\x04junk"), good...),
		"encrypted":       change(first+8, 1),
		"odd method":      change(first+10, 12),
		"bad checksum":    change(first+16, 1),
	}
	for name, b := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := unpack(t, b)
			wantFault(t, err, fault.Invalid, "bad_archive")
		})
	}
}

// TestZip64 reads a directory that only the zip64 records describe.
func TestZip64(t *testing.T) {
	good := zipOf(t, demo()...)
	end := bytes.LastIndex(good, []byte(zipEnd))
	rec := good[end:]
	n, size, offset := binary.LittleEndian.Uint16(rec[10:]), binary.LittleEndian.Uint32(rec[12:]), binary.LittleEndian.Uint32(rec[16:])
	le := binary.LittleEndian
	b := bytes.Clone(good[:end])
	b = append(b, zipEnd64...)
	b = le.AppendUint64(b, zipEnd64Size-12)
	b = le.AppendUint16(le.AppendUint16(b, 45), 45)
	b = le.AppendUint64(b, 0) // two disks
	b = le.AppendUint64(le.AppendUint64(b, uint64(n)), uint64(n))
	b = le.AppendUint64(le.AppendUint64(b, uint64(size)), uint64(offset))
	b = append(b, zipLocator...)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, uint64(end))
	b = le.AppendUint32(b, 1)
	b = append(b, zipEnd...)
	b = append(b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0)
	if got, want := mustInspect(t, b).Hashes, mustInspect(t, good).Hashes; got != want {
		t.Errorf("hashes = %+v, want %+v", got, want)
	}
}

// TestOverlap: files that share their compressed bytes make bombs without any ratio.
func TestOverlap(t *testing.T) {
	b := zipOf(t, item{name: "a", body: "same"}, item{name: "b", body: "same"})
	first := bytes.Index(b, []byte(zipEntry))
	second := first + bytes.Index(b[first+1:], []byte(zipEntry)) + 1
	copy(b[second+42:second+46], b[first+42:first+46]) // both at the first one's place
	_, err := unpack(t, b)
	wantFault(t, err, fault.Invalid, "bad_archive")
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	plain := tarOf(t, demo()...)
	tree, err := unpack(t, plain)
	if err != nil {
		t.Fatal(err)
	}
	p := mustInspect(t, plain)
	cancel()
	for name, b := range map[string][]byte{"tar": plain, "tar.xz": compressed(t, archives.Xz{}, plain), "zip": zipOf(t, demo()...)} {
		if _, err := Unpack(ctx, bytes.NewReader(b), int64(len(b)), scratch(t), Limits{}); !errors.Is(err, context.Canceled) {
			t.Errorf("Unpack of a %s: error = %v, want %v", name, err, context.Canceled)
		}
	}
	if _, err := tree.Inspect(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Inspect: error = %v, want %v", err, context.Canceled)
	}
	if err := p.Write(ctx, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("Write: error = %v, want %v", err, context.Canceled)
	}
}

// TestMemory: a large archive takes no more memory than a small one.
func TestMemory(t *testing.T) {
	file := scratch(t)
	w := gzip.NewWriter(file)
	body := strings.Repeat("0123456789abcdef", 1<<18) // 4 MiB
	for i := range 3 {
		b := tarOf(t, item{name: fmt.Sprintf("top/%d", i), body: body})
		w.Write(b[:len(b)-1024])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	body = ""
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	tree, err := Unpack(t.Context(), file, info.Size(), scratch(t), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := tree.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Write(t.Context(), io.Discard); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
		t.Errorf("12 MiB took %d bytes of memory, want at most 4 MiB in all", got)
	}
}
