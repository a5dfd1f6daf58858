package fsblob

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/blob/blobtest"
	"github.com/org/registry-action/internal/store/crashtest"
)

func TestMain(m *testing.M) {
	crashtest.Main(m, func(path string, ack func(string)) error {
		s, err := Open(path)
		if err != nil {
			return err
		}
		return blobtest.WriteUntilKilled(context.Background(), s, ack)
	})
}

func TestLaws(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return openAt(t, t.TempDir()) })
}

func TestKill(t *testing.T) {
	dir := t.TempDir()
	blobtest.RunKill(t, dir, 50, func(t *testing.T) blob.Store {
		s := openAt(t, dir)
		wantNoTemp(t, dir)
		return s
	})
}

func openAt(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func wantNoTemp(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(filepath.Join(dir, tempDir))
	if err != nil || len(left) > 0 {
		t.Fatalf("temporary files are left: %v, %v", left, err)
	}
}

func put(t *testing.T, s *Store, content string) blob.Key {
	t.Helper()
	info, _, err := s.Put(t.Context(), blob.Key{Space: blob.Commits}, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return info.Key
}

func TestLayout(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by", "Open")
	s := openAt(t, dir)
	put(t, s, "hello\n")
	name := filepath.Join(dir, "commits", "58", "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03")
	stat, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if stat.Mode().Perm()&0o222 != 0 {
		t.Errorf("the blob's mode is %v, want read-only", stat.Mode())
	}
	wantNoTemp(t, dir)
}

func TestOpenGivesFiles(t *testing.T) {
	s := openAt(t, t.TempDir())
	b, _, err := s.Open(t.Context(), put(t, s, "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, ok := b.(*os.File); !ok {
		t.Errorf("Open gives a %T, which the kernel can't send", b)
	}
}

func TestFailedPutsLeaveNoTemp(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	failure := errors.New("failure")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	announced := blob.Key{Space: blob.Commits, Digest: digest.Of([]byte("announced"))}
	for _, try := range []func() error{
		func() error {
			_, _, err := s.Put(t.Context(), announced, strings.NewReader("sent"))
			return err
		},
		func() error { _, _, err := s.Put(t.Context(), announced, iotest.ErrReader(failure)); return err },
		func() error { _, _, err := s.Put(ctx, announced, strings.NewReader("announced")); return err },
	} {
		if err := try(); err == nil {
			t.Error("Put succeeded, want an error")
		}
		wantNoTemp(t, dir)
	}
}

func TestOpenEmptiesTemp(t *testing.T) {
	dir := t.TempDir()
	key := put(t, openAt(t, dir), "kept")
	if err := os.WriteFile(filepath.Join(dir, tempDir, "half"), []byte("half-writ"), fileMode); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, dir)
	wantNoTemp(t, dir)
	if _, err := s.Stat(t.Context(), key); err != nil {
		t.Error(err)
	}
}

func TestOpenRefusesAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("Open(%s): got %v, want an error with the path", dir, err)
		}
	}
}

// What is no blob in the store's folders is not listed, and links don't lead out.
func TestForeignFiles(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	s := openAt(t, dir)
	key := put(t, s, "blob")
	shard := filepath.Join(dir, dirName(key))
	for _, name := range []string{"README", strings.Repeat("a", 61), strings.Repeat("A", 62), strings.Repeat("g", 62)} {
		if err := os.WriteFile(filepath.Join(shard, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var listed []blob.Key
	for info, err := range s.List(t.Context(), blob.Commits, digest.SHA256{}) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, info.Key)
	}
	if !slices.Equal(listed, []blob.Key{key}) {
		t.Errorf("List yields %v, want %v", listed, key)
	}

	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	linked := put(t, s, "linked")
	link := filepath.Join(dir, fileName(linked))
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, link); err != nil {
		t.Fatal(err)
	}
	if b, _, err := s.Open(t.Context(), linked); err == nil {
		b.Close()
		t.Error("Open follows a link out of the store")
	}
}

// Folders that were made but not synced by a killed process are synced by the
// next, also when the blob is there already.
func TestPutAgainSettles(t *testing.T) {
	dir := t.TempDir()
	key := put(t, openAt(t, dir), "blob")
	s := openAt(t, dir)
	if len(s.made) > 0 {
		t.Fatal("a new store trusts folders that it did not sync")
	}
	if _, created, err := s.Put(t.Context(), key, strings.NewReader("blob")); err != nil || created {
		t.Fatalf("Put again: created %t, %v", created, err)
	}
	if !s.made[string(key.Space)] || !s.made[dirName(key)] {
		t.Error("Put answered before the folders were synced")
	}
	// The answer depends on the sync: without the folder there is none.
	if err := os.Rename(filepath.Join(dir, dirName(key)), filepath.Join(dir, "away")); err != nil {
		t.Fatal(err)
	}
	if err := s.settle(key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("settle without the folder: got %v, want ErrNotExist", err)
	}
}
