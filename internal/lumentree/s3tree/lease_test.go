package s3tree_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/lumentree/s3tree"
)

// memory is a service of S3 in this process, by whose clock tests can go.
type memory struct {
	mu      sync.Mutex
	objects map[string]memoryObject
	down    bool
	simple  bool // it takes no notice of conditions
}

type memoryObject struct {
	bytes    []byte
	modified time.Time
}

func (o memoryObject) etag() string {
	if o.bytes == nil {
		return ""
	}
	return fmt.Sprintf("%q", fmt.Sprintf("%x-%d", sha256.Sum256(o.bytes), o.modified.UnixNano()))
}

func (m *memory) open() *s3tree.Bucket {
	return s3tree.OpenWith(s3tree.Config{Bucket: "registry", Prefix: prefix, Endpoint: "http://s3.test"}, m)
}

// Do answers a request.
func (m *memory) Do(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return nil, errors.New("down")
	}
	o := m.objects[r.URL.Path]
	status := http.StatusOK
	switch match := r.Header.Get("If-Match"); {
	case !m.simple && r.Method == http.MethodPut && (match != "" && match != o.etag() || r.Header.Get("If-None-Match") == "*" && o.bytes != nil):
		status = http.StatusPreconditionFailed
	case r.Method == http.MethodPut:
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		o = memoryObject{text, time.Now()}
		m.objects[r.URL.Path] = o
	case o.bytes == nil:
		status = http.StatusNotFound
	}
	h := http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}}
	if o.bytes != nil {
		h.Set("ETag", o.etag())
		h.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	}
	body := []byte("<Error><Code>" + http.StatusText(status) + "</Code></Error>")
	if status == http.StatusOK {
		body = o.bytes
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r}, nil
}

func (m *memory) fail(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
}

// Who waits for another writer in vain is told who that is; who can't renew its lock stops to write.
func TestLeaseTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memory{objects: map[string]memoryObject{}}
		first := store.open()
		if err := first.Lock(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute) // it is renewed
		begin := time.Now()
		err := store.open().Lock(t.Context())
		if codeOf(err) != "locked" || !strings.Contains(err.Error(), fmt.Sprintf("process %d on", os.Getpid())) || !strings.Contains(err.Error(), "s3://registry/a/tree/.export.lock") {
			t.Errorf("a prefix that is locked: %v", err)
		}
		if waited := time.Since(begin); waited > time.Minute {
			t.Errorf("it waited for %s", waited)
		}
		if err := put(t.Context(), first, "index.json", "one"); err != nil {
			t.Errorf("its holder: %v", err)
		}
		store.fail(true)
		time.Sleep(time.Minute)
		store.fail(false)
		if err := put(t.Context(), first, "index.json", "late"); codeOf(err) != "lock_lost" {
			t.Errorf("who could not renew its lock writes: %v", err)
		}
		second := store.open()
		if err := second.Lock(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(first.Close(), second.Close()); err != nil {
			t.Error(err)
		}
	})
}

// So is one that takes no notice of them.
func TestConditionsIgnored(t *testing.T) {
	for _, there := range []bool{false, true} {
		store := &memory{objects: map[string]memoryObject{}, simple: true}
		if there {
			store.objects["/registry/a/tree/.export.lock"] = memoryObject{[]byte("{}"), time.Now()}
		}
		b := store.open()
		if err := b.Lock(t.Context()); codeOf(err) != "no_conditional_writes" {
			t.Errorf("Lock = %v", err)
		}
		if err := put(t.Context(), b, "index.json", "one"); err == nil {
			t.Error("a bucket is written to that was not locked")
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}
