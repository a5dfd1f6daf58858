package s3tree_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/lumentree"
	"github.com/org/registry-action/internal/lumentree/s3tree"
)

var key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))

const prefix = "a/tree"

func config(s *s3server.Server) s3tree.Config {
	return s3tree.Config{Bucket: s3server.Bucket, Prefix: prefix, Endpoint: s.URL, PathStyle: true}
}

func open(t *testing.T, c s3tree.Config) *s3tree.Bucket {
	t.Helper()
	b, err := s3tree.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// locked opens a bucket to write to.
func locked(t *testing.T, c s3tree.Config) *s3tree.Bucket {
	t.Helper()
	b := open(t, c)
	if err := b.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

func pack(t *testing.T, name, version string) lumentree.Package {
	t.Helper()
	dir := t.TempDir()
	manifest := fmt.Sprintf("[package]\nname = %q\nversion = %q\n", name, version)
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "lumen.toml"), []byte(manifest), 0o644), os.Mkdir(filepath.Join(dir, "src"), 0o755),
		os.WriteFile(filepath.Join(dir, "src", "main.lm"), []byte(version), 0o644)); err != nil {
		t.Fatal(err)
	}
	p, err := lumentree.Pack(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func publish(ctx context.Context, c s3tree.Config, p lumentree.Package) (err error) {
	b, err := s3tree.Open(ctx, c)
	if err != nil {
		return err
	}
	if err := b.Lock(ctx); err != nil {
		return err
	}
	_, err = lumentree.Publish(ctx, b, p, lumentree.PublishOptions{Key: key})
	return errors.Join(err, b.Close())
}

func verify(t *testing.T, c s3tree.Config) lumentree.Verification {
	t.Helper()
	v, err := lumentree.Verify(t.Context(), open(t, c), lumentree.VerifyOptions{})
	if err != nil || len(v.Problems) > 0 {
		t.Errorf("the tree: %v, %v", v.Problems, err)
	}
	return v
}

// Writers at the same time don't lose each other's entries.
func TestPublishAtOnce(t *testing.T) {
	c := config(s3server.Start(t))
	const writers, each = 2, 3
	var g sync.WaitGroup
	for w := range writers {
		var packages []lumentree.Package
		for i := range each {
			packages = append(packages, pack(t, "@acme/http", fmt.Sprintf("%d.%d.0", w, i)), pack(t, fmt.Sprintf("@acme/p%d", w), fmt.Sprintf("1.%d.0", i)))
		}
		g.Go(func() {
			for _, p := range packages {
				if err := publish(t.Context(), c, p); err != nil {
					t.Error(err)
				}
			}
		})
	}
	g.Wait()
	if v := verify(t, c); v.Versions != 2*writers*each || v.Packages != 1+writers || v.Signed != v.Versions {
		t.Errorf("%+v", v)
	}
}

// codeOf is the code of what an error says to users.
func codeOf(err error) string {
	e, ok := fault.Public(err)
	if !ok {
		return ""
	}
	return e.Code
}

func put(ctx context.Context, b *s3tree.Bucket, path, text string) error {
	f := lumentree.File{Path: path, Digest: digest.Of([]byte(text)), Size: int64(len(text))}
	return b.Put(ctx, f, strings.NewReader(text))
}

func read(t *testing.T, b *s3tree.Bucket, path string) string {
	t.Helper()
	r, err := b.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A document that somebody else has written since it was read is not overwritten, also where nobody keeps to a lock.
func TestOvertaken(t *testing.T) {
	s := s3server.Start(t)
	b, other := locked(t, config(s)), config(s)
	other.NoLock = true
	rude := open(t, other)
	if err := put(t.Context(), b, "index.json", "one"); err != nil {
		t.Fatal(err)
	}
	if text := read(t, b, "index.json"); text != "one" {
		t.Fatalf("index.json: %q", text)
	}
	if err := put(t.Context(), rude, "index.json", "theirs"); err != nil {
		t.Fatal(err)
	}
	if err := put(t.Context(), b, "index.json", "two"); codeOf(err) != "overtaken" {
		t.Errorf("over what somebody else has written: %v", err)
	}
	if text := read(t, b, "index.json"); text != "theirs" {
		t.Errorf("index.json: %q", text)
	}
	if err := put(t.Context(), b, "index.json", "two"); err != nil {
		t.Errorf("once it was read again: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if err := put(t.Context(), b, "index.json", "late"); err == nil {
		t.Error("a bucket is written to after its lock was let go of")
	}
	if err := put(t.Context(), open(t, config(s)), "index.json", "late"); err == nil {
		t.Error("a bucket is written to that was not locked")
	}
}

// The answer to a write is lost, and the next try finds the own bytes there.
func TestLostAnswers(t *testing.T) {
	s := s3server.Start(t)
	c, p := config(s), pack(t, "@acme/http", "1.0.0")
	var mu sync.Mutex
	lost := map[string]bool{}
	s.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		mu.Lock()
		first := r.Method == http.MethodPut && !lost[r.URL.Path]
		lost[r.URL.Path] = lost[r.URL.Path] || first
		mu.Unlock()
		if !first {
			pass.ServeHTTP(w, r)
			return
		}
		pass.ServeHTTP(discard{http.Header{}}, r)
		s3server.Reset(w)
	})
	if err := publish(t.Context(), c, p); err != nil {
		t.Fatal(err)
	}
	if v := verify(t, c); v.Versions != 1 || len(lost) < 5 {
		t.Errorf("%+v, %d answers were lost", v, len(lost))
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// A service that does not know conditions is found out before anything is written.
func TestNoConditions(t *testing.T) {
	s := s3server.Start(t)
	s.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if r.Header.Get("If-Match")+r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotImplemented)
			_, _ = io.WriteString(w, "<Error><Code>NotImplemented</Code></Error>")
			return
		}
		pass.ServeHTTP(w, r)
	})
	c, p := config(s), pack(t, "@acme/http", "1.0.0")
	if err := publish(t.Context(), c, p); codeOf(err) != "no_conditional_writes" || !strings.Contains(err.Error(), "--no-lock") {
		t.Errorf("publish = %v", err)
	}
	if sizes, err := open(t, c).Sizes(t.Context()); err != nil || len(sizes) > 0 {
		t.Errorf("the bucket has %v, %v", sizes, err)
	}
	c.NoLock = true
	if err := publish(t.Context(), c, p); err != nil {
		t.Errorf("without a lock: %v", err)
	}
	verify(t, c)
}

