package regclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/wire"
)

// blobs are n sources and a plan that misses all of them.
func blobs(n int) (wire.Plan, map[digest.SHA256]regclient.Source) {
	var plan wire.Plan
	sources := map[digest.SHA256]regclient.Source{}
	for i := range n {
		text := fmt.Sprintf("blob number %d", i)
		d := digest.Of([]byte(text))
		plan.Missing = append(plan.Missing, wire.Upload{Digest: d, Size: int64(len(text)), URL: "/blobs/" + d.Hex()})
		sources[d] = regclient.Source{Name: fmt.Sprintf("@acme/p%d (body)", i), Size: int64(len(text)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
	}
	return plan, sources
}

func TestUpload(t *testing.T) {
	const parallel = 3
	var mu sync.Mutex
	got := map[string]bool{}
	busy, all := 0, make(chan struct{})
	enter := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		if busy += n; busy > parallel {
			t.Errorf("%d uploads at a time, want %d", busy, parallel)
		}
		if busy == parallel && len(got) == 0 {
			close(all)
		}
	}
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		enter(1)
		defer enter(-1)
		<-all // none ends before as many run as may
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPut || r.Header.Get("Content-Type") != "application/octet-stream" || r.ContentLength != int64(len(body)) {
			t.Errorf("%s %v: %q, %v", r.Method, r.Header, body, err)
		}
		mu.Lock()
		defer mu.Unlock()
		if d := digest.Of(body); got[d.Hex()] || r.URL.Path != "/blobs/"+d.Hex() {
			t.Errorf("%s comes with %q", r.URL.Path, body)
		} else {
			got[d.Hex()] = true
		}
		w.WriteHeader([]int{200, 201, 204}[len(got)%3])
	})
	plan, sources := blobs(40)
	var want, sent int64
	for _, up := range plan.Missing {
		want += up.Size
	}
	plan.Missing = append(plan.Missing, plan.Missing[:5]...) // two packages may share a body
	c := newClient(t, regclient.Options{BaseURL: srv.URL})
	err := c.Upload(t.Context(), plan, sources, parallel, func(n int64) { sent += n }) // the race detector sees overlaps
	if err != nil || len(got) != 40 || sent != want {
		t.Errorf("Upload = %v; %d blobs, %d of %d bytes", err, len(got), sent, want)
	}
}

func TestUploadFailsFast(t *testing.T) {
	plan, sources := blobs(50)
	bad := plan.Missing[1]
	var requests atomic.Int64
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == bad.URL {
			answer(w, 422, wire.Error{Error: "the digest does not match"})
			return
		}
		<-r.Context().Done() // the others hang until they are cancelled
	})
	err := newClient(t, regclient.Options{BaseURL: srv.URL}).Upload(t.Context(), plan, sources, 2, nil)
	e, ok := errors.AsType[*regclient.Error](err)
	if !ok || e.Status != 422 || !strings.HasPrefix(err.Error(), "uploading @acme/p1 (body), "+bad.Digest.String()+": PUT ") || requests.Load() > 3 {
		t.Errorf("Upload = %v after %d requests", err, requests.Load())
	}
}

func TestUploadDoubtsThePlan(t *testing.T) {
	srv := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("something was uploaded") })
	c := newClient(t, regclient.Options{BaseURL: srv.URL})
	plan, sources := blobs(1)
	plan.Missing[0].Size++
	if err := c.Upload(t.Context(), plan, sources, 1, nil); err == nil || !strings.Contains(err.Error(), "14 bytes of @acme/p0 (body), which has 13") {
		t.Errorf("other size: %v", err)
	}
	if err := c.Upload(t.Context(), plan, nil, 1, nil); err == nil || !strings.Contains(err.Error(), "no part of this publish") {
		t.Errorf("unknown blob: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Upload(ctx, plan, sources, 1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := c.Upload(t.Context(), wire.Plan{}, sources, 0, nil); err != nil {
		t.Errorf("nothing to do: %v", err)
	}
}

