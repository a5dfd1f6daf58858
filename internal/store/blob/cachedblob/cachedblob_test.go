package cachedblob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/blob/blobtest"
	"github.com/org/registry-action/internal/store/blob/cachedblob"
	"github.com/org/registry-action/internal/store/cache"
	"github.com/org/registry-action/internal/store/storetest"
)

// far is a store that counts how often it is opened, and does what it is told before.
type far struct {
	blob.Store
	opened atomic.Int32
	before func() error // an error is Open's
	spoil  bool         // other bytes are read
}

func (f *far) Open(ctx context.Context, key blob.Key) (blob.Blob, blob.Info, error) {
	f.opened.Add(1)
	if f.before != nil {
		if err := f.before(); err != nil {
			return nil, blob.Info{}, err
		}
	}
	b, info, err := f.Store.Open(ctx, key)
	if f.spoil {
		return spoiled{b}, info, err
	}
	return b, info, err
}

type spoiled struct{ blob.Blob }

func (s spoiled) Read(p []byte) (int, error) {
	n, err := s.Blob.Read(p)
	clear(p[:n])
	return n, err
}

func open(t *testing.T, maxBytes int64) (*cachedblob.Store, *far, string) {
	t.Helper()
	files := storetest.OpenBlobs(t)
	dir := t.TempDir()
	c, err := cache.Open(dir, cache.Options{MaxBytes: maxBytes})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	f := &far{Store: files}
	return cachedblob.New(f, c), f, dir
}

const plenty = 100 << 20

func TestLaws(t *testing.T) {
	for name, size := range map[string]int64{"large": plenty, "nothing fits": 1} {
		t.Run(name, func(t *testing.T) {
			blobtest.Run(t, func(t *testing.T) blob.Store {
				s, _, _ := open(t, size)
				return s
			})
		})
	}
}

func put(t *testing.T, s blob.Store, content []byte) blob.Key {
	t.Helper()
	info, _, err := s.Put(t.Context(), blob.Key{Space: blob.Packages}, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return info.Key
}

func read(t *testing.T, s blob.Store, key blob.Key) (blob.Blob, []byte) {
	t.Helper()
	b, _, err := s.Open(t.Context(), key)
	if err != nil {
		t.Error(err)
		return nil, nil
	}
	defer b.Close()
	content, err := io.ReadAll(b)
	if err != nil {
		t.Error(err)
	}
	return b, content
}

// Any number of readers cost one fetch, and get plain files.
func TestOneFetch(t *testing.T) {
	s, f, _ := open(t, plenty)
	content := bytes.Repeat([]byte("x"), 300<<10)
	key := put(t, s, content)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			b, got := read(t, s, key)
			if _, ok := b.(*os.File); !ok || !bytes.Equal(got, content) {
				t.Errorf("a %T of %d bytes", b, len(got))
			}
		})
	}
	wg.Wait()
	if n := f.opened.Load(); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
	f.before = func() error { return errors.New("the store is away") }
	if _, got := read(t, s, key); !bytes.Equal(got, content) {
		t.Error("a copy needs the store")
	}
}

// Whoever waits for a fetch that fails tries it himself.
func TestFetchOfAnotherFails(t *testing.T) {
	s, f, _ := open(t, plenty)
	key := put(t, s, []byte("content"))
	began, end := make(chan struct{}), make(chan struct{})
	var once sync.Once
	failure := errors.New("the line is down")
	f.before = func() (err error) {
		once.Do(func() {
			close(began)
			<-end
			err = failure
		})
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, _, err := s.Open(t.Context(), key); !errors.Is(err, failure) {
			t.Errorf("the first: %v", err)
		}
	})
	<-began
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Open(ctx, key); !errors.Is(err, context.Canceled) {
		t.Errorf("who has gone: %v", err)
	}
	wg.Go(func() {
		if _, got := read(t, s, key); string(got) != "content" {
			t.Errorf("the second reads %q", got)
		}
	})
	close(end)
	wg.Wait()
}

