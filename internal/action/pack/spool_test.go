package pack

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// A spool is taken by one at a time and is then used again.
func TestSpools(t *testing.T) {
	dir := t.TempDir()
	var s spools
	first, err := s.take(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.take(dir)
	if err != nil || second == first {
		t.Fatalf("take = %p, %v while %p is taken", second, err, first)
	}
	s.put(first)
	again, err := s.take(dir)
	if err != nil || again != first {
		t.Errorf("take = %p, %v, want %p again", again, err, first)
	}
	s.put(first)
	s.put(second)
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if made, err := os.ReadDir(dir); err != nil || len(made) != 2 {
		t.Errorf("there are %v, %v, want two files", made, err)
	}
	if _, err := new(spools).take(filepath.Join(dir, "missing")); err == nil {
		t.Error("a spool is made in a missing folder")
	}
}

func TestSection(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("0123456789"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		section  section
		want     string
		complete bool
	}{
		{section{path, 0, 10}, "0123456789", true},
		{section{path, 2, 3}, "234", true},
		{section{path, 10, 0}, "", true},
		{section{path, 8, 3}, "89", false},
		{section{path, 20, 1}, "", false},
	} {
		r, err := tc.section.reader()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if r.Close(); err != nil || string(got) != tc.want {
			t.Errorf("%+v reads %q, %v, want %q", tc.section, got, err, tc.want)
		}
		dst, err := os.Create(filepath.Join(t.TempDir(), "copy"))
		if err != nil {
			t.Fatal(err)
		}
		defer dst.Close()
		if err := tc.section.copyTo(dst); (err == nil) != tc.complete {
			t.Errorf("%+v: copyTo = %v, complete: %v", tc.section, err, tc.complete)
		}
		if got, err := os.ReadFile(dst.Name()); err != nil || string(got) != tc.want {
			t.Errorf("%+v is copied as %q, %v, want %q", tc.section, got, err, tc.want)
		}
	}
}