// TestBodyIsSentAgain: each try opens the blob anew, and progress ends at its size.
func TestBodyIsSentAgain(t *testing.T) {
	blob := bytes.Repeat([]byte("0123456789abcdef"), 1<<17) // 2 MiB: more than the buffers on the way
	tries, opened, closed := 0, 0, make(chan struct{}, 10)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if tries++; tries < 3 {
			_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
			w.Header().Set("Connection", "close")
			w.WriteHeader(503)
			return
		}
		if body, err := io.ReadAll(r.Body); err != nil || !bytes.Equal(body, blob) {
			t.Errorf("the last try sends %d bytes, %v", len(body), err)
		}
	})
	open := func() (io.ReadCloser, error) {
		opened++
		return closer{bytes.NewReader(blob), closed}, nil
	}
	var sent int64
	lowest := int64(0)
	err := newClient(t, regclient.Options{BaseURL: srv.URL}).Put(t.Context(), wire.Upload{Size: int64(len(blob)), URL: "/b"}, open, func(n int64) {
		sent += n
		lowest = min(lowest, sent)
	})
	if err != nil || tries != 3 || opened != 3 || sent != int64(len(blob)) || lowest < 0 {
		t.Errorf("Put = %v; %d tries, %d opened, %d bytes reported, lowest %d", err, tries, opened, sent, lowest)
	}
	for range opened { // net/http may do so after the answer
		<-closed
	}
}

type closer struct {
	io.Reader
	closed chan<- struct{}
}

func (c closer) Close() error { c.closed <- struct{}{}; return nil }

func TestEmptyBlob(t *testing.T) {
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 || len(r.TransferEncoding) > 0 {
			t.Errorf("length %d, encoding %q", r.ContentLength, r.TransferEncoding)
		}
	})
	err := newClient(t, regclient.Options{BaseURL: srv.URL}).Put(t.Context(), wire.Upload{URL: "/b"}, nil, nil)
	if err != nil {
		t.Error(err)
	}
}

// TestBadSources: a blob that cannot be read as planned is no matter of the network.
func TestBadSources(t *testing.T) {
	errDisk := errors.New("disk on fire")
	tests := map[string]struct {
		open func() (io.ReadCloser, error)
		want string
	}{
		"no open": {func() (io.ReadCloser, error) { return nil, errDisk }, "opening the blob: disk on fire"},
		"no read": {func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader("1234"), failing{errDisk})), nil
		}, "reading the blob: disk on fire"},
		"short": {func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("1234")), nil }, "the blob has changed: it had 10 bytes"},
		"long":  {func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("12345678901")), nil }, "the blob has changed: it had 10 bytes"},
	}
	for name, tt := range tests {
		for _, h2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/h2=%t", name, h2), func(t *testing.T) {
				srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
				srv.EnableHTTP2 = h2
				srv.Config.ErrorLog = quiet() // of connections given up
				srv.StartTLS()
				defer srv.Close()
				w := &waits{}
				c := newClient(t, regclient.Options{BaseURL: srv.URL, Transport: srv.Client().Transport, Wait: w.wait})
				err := c.Put(t.Context(), wire.Upload{Size: 10, URL: "/b"}, tt.open, nil)
				if err == nil || !strings.Contains(err.Error(), tt.want) || len(w.ds) > 0 {
					t.Errorf("Put = %v after %d waits, want %q", err, len(w.ds), tt.want)
				}
			})
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestRefusedBeforeTheBytes: with Expect, a refusal of a big blob arrives before the blob is read.
func TestRefusedBeforeTheBytes(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 413, wire.Error{Error: "the limit is 100 MiB"})
	})
	var sent int64
	open := func() (io.ReadCloser, error) { return io.NopCloser(zeros{}), nil }
	err := newClient(t, regclient.Options{BaseURL: srv.URL}).Put(t.Context(), wire.Upload{Size: 1 << 30, URL: "/b"}, open, func(n int64) { sent += n })
	if e, ok := errors.AsType[*regclient.Error](err); !ok || e.Message != "the limit is 100 MiB" || sent != 0 {
		t.Errorf("Put = %v after %d bytes", err, sent)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestUploadStreams(t *testing.T) {
	const size = 64 << 20
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(io.Discard, r.Body); n != size || err != nil {
			t.Errorf("the server gets %d bytes, %v", n, err)
		}
	})
	c := newClient(t, regclient.Options{BaseURL: srv.URL})
	open := func() (io.ReadCloser, error) { return io.NopCloser(io.LimitReader(zeros{}, size)), nil }
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := c.Put(t.Context(), wire.Upload{Size: size, URL: "/b"}, open, nil); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 2<<20 {
		t.Errorf("sending %d bytes allocates %d, want under 2 MiB", size, used)
	}
}
