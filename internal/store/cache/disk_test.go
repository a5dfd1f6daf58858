package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func openIn(t *testing.T, dir string) *Cache {
	t.Helper()
	c, err := Open(dir, Options{MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// On a full disk copies give way to what is being written; only when none is left it is an error.
func TestFullDisk(t *testing.T) {
	c := openIn(t, t.TempDir())
	for _, key := range []string{"a", "b"} {
		if err := c.Put(key, nil, strings.NewReader(key)); err != nil {
			t.Fatal(err)
		}
	}
	full := &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	err := c.onDisk(func(*os.Root) error {
		if c.order.Len() > 0 {
			return full
		}
		return nil
	})
	if err != nil {
		t.Errorf("with copies to give way: %v", err)
	}
	for _, key := range []string{"a", "b"} {
		if _, err := c.Get(key); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s is still there: %v", key, err)
		}
	}
	if err := c.onDisk(func(*os.Root) error { return full }); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("with nothing to give way: %v", err)
	}
	if c.used != 0 {
		t.Errorf("%d bytes are counted in an empty cache", c.used)
	}
}

// A folder that is deleted, as a whole or in part, is made again.
func TestDeletedFolder(t *testing.T) {
	all := func(dir string) string { return dir }
	for name, what := range map[string]func(string) string{"all": all, "temporary files": func(dir string) string { return filepath.Join(dir, tempDir) }} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "deep", "cache")
			c := openIn(t, dir)
			if err := c.Put("a", []byte("old"), strings.NewReader("a")); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(what(dir)); err != nil {
				t.Fatal(err)
			}
			if err := c.Touch("a", []byte("new")); err != nil && !errors.Is(err, ErrNotFound) {
				t.Errorf("Touch: %v", err)
			}
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					key := fmt.Sprint("b", i)
					if err := c.Put(key, nil, strings.NewReader(key)); err != nil {
						t.Errorf("Put: %v", err)
						return
					}
					e, err := c.Get(key)
					if err != nil {
						t.Errorf("Get: %v", err)
						return
					}
					e.Close()
				})
			}
			wg.Wait()
			if e, err := c.Get("a"); err == nil {
				e.Close()
			} else if !errors.Is(err, ErrNotFound) {
				t.Errorf("what was there before: %v", err)
			}
		})
	}
}
