package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/fault"
)

func TestTarballIsKept(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("@acme/a", "1.0.0")
		want := content("@acme/a", "1.0.0")
		first, text, err := w.tarball("@acme/a", "a-1.0.0.tgz")
		if err != nil || !bytes.Equal(text, want) || first.Stream == nil || first.Size != int64(len(want)) {
			t.Fatalf("Tarball = %+v, %d bytes, %v", first, len(text), err)
		}
		if got := w.registry.last().Header.Get("Accept-Encoding"); got != "identity" {
			t.Errorf("Accept-Encoding: %s", got)
		}
		w.wantRequests("GET /@acme%2fa", "GET /@acme/a/-/a-1.0.0.tgz")
		w.restart(Options{})
		time.Sleep(24 * time.Hour)
		w.registry.status(500)
		again, text, err := w.tarball("@acme/a", "a-1.0.0.tgz")
		if err != nil || !bytes.Equal(text, want) || again.File == nil || again.ID != first.ID || again.Size != first.Size {
			t.Fatalf("again: Tarball = %+v, %d bytes, %v", again, len(text), err)
		}
		w.wantRequests()
	})
}

func TestTarballStreamsToAllWhoWait(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		want := content("a", "1.0.0")
		half := make(chan struct{})
		w.registry.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, ".tgz") {
				return false
			}
			rw.Header().Set("Content-Length", fmt.Sprint(len(want)))
			_, _ = rw.Write(want[:len(want)/2])
			_ = http.NewResponseController(rw).Flush()
			<-half
			_, _ = rw.Write(want[len(want)/2:])
			return true
		})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				tb, err := w.Tarball(t.Context(), "a", "a-1.0.0.tgz", false)
				if err != nil {
					t.Error(err)
					return
				}
				defer tb.Close()
				start := make([]byte, len(want)/4) // comes before the rest is there
				if _, err := io.ReadFull(tb.Stream, start); err != nil || !bytes.Equal(start, want[:len(start)]) {
					t.Errorf("the first quarter: %v", err)
				}
				<-half
				if rest, err := io.ReadAll(tb.Stream); err != nil || !bytes.Equal(rest, want[len(start):]) {
					t.Errorf("the rest: %d bytes, %v", len(rest), err)
				}
			})
		}
		synctest.Wait()
		w.Service.mu.Lock()
		under := slices.Collect(maps.Values(w.downloads))
		w.Service.mu.Unlock()
		close(half)
		wg.Wait()
		w.wantRequests("GET /a", "GET /a/-/a-1.0.0.tgz")
		synctest.Wait()
		if len(under) != 1 || len(w.downloads) != 0 {
			t.Fatalf("%d downloads, %d left", len(under), len(w.downloads))
		}
		if _, err := under[0].w.Follow(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("the file that all have left is still open: %v", err)
		}
	})
}

func TestDownloadGoesOnWithoutItsCaller(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		gate := make(chan struct{})
		w.registry.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, ".tgz") {
				_, _ = io.WriteString(rw, "")
				_ = http.NewResponseController(rw).Flush()
				<-gate
			}
			return false
		})
		ctx, leave := context.WithCancel(t.Context())
		tb, err := w.Tarball(ctx, "a", "a-1.0.0.tgz", false)
		if err != nil {
			t.Fatal(err)
		}
		read := make(chan error)
		go func() { _, err := tb.Stream.Read(make([]byte, 1)); read <- err }()
		synctest.Wait()
		leave() // ends a Read that waits
		if err := <-read; err == nil {
			t.Error("Read succeeds")
		}
		if err := tb.Close(); err != nil {
			t.Error(err)
		}
		close(gate)
		synctest.Wait()
		if kept, _, err := w.tarball("a", "a-1.0.0.tgz"); err != nil || kept.File == nil {
			t.Errorf("Tarball = %+v, %v; want the copy", kept, err)
		}
		w.wantRequests("GET /a", "GET /a/-/a-1.0.0.tgz")
	})
}

