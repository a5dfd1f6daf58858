package cache_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/org/registry-action/internal/store/cache"
)

func create(t *testing.T, c *cache.Cache, key string) *cache.Writer {
	t.Helper()
	w, err := c.Create(key)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func follow(t *testing.T, w *cache.Writer) io.ReadCloser {
	t.Helper()
	r, err := w.Follow()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func write(t *testing.T, w *cache.Writer, text string) {
	t.Helper()
	if n, err := w.Write([]byte(text)); err != nil || n != len(text) {
		t.Fatalf("Write = %d, %v", n, err)
	}
}

func TestFollowersReadWhatIsThere(t *testing.T) {
	c := open(t, t.TempDir(), 1<<20, nil)
	synctest.Test(t, func(t *testing.T) {
		w := create(t, c, "a")
		early := follow(t, w)
		var mu sync.Mutex
		var got []byte
		var end error
		done := make(chan struct{})
		go func() {
			defer close(done)
			buf := make([]byte, 4)
			for {
				n, err := early.Read(buf)
				mu.Lock()
				got = append(got, buf[:n]...)
				end = err
				mu.Unlock()
				if err != nil {
					return
				}
			}
		}()
		want := ""
		for i := range 5 {
			synctest.Wait() // the follower waits for bytes
			mu.Lock()
			if string(got) != want || end != nil {
				t.Errorf("after %d writes the follower has %q, %v; want %q", i, got, end, want)
			}
			mu.Unlock()
			wantNone(t, c, "a")
			part := fmt.Sprintf("part %d, longer than a read;", i)
			want += part
			write(t, w, part)
		}
		late := follow(t, w)
		if err := w.Commit([]byte("m")); err != nil {
			t.Fatal(err)
		}
		<-done
		if string(got) != want || end != io.EOF {
			t.Errorf("follower = %q, %v; want %q and EOF", got, end, want)
		}
		if b, err := io.ReadAll(late); err != nil || string(b) != want {
			t.Errorf("a follower that begins to read after Commit: %q, %v", b, err)
		}
		wantCopy(t, c, "a", "m", want)
		w.Abort(errors.New("too late"))
		wantCopy(t, c, "a", "m", want)
		if b, err := io.ReadAll(follow(t, w)); err != nil || string(b) != want {
			t.Errorf("a follower that comes after Commit, others being there: %q, %v", b, err)
		}
		if err := w.Commit(nil); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Commit after Commit: %v", err)
		}
	})
}

func TestManyFollowers(t *testing.T) {
	c := open(t, t.TempDir(), 8<<20, nil)
	w := create(t, c, "a")
	want := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	handles := countHandles(t)
	var wg sync.WaitGroup
	for i := range 50 {
		r := follow(t, w)
		wg.Go(func() {
			defer r.Close()
			if i%5 == 0 { // goes away early
				if _, err := io.CopyN(io.Discard, r, 1000); err != nil {
					t.Errorf("follower: %v", err)
				}
				return
			}
			if b, err := io.ReadAll(r); err != nil || !bytes.Equal(b, want) {
				t.Errorf("follower: %d bytes, %v; want %d", len(b), err, len(want))
			}
		})
	}
	for rest := want; len(rest) > 0; {
		n := min(len(rest), 10_007)
		write(t, w, string(rest[:n]))
		rest = rest[n:]
	}
	if err := w.Commit(nil); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	wantCopy(t, c, "a", "", string(want))
	if got := countHandles(t); got > handles {
		t.Errorf("%d open files, %d before", got, handles)
	}
}

func TestAbort(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 1<<20, nil)
	put(t, c, "a", "m", "kept")
	w := create(t, c, "a")
	r := follow(t, w)
	write(t, w, "half")
	if _, err := io.ReadFull(r, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	wrong := errors.New("wrong bytes")
	w.Abort(wrong)
	w.Abort(errors.New("another"))
	for range 2 {
		if n, err := r.Read(make([]byte, 4)); n != 0 || !errors.Is(err, wrong) {
			t.Errorf("Read after Abort = %d, %v", n, err)
		}
	}
	if _, err := w.Write([]byte("more")); err == nil {
		t.Error("Write after Abort succeeds")
	}
	if err := w.Commit(nil); err == nil {
		t.Error("Commit after Abort succeeds")
	}
	wantCopy(t, c, "a", "m", "kept")
	if got := files(t, dir); len(got) != 2 {
		t.Errorf("left are %v", got)
	}

	for _, end := range []error{nil, io.EOF} { // never the end of the file
		w := create(t, c, "b")
		r := follow(t, w)
		w.Abort(end)
		if _, err := r.Read(make([]byte, 4)); err == nil || err == io.EOF {
			t.Errorf("Read after Abort(%v) = %v", end, err)
		}
	}
}

func TestNobodyFollowsAFinishedCopy(t *testing.T) {
	c := open(t, t.TempDir(), 1<<20, nil)
	for _, commit := range []bool{true, false} {
		w := create(t, c, "a")
		r := follow(t, w)
		if commit {
			must(t, w.Commit(nil))
		} else {
			w.Abort(nil)
		}
		must(t, r.Close())
		if _, err := w.Follow(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Follow: %v", err)
		}
	}
}

func TestClosingAFollowerEndsItsRead(t *testing.T) {
	c := open(t, t.TempDir(), 1<<20, nil)
	synctest.Test(t, func(t *testing.T) {
		w := create(t, c, "a")
		r := follow(t, w)
		got := make(chan error)
		go func() {
			_, err := r.Read(make([]byte, 1))
			got <- err
		}()
		synctest.Wait()
		if err := errors.Join(r.Close(), r.Close()); err != nil {
			t.Error(err)
		}
		if err := <-got; !errors.Is(err, os.ErrClosed) {
			t.Errorf("Read = %v", err)
		}
		write(t, w, "goes on")
		if err := w.Commit(nil); err != nil {
			t.Fatal(err)
		}
		wantCopy(t, c, "a", "", "goes on")
	})
}

func TestACopyLargerThanTheCacheIsFollowedButNotKept(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 10<<10, nil)
	put(t, c, "small", "", "small")
	w := create(t, c, "big")
	r := follow(t, w)
	want := strings.Repeat("x", 30<<10)
	write(t, w, want)
	wantCopy(t, c, "small", "", "small") // half of the room is for what is there
	if err := w.Commit(nil); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != want {
		t.Errorf("follower: %d bytes, %v", len(b), err)
	}
	wantNone(t, c, "big")
	if got := files(t, dir); len(got) != 2 {
		t.Errorf("left are %v", got)
	}
}

