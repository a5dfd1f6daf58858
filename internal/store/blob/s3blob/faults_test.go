package s3blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
)

// large is more than two parts of an upload.
const large = 17<<20 + 5

func content(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size)}).Read(b) // never fails
	return b
}

func keyOf(b []byte) blob.Key { return blob.Key{Space: blob.Packages, Digest: digest.Of(b)} }

// isUpload tells requests that carry bytes of a blob.
func isUpload(r *http.Request) bool { return r.Method == http.MethodPut }

func isComplete(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Query().Has("uploadId")
}

// makes tells the request that makes the object: of a small blob the upload, of a large one the last.
func makes(r *http.Request) bool {
	return isComplete(r) || isUpload(r) && !r.URL.Query().Has("uploadId")
}

// first lets the first n of some requests fail.
func first(n int32, which func(*http.Request) bool, fail s3server.Fault) s3server.Fault {
	var seen atomic.Int32
	return func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if which(r) && seen.Add(1) <= n {
			fail(w, r, pass)
			return
		}
		pass.ServeHTTP(w, r)
	}
}

const always = 1 << 30

// cut takes some of the request and hangs up.
func cut(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	_, _ = io.CopyN(io.Discard, r.Body, 1000)
	s3server.Reset(w)
}

// lose lets the server do what it is asked, and hangs up in place of the answer.
func lose(w http.ResponseWriter, r *http.Request, pass http.Handler) {
	pass.ServeHTTP(httptest.NewRecorder(), r)
	s3server.Reset(w)
}

func refuse(status int, code string) s3server.Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<Error><Code>"+code+"</Code></Error>")
	}
}

func wantNothing(t *testing.T, s blob.Store, spool string) {
	t.Helper()
	for info, err := range s.List(t.Context(), blob.Packages, digest.SHA256{}) {
		t.Errorf("there is %v, %v", info, err)
	}
	if left, err := os.ReadDir(spool); err != nil || len(left) > 0 {
		t.Errorf("in the spool folder there is %v, %v", left, err)
	}
}

func wantContent(t *testing.T, s blob.Store, want []byte) {
	t.Helper()
	b, info, err := s.Open(t.Context(), keyOf(want))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, want) || info.Size != int64(len(want)) {
		t.Errorf("%d bytes of %d, or others, %v", len(got), len(want), err)
	}
}

// A fault that passes is not noticed, and who made the object is known though the answer got lost.
func TestPutSurvives(t *testing.T) {
	server := s3server.Start(t)
	for name, fail := range map[string]s3server.Fault{
		"a reset in the middle":      first(1, isUpload, cut),
		"a lost answer":              first(1, makes, lose),
		"all answers lost":           first(always, makes, lose),
		"a 500":                      first(1, makes, refuse(http.StatusInternalServerError, "InternalError")),
		"throttling":                 first(2, isUpload, refuse(http.StatusServiceUnavailable, "SlowDown")),
		"a conflict":                 first(1, makes, refuse(http.StatusConflict, "ConditionalRequestConflict")),
		"a service without the rule": first(always, hasCondition, refuse(http.StatusNotImplemented, "NotImplemented")),
	} {
		for size, kind := range map[int]string{1000: "small", large: "large"} {
			t.Run(name+", "+kind, func(t *testing.T) {
				s := openAt(t, server)
				server.Fail(fail)
				defer server.Fail(nil)
				body := content(size)
				for _, want := range []bool{true, false} {
					info, created, err := s.Put(t.Context(), keyOf(body), bytes.NewReader(body))
					if err != nil || created != want || info.Size != int64(size) {
						t.Fatalf("Put = %+v, created %t, %v; want %t", info, created, err, want)
					}
				}
				wantContent(t, s, body)
			})
		}
	}
}

func hasCondition(r *http.Request) bool { return r.Header.Get("If-None-Match") != "" }

// A fault that stays is an outage, leaves nothing, and is over when it is over.
func TestPutFails(t *testing.T) {
	server := s3server.Start(t)
	for name, fail := range map[string]s3server.Fault{
		"resets":  first(always, isUpload, cut),
		"500s":    first(always, makes, refuse(http.StatusInternalServerError, "InternalError")),
		"a quota": first(always, isUpload, refuse(http.StatusForbidden, "QuotaExceeded")),
	} {
		for size, kind := range map[int]string{300 << 10: "spooled", large: "large"} {
			t.Run(name+", "+kind, func(t *testing.T) {
				c := configOf(t, server)
				s := openWith(t, c)
				var aborts atomic.Int32
				server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
					if r.Method == http.MethodDelete && r.URL.Query().Has("uploadId") {
						aborts.Add(1)
					}
					fail(w, r, pass)
				})
				defer server.Fail(nil)
				body := content(size)
				_, created, err := s.Put(t.Context(), blob.Key{Space: blob.Packages}, bytes.NewReader(body))
				if created || !errors.Is(err, fault.Unavailable) || fault.Wait(err) == 0 {
					t.Errorf("Put: created %t, %v, want fault.Unavailable with a time to wait", created, err)
				}
				if n := aborts.Load(); (n > 0) != (size == large) {
					t.Errorf("%d uploads were dropped", n)
				}
				wantNothing(t, s, c.Spool)
				server.Fail(nil)
				if _, created, err := s.Put(t.Context(), keyOf(body), bytes.NewReader(body)); err != nil || !created {
					t.Errorf("Put afterwards: created %t, %v", created, err)
				}
			})
		}
	}
}

