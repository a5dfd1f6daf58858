package s3blob_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/awsconfig"
	"github.com/org/registry-action/internal/store/blob"
)

// others writes into the bucket as anybody may who has the rights.
func others(t *testing.T, server *s3server.Server, key string, body []byte) {
	t.Helper()
	c, err := awsconfig.Load(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	api := s3.NewFromConfig(c, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = &server.URL, true })
	if _, err := api.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(s3server.Bucket), Key: &key, Body: bytes.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
}

// The keys of objects are part of the format: other tools and lifecycle rules know them.
func TestKeys(t *testing.T) {
	server := s3server.Start(t)
	body := content(100)
	hex := digest.Of(body).Hex()
	for prefix, want := range map[string]string{"": "packages/", "/a/b/": "a/b/packages/"} {
		c := configOf(t, server)
		c.Prefix = prefix
		s := openWith(t, c)
		var mu sync.Mutex
		var paths []string
		server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
			mu.Lock()
			paths = append(paths, r.Method+" "+r.URL.Path)
			mu.Unlock()
			pass.ServeHTTP(w, r)
		})
		if _, _, err := s.Put(t.Context(), keyOf(body), bytes.NewReader(body)); err != nil {
			t.Fatal(err)
		}
		server.Fail(nil)
		if want := []string{"PUT /" + s3server.Bucket + "/" + want + hex[:2] + "/" + hex}; !slices.Equal(paths, want) {
			t.Errorf("prefix %q: the requests are %q, want %q", prefix, paths, want)
		}
	}
}

// Objects of others are no blobs, and those in a blob's place are refused.
func TestObjectsOfOthers(t *testing.T) {
	server := s3server.Start(t)
	c := configOf(t, server)
	c.Prefix = "mine"
	s := openWith(t, c)
	small, big := content(100), content(600<<10)
	hex := digest.Of(small).Hex()
	for _, key := range []string{"mine/packages/readme.txt", "mine/packages/00/" + hex, "mine/packages/" + hex[:2] + "/" + hex + ".sig", "mine/packagesx/" + hex[:2] + "/" + hex} {
		others(t, server, key, small)
	}
	wantNothing(t, s, c.Spool)

	others(t, server, "mine/packages/"+hex[:2]+"/"+hex, []byte("something else"))
	if b, _, err := s.Open(t.Context(), keyOf(small)); err == nil {
		b.Close()
		t.Error("other bytes are taken for a blob")
	}

	if _, _, err := s.Put(t.Context(), keyOf(big), bytes.NewReader(big)); err != nil {
		t.Fatal(err)
	}
	b, _, err := s.Open(t.Context(), keyOf(big))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	hex = digest.Of(big).Hex()
	others(t, server, "mine/packages/"+hex[:2]+"/"+hex, content(700<<10))
	if _, err := b.ReadAt(make([]byte, 10), 500<<10); err == nil {
		t.Error("an object that changed its size is read on")
	}
}

// A listing takes as many pages as it needs, and breaks off where it is told.
func TestListPages(t *testing.T) {
	server := s3server.Start(t)
	s := openAt(t, server)
	const n = 1010 // a page has 1,000
	var g errgroup.Group
	g.SetLimit(16)
	for i := range n {
		g.Go(func() error {
			body := fmt.Append(nil, i)
			_, _, err := s.Put(t.Context(), keyOf(body), bytes.NewReader(body))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	var pages atomic.Int32
	server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		pages.Add(1)
		pass.ServeHTTP(w, r)
	})
	var got []string
	for info, err := range s.List(t.Context(), blob.Packages, digest.SHA256{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, info.Digest.Hex())
	}
	if len(slices.Compact(got)) != n || !slices.IsSorted(got) || pages.Load() != 2 {
		t.Errorf("%d blobs in %d pages, sorted: %t", len(got), pages.Load(), slices.IsSorted(got))
	}
	for range s.List(t.Context(), blob.Packages, digest.SHA256{}) {
		break
	}
	if pages.Load() != 3 {
		t.Errorf("%d requests for one blob", pages.Load()-2)
	}
}

// Jumps in a large blob ask for what is read, and not for all.
func TestSeekInLargeBlob(t *testing.T) {
	server := s3server.Start(t)
	s := openAt(t, server)
	body := content(3 << 20)
	if _, _, err := s.Put(t.Context(), keyOf(body), bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	b, _, err := s.Open(t.Context(), keyOf(body))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var requests atomic.Int32
	server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		requests.Add(1)
		pass.ServeHTTP(w, r)
	})
	read := func(from, n int) {
		t.Helper()
		got := make([]byte, n)
		if _, err := b.Seek(int64(from), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(b, got); err != nil || !bytes.Equal(got, body[from:from+n]) {
			t.Errorf("%d bytes at %d: %v, or others", n, from, err)
		}
	}
	for _, step := range []struct {
		from, n  int
		requests int32
	}{
		{0, 100, 0}, {50_000, 100, 0}, {2 << 20, 300 << 10, 1}, {0, 10, 2}, {3<<20 - 5, 5, 3},
	} {
		read(step.from, step.n)
		if got := requests.Load(); got != step.requests {
			t.Errorf("after %d bytes at %d: %d requests, want %d", step.n, step.from, got, step.requests)
		}
	}
	for i := range 20 { // small pieces in order are one request
		piece := make([]byte, 1000)
		if _, err := b.ReadAt(piece, int64(1<<20+i*1000)); err != nil || !bytes.Equal(piece, body[1<<20+i*1000:][:1000]) {
			t.Fatalf("piece %d: %v, or others", i, err)
		}
	}
	if got := requests.Load(); got != 4 {
		t.Errorf("20 pieces took %d requests", got-3)
	}
	if n, err := b.ReadAt(make([]byte, 1), -1); n != 0 || err == nil {
		t.Errorf("ReadAt(-1) = %d, %v", n, err)
	}
	if _, err := b.Seek(-1, io.SeekStart); err == nil {
		t.Error("a seek before the begin goes well")
	}
	b.Close()
	if _, err := b.Read(make([]byte, 1)); err == nil {
		t.Error("a closed blob can be read")
	}
}