func TestBytesUnderWayMakeRoom(t *testing.T) {
	c := open(t, t.TempDir(), 20<<10, nil)
	put(t, c, "old", "", strings.Repeat("x", 9<<10))
	put(t, c, "new", "", strings.Repeat("x", 7<<10))
	w := create(t, c, "big")
	write(t, w, strings.Repeat("x", 8<<10))
	wantNone(t, c, "old")
	w.Abort(nil)
	put(t, c, "old", "", strings.Repeat("x", 9<<10))
	wantCopy(t, c, "new", "", strings.Repeat("x", 7<<10))
}

func TestClose(t *testing.T) {
	dir := t.TempDir()
	handles := countHandles(t)
	c := open(t, dir, 1<<20, nil)
	put(t, c, "a", "", "kept")
	w := create(t, c, "b")
	r := follow(t, w)
	write(t, w, "half")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a follower after Close: %v", err)
	}
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("Write after Close succeeds")
	}
	if err := w.Commit(nil); err == nil {
		t.Error("Commit after Close succeeds")
	}
	if _, err := c.Create("c"); err == nil {
		t.Error("Create after Close succeeds")
	}
	if _, err := c.Get("a"); err == nil || errors.Is(err, cache.ErrNotFound) {
		t.Errorf("Get after Close = %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if got := countHandles(t); got > handles {
		t.Errorf("%d open files, %d before", got, handles)
	}
	wantCopy(t, open(t, dir, 1<<20, nil), "a", "", "kept")
	if got := files(t, dir); len(got) != 2 {
		t.Errorf("left are %v", got)
	}
}

// TestADiskThatFails: a copy that can't be kept is an error for the writer, not for who follows.
func TestADiskThatFails(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 1<<20, nil)
	w := create(t, c, "a")
	r := follow(t, w)
	write(t, w, "all bytes")
	must(t, os.RemoveAll(dir))
	if err := w.Commit(nil); err == nil {
		t.Error("Commit without a folder succeeds")
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != "all bytes" {
		t.Errorf("follower: %q, %v", b, err)
	}
	wantNone(t, c, "a")
}

func countHandles(t *testing.T) int {
	t.Helper()
	dir, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(dir)
}
