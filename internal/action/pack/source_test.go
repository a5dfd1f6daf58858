package pack

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

// A file that is written to while it is read never ends up half old and half new.
func TestSourceNoticesChanges(t *testing.T) {
	const text = "0123456789"
	for name, change := range map[string]func(path string) error{
		"same size": func(path string) error { return os.WriteFile(path, []byte("abcdefghij"), 0o644) },
		"grown":     func(path string) error { return os.WriteFile(path, []byte(text+"more"), 0o644) },
		"shrunk":    func(path string) error { return os.Truncate(path, 5) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "f")
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			old := mustStat(t, path).ModTime().Add(-1e9) // file systems keep time by ticks
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
			root, err := os.OpenRoot(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			r, err := openSource(t.Context(), func() (*os.File, error) { return root.Open("f") }, "pkg", "f", int64(len(text)))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if _, err := io.ReadFull(r, make([]byte, 5)); err != nil {
				t.Fatal(err)
			}
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			_, err = io.ReadAll(r)
			if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "f changed") {
				t.Errorf("reading on = %v, want a refusal that names the file", err)
			}
		})
	}
}

func mustStat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// Neither a link out of the folder, nor a folder, nor another size than listed is packed.
func TestOpenSourceRefuses(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		os.Symlink(outside, filepath.Join(dir, "link")),
		os.Symlink(filepath.Dir(outside), filepath.Join(dir, "out")),
		os.Mkdir(filepath.Join(dir, "folder"), 0o755),
		os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, name := range []string{"link", "out/outside", "../outside", outside, "folder", "file", "missing"} {
		r, err := openSource(t.Context(), func() (*os.File, error) { return root.Open(name) }, "pkg", name, 6)
		if err == nil {
			r.Close()
			t.Errorf("%s was opened", name)
		}
	}
}

func TestTail(t *testing.T) {
	var whole tail
	io.WriteString(&whole, "a\nb\r\n\xffc\n\n")
	if got, want := whole.String(), "a\nb\n\uFFFDc"; got != want {
		t.Errorf("tail = %q, want %q", got, want)
	}
	var long tail
	for range 100 {
		io.WriteString(&long, strings.Repeat("x", 999)+"\n")
	}
	lines := strings.Split(long.String(), "\n")
	if len(lines) != 16 || len(lines[0]) != 999 {
		t.Errorf("the tail of long lines has %d lines, the first of %d bytes; want 16 whole ones", len(lines), len(lines[0]))
	}
	var one tail
	io.WriteString(&one, strings.Repeat("y", 1<<20))
	if got := len(one.String()); got != tailBytes {
		t.Errorf("the tail of one endless line has %d bytes, want %d", got, tailBytes)
	}
	var many tail
	io.WriteString(&many, strings.Repeat("z\n", 1000))
	if got := strings.Count(many.String(), "z"); got != tailLines {
		t.Errorf("the tail has %d lines, want %d", got, tailLines)
	}
}
