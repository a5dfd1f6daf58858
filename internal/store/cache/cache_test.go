package cache_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/store/cache"
	"github.com/org/registry-action/internal/store/storetest"
)

func open(t *testing.T, dir string, max int64, now func() time.Time) *cache.Cache {
	t.Helper()
	c, err := cache.Open(dir, cache.Options{MaxBytes: max, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // some tests have closed it
	return c
}

func put(t *testing.T, c *cache.Cache, key, meta, text string) {
	t.Helper()
	if err := c.Put(key, []byte(meta), strings.NewReader(text)); err != nil {
		t.Fatalf("Put(%s): %v", key, err)
	}
}

// read returns the bytes and meta of a copy; found is false for ErrNotFound.
func read(t *testing.T, c *cache.Cache, key string) (text, meta string, found bool) {
	t.Helper()
	e, err := c.Get(key)
	if errors.Is(err, cache.ErrNotFound) {
		return "", "", false
	}
	if err != nil {
		t.Fatalf("Get(%s): %v", key, err)
	}
	b, err := io.ReadAll(e)
	if err := errors.Join(err, e.Close()); err != nil {
		t.Fatal(err)
	}
	if int64(len(b)) != e.Size {
		t.Errorf("Get(%s): %d bytes, Size is %d", key, len(b), e.Size)
	}
	return string(b), string(e.Meta), true
}

func wantCopy(t *testing.T, c *cache.Cache, key, meta, text string) {
	t.Helper()
	if gotText, gotMeta, ok := read(t, c, key); !ok || gotText != text || gotMeta != meta {
		t.Errorf("Get(%s) = %.40q, %q, %t; want %.40q, %q", key, gotText, gotMeta, ok, text, meta)
	}
}

func wantNone(t *testing.T, c *cache.Cache, key string) {
	t.Helper()
	if text, _, ok := read(t, c, key); ok {
		t.Errorf("Get(%s) = %.40q, want none", key, text)
	}
}

// files lists the files below a folder.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestCopies(t *testing.T) {
	dir, clk := t.TempDir(), storetest.NewClock()
	c := open(t, dir, 1<<20, clk.Now)
	wantNone(t, c, "a")
	put(t, c, "a", "m1", "one")
	put(t, c, "../../b\x00", "", "")
	wantCopy(t, c, "a", "m1", "one")
	wantCopy(t, c, "../../b\x00", "", "")

	put(t, c, "a", "m2", "another")
	wantCopy(t, c, "a", "m2", "another")
	if got := files(t, dir); len(got) != 4 {
		t.Errorf("two copies have the files %v, want 4", got)
	}

	broken := errors.New("broken")
	if err := c.Put("a", nil, io.MultiReader(strings.NewReader("half"), failing{broken})); !errors.Is(err, broken) {
		t.Errorf("Put of a failing reader = %v", err)
	}
	wantCopy(t, c, "a", "m2", "another")

	for range 2 {
		if err := c.Delete("a"); err != nil {
			t.Error(err)
		}
	}
	wantNone(t, c, "a")
	if got := files(t, dir); len(got) != 2 {
		t.Errorf("one copy has the files %v, want 2", got)
	}
	if err := c.Put("a", make([]byte, 100<<10), strings.NewReader("x")); err == nil {
		t.Error("a meta of 100 KiB was taken")
	}
	wantNone(t, c, "a")
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestTouch(t *testing.T) {
	dir, clk := t.TempDir(), storetest.NewClock()
	c := open(t, dir, 1<<20, clk.Now)
	if err := c.Touch("a", nil); !errors.Is(err, cache.ErrNotFound) {
		t.Errorf("Touch of nothing = %v", err)
	}
	put(t, c, "a", "m1", "one")
	clk.Pass(time.Minute)
	if err := c.Touch("a", []byte("m2")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // in the same process, and after a restart
		e, err := c.Get("a")
		if err != nil {
			t.Fatal(err)
		}
		if string(e.Meta) != "m2" || !e.Since.Equal(clk.Now()) || e.Size != 3 {
			t.Errorf("after Touch: %q since %s, %d bytes", e.Meta, e.Since, e.Size)
		}
		if err := errors.Join(e.Close(), c.Close()); err != nil {
			t.Fatal(err)
		}
		c = open(t, dir, 1<<20, clk.Now)
	}
}

func TestAnOpenCopyOutlivesItsPlace(t *testing.T) {
	c := open(t, t.TempDir(), 10<<10, nil)
	put(t, c, "a", "", "first")
	put(t, c, "b", "", "evicted")
	put(t, c, "d", "", "deleted")
	var entries []*cache.Entry
	for _, key := range []string{"a", "b", "d"} {
		e, err := c.Get(key)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	put(t, c, "a", "", "second")
	if err := c.Delete("d"); err != nil {
		t.Fatal(err)
	}
	put(t, c, "big", "", strings.Repeat("x", 9<<10))
	wantNone(t, c, "b")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"first", "evicted", "deleted"} {
		b, err := io.ReadAll(entries[i])
		if err := errors.Join(err, entries[i].Close()); err != nil || string(b) != want {
			t.Errorf("open copy: %q, %v; want %q", b, err, want)
		}
	}
}

func TestEviction(t *testing.T) {
	dir, clk := t.TempDir(), storetest.NewClock()
	const size = 9 << 10 // with what each copy costs beside its bytes, 10 KiB
	c := open(t, dir, 50<<10, clk.Now)
	key := func(i int) string { return fmt.Sprint("key", i) }
	text := strings.Repeat("x", size)
	for i := range 5 {
		put(t, c, key(i), "", text)
		clk.Pass(2 * time.Hour)
	}
	wantCopy(t, c, key(0), "", text) // used again: the most recent
	clk.Pass(2 * time.Hour)
	put(t, c, key(5), "", text)
	wantNone(t, c, key(1))
	wantCopy(t, c, key(0), "", text)
	clk.Pass(2 * time.Hour)

	put(t, c, "too large", "", strings.Repeat("x", 50<<10))
	wantNone(t, c, "too large")
	if got := files(t, dir); len(got) > 10 {
		t.Errorf("%d files are left, want at most 10", len(got))
	}

	// The order is known after a restart, from the times of the files.
	put(t, c, key(6), "", text)
	kept := []string{}
	for i := 6; i >= 0; i-- { // not the order in which they were put
		if e, err := c.Get(key(i)); err == nil {
			kept = append(kept, key(i))
			_ = e.Close()
			clk.Pass(2 * time.Hour)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = open(t, dir, 20<<10, clk.Now)
	for i, k := range kept {
		_, _, ok := read(t, c, k)
		if want := i >= len(kept)-2; ok != want {
			t.Errorf("after a restart with a smaller bound %s is there: %t, want %t (used in the order %v)", k, ok, want, kept)
		}
	}
}

func TestManySmallCopiesAreBounded(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 20<<10, nil)
	for i := range 100 {
		put(t, c, fmt.Sprint(i), "", "")
	}
	if got := len(files(t, dir)); got > 40 {
		t.Errorf("%d files of empty copies in 20 KiB, want at most 40", got)
	}
	wantCopy(t, c, "99", "", "")
}

func TestCrashLeftovers(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 1<<20, nil)
	text := strings.Repeat("some bytes ", 1000)
	keys := []string{"good", "short", "zeros", "no head", "torn head", "empty head", "no data"}
	data := map[string]string{}
	for _, k := range keys {
		before := files(t, dir)
		put(t, c, k, k, text)
		for _, f := range files(t, dir) {
			if !strings.HasSuffix(f, ".json") && !strings.Contains(strings.Join(before, "\n"), f) {
				data[k] = f
			}
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	stray := filepath.Join(filepath.Dir(data["good"]), "stray")
	temp := filepath.Join(dir, ".tmp", "half")
	must(t, os.Truncate(data["short"], 100),
		os.WriteFile(data["zeros"], make([]byte, len(text)), 0o600), // the length reached the disk, the bytes did not
		os.Remove(data["no head"]+".json"),
		os.Truncate(data["torn head"]+".json", 20),
		os.Truncate(data["empty head"]+".json", 0),
		os.Remove(data["no data"]),
		os.WriteFile(stray, nil, 0o600),
		os.WriteFile(temp, []byte("half"), 0o600))

	c = open(t, dir, 1<<20, nil)
	wantCopy(t, c, "good", "good", text)
	for _, k := range keys[1:] {
		wantNone(t, c, k)
		wantNone(t, c, k)
	}
	if got := files(t, dir); len(got) != 2 {
		t.Errorf("left are %v, want the two files of one copy", got)
	}
	for _, k := range keys {
		put(t, c, k, "again", "new")
		wantCopy(t, c, k, "again", "new")
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestACopyThatIsDamagedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 1<<20, nil)
	put(t, c, "a", "", "some bytes")
	for _, f := range files(t, dir) {
		if !strings.HasSuffix(f, ".json") {
			must(t, os.Truncate(f, 4))
		}
	}
	wantNone(t, c, "a")
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("left are %v", got)
	}
}

// TestTwoCopiesOfAKey: a crash may come between the new copy and the removal of the old one.
func TestTwoCopiesOfAKey(t *testing.T) {
	dir, clk := t.TempDir(), storetest.NewClock()
	c := open(t, dir, 1<<20, clk.Now)
	put(t, c, "a", "old", "old")
	saved := map[string][]byte{}
	stamp := clk.Now()
	for _, f := range files(t, dir) {
		b, err := os.ReadFile(f)
		must(t, err)
		saved[f] = b
	}
	clk.Pass(time.Hour)
	put(t, c, "a", "new", "new")
	must(t, c.Close())
	for f, b := range saved {
		must(t, os.WriteFile(f, b, 0o600), os.Chtimes(f, stamp, stamp))
	}
	c = open(t, dir, 1<<20, clk.Now)
	wantCopy(t, c, "a", "new", "new")
	if got := files(t, dir); len(got) != 2 {
		t.Errorf("left are %v, want two files", got)
	}
}

func TestConcurrentUse(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 40<<10, nil)
	body := func(i int) string { return strings.Repeat(fmt.Sprint(i%10), 2000+i) }
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 150 {
				key := fmt.Sprint((g + i) % 20)
				switch i % 4 {
				case 0, 1:
					if err := c.Put(key, fmt.Append(nil, len(body(i))), strings.NewReader(body(i))); err != nil {
						t.Errorf("Put: %v", err)
					}
				case 2:
					e, err := c.Get(key)
					if err != nil {
						if !errors.Is(err, cache.ErrNotFound) {
							t.Errorf("Get: %v", err)
						}
						continue
					}
					b, err := io.ReadAll(e)
					if err := errors.Join(err, e.Close()); err != nil || fmt.Sprint(len(b)) != string(e.Meta) || len(bytes.Trim(b, string(b[:1]))) != 0 {
						t.Errorf("a copy of %d bytes says %s; %v", len(b), e.Meta, err)
					}
				case 3:
					if i%3 == 0 {
						_ = c.Delete(key)
					}
				}
			}
		})
	}
	wg.Wait()
	must(t, c.Close())
	before := files(t, dir)
	c = open(t, dir, 40<<10, nil)
	if after := files(t, dir); len(before) != len(after) || len(after) > 2*40 {
		t.Errorf("%d files before, %d after a restart", len(before), len(after))
	}
}