// TestWrongTarballs are not sent to their end, and not kept.
func TestWrongTarballs(t *testing.T) {
	good := content("a", "1.0.0")
	flipped := bytes.Clone(good)
	flipped[len(flipped)-1] ^= 1
	tests := map[string]struct {
		answer intercept
		kind   fault.Kind
	}{
		"another byte":         {text("", string(flipped)), fault.Upstream},
		"another, of a length": {text(fmt.Sprintf("Content-Length: %d", len(flipped)), string(flipped)), fault.Upstream},
		"a byte more":          {text("", string(good)+"x"), fault.Upstream},
		"a byte less":          {text("", string(good[1:])), fault.Upstream},
		"empty":                {text("", ""), fault.Upstream},
		"HTML":                 {text("", "<html>Please log in</html>"), fault.Upstream},
		"too many bytes":       {text("", strings.Repeat(string(good), 2)), fault.Upstream},
		"cut":                  {cut(head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(good)) + string(good[:len(good)-10])), fault.Unavailable},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.restart(Options{MaxTarball: int64(len(good)) + 1000})
				w.registry.publish("a", "1.0.0")
				w.registry.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
					return strings.HasSuffix(r.URL.Path, ".tgz") && tt.answer(rw, r)
				})
				_, got, err := w.tarball("a", "a-1.0.0.tgz")
				if !errors.Is(err, tt.kind) {
					t.Errorf("%d bytes, %v; want %s", len(got), err, tt.kind)
				}
				if len(got) >= len(good) {
					t.Errorf("%d bytes were sent, which may be taken for the whole", len(got))
				}
				w.registry.intercept(nil)
				if tt.kind == fault.Upstream { // not a matter of trying again
					w.registry.took()
					if _, _, err := w.tarball("a", "a-1.0.0.tgz"); !errors.Is(err, tt.kind) {
						t.Errorf("at once again: %v", err)
					}
					w.wantRequests()
				}
				time.Sleep(egress.RestFor)
				w.registry.took()
				if _, got, err := w.tarball("a", "a-1.0.0.tgz"); err != nil || !bytes.Equal(got, good) {
					t.Errorf("afterwards: %d bytes, %v", len(got), err)
				}
				w.wantRequests("GET /a/-/a-1.0.0.tgz")
			})
		})
	}
}

func TestTarballsThatAreNotBegun(t *testing.T) {
	tests := map[string]struct {
		answer intercept
		kind   fault.Kind
		tries  int
	}{
		"404":      {statusOf(404), fault.NotFound, 1},
		"410":      {statusOf(410), fault.NotFound, 1},
		"403":      {statusOf(403), fault.Upstream, 1},
		"206":      {statusOf(206), fault.Upstream, 1},
		"500":      {statusOf(500), fault.Unavailable, 1},
		"503":      {statusOf(503), fault.Unavailable, 3},
		"nothing":  {cut(""), fault.Unavailable, 3},
		"1000 GiB": {cut(head + "Content-Length: 1073741824000\r\n\r\n"), fault.Upstream, 1},
		"no byte":  {func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }, fault.Unavailable, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.registry.publish("a", "1.0.0")
				w.doc("a", abbreviated, false)
				w.registry.took()
				w.registry.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
					return strings.HasSuffix(r.URL.Path, ".tgz") && tt.answer(rw, r)
				})
				var wg sync.WaitGroup
				for range 10 {
					wg.Go(func() {
						if _, _, err := w.tarball("a", "a-1.0.0.tgz"); !errors.Is(err, tt.kind) {
							t.Errorf("Tarball: %v; want %s", err, tt.kind)
						}
					})
				}
				wg.Wait()
				if got := w.registry.took(); len(got) > tt.tries+1 { // one packument, if it got old meanwhile
					t.Errorf("upstream was asked %v", got)
				}
			})
		})
	}
}

func TestATarballThatStalls(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		w.registry.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, ".tgz") && slow(2*minute)(rw, r)
		})
		start := time.Now()
		if _, _, err := w.tarball("a", "a-1.0.0.tgz"); !errors.Is(err, fault.Unavailable) || time.Since(start) != minute {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

func TestUnknownFiles(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		unknown := func(file string) {
			t.Helper()
			if _, _, err := w.tarball("a", file); !errors.Is(err, fault.NotFound) {
				t.Errorf("Tarball(%q): %v", file, err)
			}
		}
		unknown("a-1.1.0.tgz")
		w.wantRequests("GET /a")
		for _, file := range []string{"a-1.1.0.tgz", "", "a-1.0.0", "b-1.0.0.tgz", "../a-1.0.0.tgz", "a-1.0.0.tgz\thttp://up.test/a/-/a-1.0.0.tgz", "\n"} {
			unknown(file)
		}
		w.wantRequests()
		w.registry.publish("a", "1.1.0") // just now
		time.Sleep(justNow)
		if _, text, err := w.tarball("a", "a-1.1.0.tgz"); err != nil || !bytes.Equal(text, content("a", "1.1.0")) {
			t.Errorf("a version that was just published: %v", err)
		}
		w.wantRequests("GET /a", "GET /a/-/a-1.1.0.tgz")

		time.Sleep(justNow)
		w.registry.status(503)
		if _, _, err := w.tarball("a", "a-2.0.0.tgz"); !errors.Is(err, fault.Unavailable) {
			t.Errorf("an unknown file, upstream down: %v", err)
		}
		w.registry.status(0)
		if _, _, err := w.tarball("none", "none-1.0.0.tgz"); !errors.Is(err, fault.NotFound) {
			t.Errorf("a file of an absent package: %v", err)
		}
	})
}