// A caller who leaves while bytes are sent ends that at once, and nothing stays.
func TestPutCancelled(t *testing.T) {
	server := s3server.Start(t)
	for _, size := range []int{1000, large} {
		c := configOf(t, server)
		s := openWith(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		server.Fail(first(always, isUpload, func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
			cancel()
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		}))
		_, created, err := s.Put(ctx, blob.Key{Space: blob.Packages}, bytes.NewReader(content(size)))
		if created || !errors.Is(err, context.Canceled) || errors.Is(err, fault.Unavailable) {
			t.Errorf("Put of %d bytes: created %t, %v, want context.Canceled", size, created, err)
		}
		server.Fail(nil)
		wantNothing(t, s, c.Spool)
	}
}

// The service does not take bytes that changed on their way.
func TestBytesThatChangeOnTheirWay(t *testing.T) {
	server := s3server.Start(t)
	c := configOf(t, server)
	s := openWith(t, c)
	for _, size := range []int{1000, large} {
		server.Fail(first(always, isUpload, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
			flipped := make([]byte, 1)
			_, _ = io.ReadFull(r.Body, flipped)
			flipped[0] ^= 1
			r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(flipped), r.Body))
			pass.ServeHTTP(w, r)
		}))
		if _, created, err := s.Put(t.Context(), blob.Key{Space: blob.Packages}, bytes.NewReader(content(size))); created || err == nil {
			t.Errorf("Put of %d bytes: created %t, %v", size, created, err)
		}
		server.Fail(nil)
		wantNothing(t, s, c.Spool)
	}
}

// A download that breaks goes on where it was.
func TestReadSurvives(t *testing.T) {
	server := s3server.Start(t)
	s := openAt(t, server)
	body := content(2 << 20)
	if _, _, err := s.Put(t.Context(), keyOf(body), bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		pass.ServeHTTP(&shortWriter{ResponseWriter: w, left: 500 << 10}, r)
	})
	wantContent(t, s, body)
	b, _, err := s.Open(t.Context(), keyOf(body))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	part := make([]byte, 400<<10)
	if n, err := b.ReadAt(part, 1<<20); n != len(part) || err != nil || !bytes.Equal(part, body[1<<20:][:n]) {
		t.Errorf("ReadAt = %d, %v, or wrong bytes", n, err)
	}
	server.Fail(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { s3server.Reset(w) })
	if _, err := b.ReadAt(part, 0); !errors.Is(err, fault.Unavailable) {
		t.Errorf("ReadAt in an outage: %v", err)
	}
	server.Fail(nil)
	if n, err := b.ReadAt(part, 0); n != len(part) || err != nil {
		t.Errorf("ReadAt afterwards = %d, %v", n, err)
	}
}

// shortWriter hangs up after some bytes of the body.
type shortWriter struct {
	http.ResponseWriter
	left int
}

func (s *shortWriter) Write(p []byte) (int, error) {
	n, err := s.ResponseWriter.Write(p[:min(len(p), s.left)])
	if s.left -= n; s.left == 0 && err == nil {
		_ = http.NewResponseController(s.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

func (s *shortWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// A download that stands still is given up and asked for anew.
func TestReadStalls(t *testing.T) {
	server := s3server.Start(t)
	s := openAt(t, server)
	s.SetStall(50_000_000) // 50 ms
	body := content(1 << 20)
	if _, _, err := s.Put(t.Context(), keyOf(body), bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	server.Fail(first(1, func(r *http.Request) bool { return r.Method == http.MethodGet }, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		pass.ServeHTTP(&stallWriter{ResponseWriter: w, r: r, left: 300 << 10}, r)
	}))
	wantContent(t, s, body)
}

// stallWriter writes nothing after some bytes, until the client leaves.
type stallWriter struct {
	http.ResponseWriter
	r    *http.Request
	left int
}

func (s *stallWriter) Write(p []byte) (int, error) {
	n, err := s.ResponseWriter.Write(p[:min(len(p), s.left)])
	if s.left -= n; s.left == 0 && err == nil {
		_ = http.NewResponseController(s.ResponseWriter).Flush()
		<-s.r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

func (s *stallWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// What an outage says in public has no names of the inside.
func TestPublicMessage(t *testing.T) {
	server := s3server.Start(t)
	s := openAt(t, server)
	server.Fail(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { s3server.Reset(w) })
	_, err := s.Stat(t.Context(), keyOf(nil))
	e, ok := fault.Public(err)
	if !ok || strings.Contains(e.Message, server.URL) || strings.Contains(e.Message, s3server.Bucket+"/") || strings.Contains(e.Message, "127.0.0.1") {
		t.Errorf("the message is %v", e)
	}
	if strings.Contains(err.Error(), "test-secret") {
		t.Errorf("the log gets the secret: %v", err)
	}
}
