package files_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/domain/files"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/cache"
)

// entry is an entry of an archive.
type entry struct {
	tar.Header
	content string
}

func file(name, content string) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))}, content}
}

func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func packed(t testing.TB, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// of is the source of an archive, which counts how often it is opened.
func of(archive []byte, top bool) (src files.Source, opened *int) {
	opened = new(int)
	return files.Source{ID: digest.Of(archive).Hex(), Top: top, Open: func(context.Context) (io.ReadCloser, error) {
		*opened++
		return io.NopCloser(bytes.NewReader(archive)), nil
	}}, opened
}

func kept(t *testing.T) *cache.Cache {
	t.Helper()
	c, err := cache.Open(t.TempDir(), cache.Options{MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestList(t *testing.T) {
	script := file("package/bin/run", "#!/bin/sh\n")
	script.Mode = 0o755
	npm := packed(t, tarOf(t,
		entry{tar.Header{Name: "package/", Typeflag: tar.TypeDir, Mode: 0o755}, ""},
		file("package/package.json", "{}"), file("package/a b/ü.js", "x"), script,
		entry{tar.Header{Name: "package/link", Typeflag: tar.TypeSymlink, Linkname: "bin/run"}, ""},
	))
	want := &files.Listing{Size: 13, Files: []files.File{
		{Path: "a b/ü.js", Size: 1, SHA256: digest.Of([]byte("x")), Entry: 2},
		{Path: "bin/run", Size: 10, Executable: true, SHA256: digest.Of([]byte("#!/bin/sh\n")), Entry: 3},
		{Path: "link", Link: "bin/run", Entry: 4},
		{Path: "package.json", Size: 2, SHA256: digest.Of([]byte("{}")), Entry: 1},
	}}
	src, opened := of(npm, true)
	s := files.New(kept(t), files.Options{})
	for range 3 {
		got, err := s.List(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
	if *opened != 1 {
		t.Errorf("the archive was opened %d times, the listing is not kept", *opened)
	}
	plain, _ := of(tarOf(t, file("./lumen.toml", "a"), file("src/main.lm", "b")), false)
	got, err := s.List(t.Context(), plain)
	if err != nil || len(got.Files) != 2 || got.Files[0].Path != "lumen.toml" || got.Files[1].Path != "src/main.lm" {
		t.Errorf("List of a plain tar = %+v, %v", got, err)
	}
	if _, ok := got.Find("lumen.tom"); ok {
		t.Error("a file was found that is not there")
	}
}

func TestRead(t *testing.T) {
	src, _ := of(packed(t, tarOf(t, file("p/a", "one"), file("p/b", "two"), file("p/a", "later"), file("p/c", strings.Repeat("c", 1000)))), true)
	s := files.New(nil, files.Options{})
	l, err := s.List(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := l.Find("a")
	b, _ := l.Find("b")
	got, err := s.Read(t.Context(), src, 100, a, b)
	if err != nil || string(got["a"]) != "later" || string(got["b"]) != "two" {
		t.Errorf("Read = %q, %v; of two files with one name the later counts", got, err)
	}
	c, _ := l.Find("c")
	if _, err := s.Read(t.Context(), src, 999, c); !errors.Is(err, fault.TooLarge) {
		t.Errorf("reading too large a file: %v", err)
	}
	var out strings.Builder
	if err := s.Copy(t.Context(), src, c, &out); err != nil || out.Len() != 1000 {
		t.Errorf("Copy wrote %d bytes, %v", out.Len(), err)
	}
	other := c
	for _, change := range []func(f *files.File){func(f *files.File) { f.Path = "d" }, func(f *files.File) { f.Size = 5 }, func(f *files.File) { f.Entry = 77 }} {
		other = c
		change(&other)
		if _, err := s.Read(t.Context(), src, 2000, other); !errors.Is(err, fault.NotFound) {
			t.Errorf("Read(%+v): %v", other, err)
		}
		if err := s.Copy(t.Context(), src, other, io.Discard); !errors.Is(err, fault.NotFound) {
			t.Errorf("Copy(%+v): %v", other, err)
		}
	}
}

// What an archive may ask of its reader is bounded, and bad ones are refused.
func TestHostile(t *testing.T) {
	bomb := packed(t, tarOf(t, file("p/zeros", strings.Repeat("\x00", 8<<20))))
	var many []entry
	for i := range 50 {
		many = append(many, file(fmt.Sprint("p/", i), "x"))
	}
	sparse := entry{tar.Header{Name: "p/s", Typeflag: tar.TypeReg, Size: 0, Format: tar.FormatPAX, PAXRecords: map[string]string{"X.y": "z"}}, ""}
	whole := packed(t, tarOf(t, file("p/a", strings.Repeat("abc", 1000))))
	opt := files.Options{Unpacked: 1 << 20, Entries: 20}
	for _, tt := range []struct {
		name    string
		archive []byte
		want    error
	}{
		{"a bomb", bomb, fault.TooLarge},
		{"cut off", whole[:len(whole)-20], fault.Invalid},
		{"no archive", []byte("<html>"), fault.Invalid},
		{"gzip of nothing", []byte("\x1f\x8b"), fault.Invalid},
		{"records of its own", packed(t, tarOf(t, sparse)), nil},
		{"nothing", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src, _ := of(tt.archive, true)
			_, err := files.New(nil, opt).List(t.Context(), src)
			if !errors.Is(err, tt.want) {
				t.Errorf("List: %v, want %v", err, tt.want)
			}
		})
	}
	src, _ := of(tarOf(t, many...), true)
	l, err := files.New(nil, opt).List(t.Context(), src)
	if err != nil || len(l.Files) != 20 || !l.More {
		t.Errorf("of 50 files %d are listed, more: %v, %v", len(l.Files), l.More, err)
	}
}

// Names that no page could link to, or that lead out of the archive, are not shown.
func TestNames(t *testing.T) {
	var entries []entry
	for _, name := range []string{"p/../../etc/passwd", "p//a", "p/./b", "/p/abs", "p/new\nline", "p/\xff", "p", "p/ok"} {
		entries = append(entries, file(name, "x"))
	}
	src, _ := of(tarOf(t, entries...), true)
	l, err := files.New(nil, files.Options{}).List(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range l.Files {
		got = append(got, f.Path)
	}
	if diff := cmp.Diff([]string{"b", "ok", "p/abs"}, got); diff != "" {
		t.Error(diff)
	}
}

// Who reads slowly keeps nobody from looking, and whoever goes away ends what was done for them.
func TestSlowReader(t *testing.T) {
	src, _ := of(tarOf(t, file("a", strings.Repeat("x", 1<<20))), false)
	s := files.New(nil, files.Options{AtOnce: 1, Sending: 1})
	l, err := s.List(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	in, out := io.Pipe()
	done := make(chan error)
	go func() { done <- s.Copy(context.Background(), src, l.Files[0], out) }()
	if _, err := in.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.List(t.Context(), src); err != nil {
		t.Errorf("List while somebody reads: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := s.Copy(ctx, src, l.Files[0], io.Discard); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one more than may: %v", err)
	}
	in.Close()
	if err := <-done; err == nil {
		t.Error("a reader that went away was written to its end")
	}
}

// A store that fails is not the archive's fault, and nothing of it is kept.
func TestFailingStore(t *testing.T) {
	broken := errors.New("disk on fire")
	fails := true
	whole := tarOf(t, file("p/a", "x"))
	src := files.Source{ID: "x", Top: true, Open: func(context.Context) (io.ReadCloser, error) {
		if fails {
			return io.NopCloser(io.MultiReader(bytes.NewReader(whole[:600]), failing{broken})), nil
		}
		return io.NopCloser(bytes.NewReader(whole)), nil
	}}
	s := files.New(kept(t), files.Options{})
	_, err := s.List(t.Context(), src)
	if _, public := fault.Public(err); !errors.Is(err, broken) || public {
		t.Errorf("List: %v", err)
	}
	fails = false
	if l, err := s.List(t.Context(), src); err != nil || len(l.Files) != 1 {
		t.Errorf("List once the store is back: %+v, %v", l, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestIsText(t *testing.T) {
	for text, want := range map[string]bool{"": true, "a\tb\r\n": true, "ü": true, "\x1b[1m": true, "a\x00b": false, "\xff\xfe": false, "\x7fELF\x02": false, "a\x08": false} {
		if got := files.IsText([]byte(text)); got != want {
			t.Errorf("IsText(%q) = %v", text, got)
		}
	}
}

func FuzzList(f *testing.F) {
	f.Add(tarOf(f, file("p/a", "x")), true)
	f.Add(packed(f, tarOf(f, file("p/a", "x"), file("p/b", strings.Repeat("y", 600)))), false)
	s := files.New(nil, files.Options{Unpacked: 1 << 20, Entries: 100})
	f.Fuzz(func(t *testing.T, archive []byte, top bool) {
		src, _ := of(archive, top)
		l, err := s.List(t.Context(), src)
		if err != nil {
			if _, ok := fault.Public(err); !ok {
				t.Fatalf("List of %q: %v", archive, err)
			}
			return
		}
		for _, one := range l.Files {
			content, err := s.Read(t.Context(), src, 2<<20, one)
			if err != nil || one.Link == "" && digest.Of(content[one.Path]) != one.SHA256 {
				t.Fatalf("Read(%+v): %v", one, err)
			}
		}
	})
}