// aged lets the objects of a service seem older than they are.
func aged(by time.Duration) s3server.Fault {
	return func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		pass.ServeHTTP(&dated{ResponseWriter: w, by: by}, r)
	}
}

type dated struct {
	http.ResponseWriter
	by time.Duration
}

func (d *dated) WriteHeader(status int) {
	if at, err := http.ParseTime(d.Header().Get("Last-Modified")); err == nil {
		d.Header().Set("Last-Modified", at.Add(-d.by).UTC().Format(http.TimeFormat))
	}
	d.ResponseWriter.WriteHeader(status)
}

func (d *dated) Unwrap() http.ResponseWriter { return d.ResponseWriter }

// The lock of a writer that was killed is taken over; should it live, it writes no more.
func TestTakeover(t *testing.T) {
	s := s3server.Start(t)
	first := locked(t, config(s))
	if err := put(t.Context(), first, "index.json", "one"); err != nil {
		t.Fatal(err)
	}
	s.Fail(aged(time.Minute))
	second := locked(t, config(s))
	s.Fail(nil)
	if err := put(t.Context(), second, "index.json", "two"); err != nil {
		t.Fatal(err)
	}
	if err := first.Renew(t.Context()); err == nil {
		t.Error("a lock that was taken over is renewed")
	}
	if err := put(t.Context(), first, "index.json", "late"); codeOf(err) != "overtaken" {
		t.Errorf("who has lost the lock writes: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if err := second.Renew(t.Context()); err != nil {
		t.Errorf("the first one let go of the second one's lock: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	third := locked(t, config(s))
	if err := third.Close(); err != nil {
		t.Error(err)
	}
}
