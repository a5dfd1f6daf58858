//go:build unix

package fsblob

import (
	"bytes"
	"errors"
	"syscall"
	"testing"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
)

// A file system that is full: the limit on the size of files answers like it.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 100 << 10, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	content := bytes.Repeat([]byte("x"), 200<<10)
	_, created, err := s.Put(t.Context(), blob.Key{Space: blob.Commits}, bytes.NewReader(content))
	if rerr := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); rerr != nil {
		t.Fatal(rerr)
	}
	if created || !errors.Is(err, syscall.EFBIG) {
		t.Errorf("Put: created %t, %v, want EFBIG", created, err)
	}
	wantNoTemp(t, dir)
	if _, err := s.Stat(t.Context(), blob.Key{Space: blob.Commits, Digest: digest.Of(content)}); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Stat: got %v, want ErrNotFound", err)
	}
	put(t, s, "it goes on")
}