// A blob that is deleted while it is fetched is readable for who fetched it, and for nobody after.
func TestDeletedWhileFetched(t *testing.T) {
	s, f, _ := open(t, plenty)
	key := put(t, s, []byte("content"))
	f.Store = openThen{f.Store, func() {
		if err := s.Delete(t.Context(), key); err != nil {
			t.Error(err)
		}
	}}
	if _, got := read(t, s, key); string(got) != "content" {
		t.Errorf("who fetched it reads %q", got)
	}
	if _, _, err := s.Open(t.Context(), key); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("after its Delete: %v", err)
	}
}

type openThen struct {
	blob.Store
	then func()
}

func (o openThen) Open(ctx context.Context, key blob.Key) (blob.Blob, blob.Info, error) {
	b, info, err := o.Store.Open(ctx, key)
	if err == nil {
		o.then()
	}
	return b, info, err
}

// Wrong bytes are refused, and not kept.
func TestSpoiledFetch(t *testing.T) {
	s, f, _ := open(t, plenty)
	key := put(t, s, []byte("content"))
	f.spoil = true
	if _, _, err := s.Open(t.Context(), key); !errors.Is(err, blob.ErrDigest) {
		t.Errorf("spoiled bytes: %v", err)
	}
	f.spoil = false
	if _, got := read(t, s, key); string(got) != "content" {
		t.Errorf("afterwards: %q", got)
	}
}

// A large blob goes past the cache.
func TestLargeBlob(t *testing.T) {
	s, f, dir := open(t, plenty)
	content := make([]byte, 16<<20+1)
	key := put(t, s, content)
	for range 2 {
		if _, got := read(t, s, key); digest.Of(got) != key.Digest {
			t.Errorf("%d bytes, or others", len(got))
		}
	}
	kept, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(kept) > 0 || f.opened.Load() != 2 {
		t.Errorf("the cache has %v, %v, after %d fetches", kept, err, f.opened.Load())
	}
}

// A cache that can't be written keeps nobody from reading.
func TestClosedCache(t *testing.T) {
	files := storetest.OpenBlobs(t)
	defer files.Close()
	c, err := cache.Open(t.TempDir(), cache.Options{MaxBytes: plenty})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	s := cachedblob.New(files, c)
	if _, got := read(t, s, put(t, s, []byte("content"))); string(got) != "content" {
		t.Errorf("read %q", got)
	}
}

// What the far store signs, and nothing else.
func TestSigned(t *testing.T) {
	s, f, _ := open(t, plenty)
	key := put(t, s, []byte("content"))
	if _, err := s.SignGet(t.Context(), key, time.Minute, blob.Answer{}); !errors.Is(err, blob.ErrUnsigned) {
		t.Errorf("SignGet of files: %v", err)
	}
	if _, err := s.SignPut(t.Context(), key, time.Minute, 7); !errors.Is(err, blob.ErrUnsigned) {
		t.Errorf("SignPut of files: %v", err)
	}
	signs := cachedblob.New(signing{f}, nil)
	link, err := signs.SignGet(t.Context(), key, time.Minute, blob.Answer{ContentType: "a/b"})
	if err != nil || link != "GET "+key.String()+" 1m0s a/b" {
		t.Errorf("SignGet = %q, %v", link, err)
	}
	r, err := signs.SignPut(t.Context(), key, time.Minute, 7)
	if err != nil || r.URL != "PUT "+key.String()+" 1m0s 7" {
		t.Errorf("SignPut = %q, %v", r.URL, err)
	}
}

// signing is a store that signs by saying what.
type signing struct{ *far }

func (signing) SignGet(_ context.Context, key blob.Key, valid time.Duration, as blob.Answer) (string, error) {
	return fmt.Sprintf("GET %s %s %s", key, valid, as.ContentType), nil
}

func (signing) SignPut(_ context.Context, key blob.Key, valid time.Duration, size int64) (blob.Request, error) {
	return blob.Request{URL: fmt.Sprintf("PUT %s %s %d", key, valid, size)}, nil
}