func TestATarballThatMoved(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		w.registry.change("a", func(p *pkg) { p.base = "http://up.test/old" })
		w.doc("a", full, false)
		w.registry.change("a", func(p *pkg) { p.base = "http://up.test" })
		time.Sleep(justNow)
		if _, text, err := w.tarball("a", "a-1.0.0.tgz"); err != nil || !bytes.Equal(text, content("a", "1.0.0")) {
			t.Errorf("Tarball: %v", err)
		}
	})
}

func TestRefsThatWereEvicted(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		d, _ := w.doc("a", full, false)
		if err := w.cache.Delete(w.refsKey(d.ID)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, text, err := w.tarball("a", "a-1.0.0.tgz"); err != nil || !bytes.Equal(text, content("a", "1.0.0")) {
				t.Errorf("Tarball: %v", err)
			}
		}
		w.wantRequests("GET /a", "GET /a/-/a-1.0.0.tgz")
		if e, err := w.cache.Get(w.refsKey(d.ID)); err != nil {
			t.Errorf("the refs are not kept again: %v", err)
		} else if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestATarballWithAShasumOnly(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		w.registry.change("a", func(p *pkg) { p.shasumOnly = true })
		tb, text, err := w.tarball("a", "a-1.0.0.tgz")
		if err != nil || !bytes.Equal(text, content("a", "1.0.0")) || !strings.HasPrefix(tb.ID, "sha1-") {
			t.Errorf("Tarball = %+v, %v", tb, err)
		}
	})
}

func TestATarballLargerThanTheCache(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		if err := errors.Join(w.Service.Close(), w.cache.Close()); err != nil {
			t.Fatal(err)
		}
		w.cache = w.openCache(20 << 10)
		w.start(Options{})
		w.registry.publish("a", "1.0.0")
		for range 2 {
			if _, text, err := w.tarball("a", "a-1.0.0.tgz"); err != nil || !bytes.Equal(text, content("a", "1.0.0")) {
				t.Errorf("Tarball: %d bytes, %v", len(text), err)
			}
			synctest.Wait() // the download has ended, and nobody can join it
		}
		w.wantRequests("GET /a", "GET /a/-/a-1.0.0.tgz", "GET /a/-/a-1.0.0.tgz")
	})
}

func TestCloseEndsDownloads(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		w.registry.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, ".tgz") && slow(time.Second)(rw, r)
		})
		tb, err := w.Tarball(t.Context(), "a", "a-1.0.0.tgz", false)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := w.Service.Close(); err != nil || time.Since(start) > time.Second {
			t.Errorf("Close: %v after %s", err, time.Since(start))
		}
		if _, err := io.ReadAll(tb.Stream); err == nil {
			t.Error("a stream that was ended has come to its end")
		}
		if err := tb.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Who tries again at once after a download broke off gets a new one, not the end of the old one.
func TestAnotherTryAfterABreak(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for i := range 50 {
			name := fmt.Sprint("a", i)
			w.registry.publish(name, "1.0.0")
			want := content(name, "1.0.0")
			w.registry.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, ".tgz") {
					return false
				}
				rw.Header().Set("Content-Length", fmt.Sprint(len(want)))
				_, _ = rw.Write(want[:len(want)/2])
				panic(http.ErrAbortHandler)
			})
			if _, _, err := w.tarball(name, name+"-1.0.0.tgz"); !errors.Is(err, fault.Unavailable) {
				t.Fatalf("a broken download: %v", err)
			}
			w.registry.intercept(nil)
			if _, text, err := w.tarball(name, name+"-1.0.0.tgz"); err != nil || !bytes.Equal(text, want) {
				t.Fatalf("try %d after a break: %d bytes, %v", i, len(text), err)
			}
		}
	})
}
