package upstream

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/packument"
)

func TestPackumentIsKeptAndRevalidated(t *testing.T) {
	validators := map[string]func(*pkg){
		"etag":          func(p *pkg) { p.etag = true },
		"last-modified": func(p *pkg) { p.etag, p.lastModified = false, "Mon, 02 Mar 2020 10:00:00 GMT" },
		"both":          func(p *pkg) { p.lastModified = "Mon, 02 Mar 2020 10:00:00 GMT" },
		"none":          func(p *pkg) { p.etag = false },
	}
	for name, set := range validators {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.registry.publish("@acme/a", "1.0.0")
				w.registry.change("@acme/a", set)
				first, text := w.doc("@acme/a", full, false)
				if !strings.Contains(text, `"1.0.0"`) || first.Stale || first.Form != full || len(first.ID) != 64 {
					t.Errorf("Packument = %+v, %s", first, text)
				}
				w.wantRequests("GET /@acme%2fa")

				time.Sleep(2*minute - 1)
				if again, _ := w.doc("@acme/a", full, false); again.ID != first.ID {
					t.Error("another ID of the same copy")
				}
				w.wantRequests()

				time.Sleep(time.Nanosecond)
				if again, _ := w.doc("@acme/a", full, false); again.ID != first.ID || again.Stale {
					t.Errorf("after revalidation %+v", again)
				}
				w.wantRequests("GET /@acme%2fa")
				w.doc("@acme/a", full, false) // fresh again
				w.wantRequests()

				time.Sleep(2 * minute)
				w.registry.publish("@acme/a", "1.1.0")
				w.registry.change("@acme/a", func(p *pkg) {
					if p.lastModified != "" {
						p.lastModified = "Tue, 03 Mar 2020 10:00:00 GMT"
					}
				})
				if changed, text := w.doc("@acme/a", full, false); changed.ID == first.ID || !strings.Contains(text, `"1.1.0"`) {
					t.Errorf("after a change %+v, %s", changed, text)
				}
			})
		})
	}
}

func TestFreshAsksUpstream(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		w.doc("a", full, false)
		w.registry.publish("a", "1.1.0")
		if _, text := w.doc("a", full, false); strings.Contains(text, "1.1.0") {
			t.Error("a young copy was not used")
		}
		if _, text := w.doc("a", full, true); !strings.Contains(text, "1.1.0") {
			t.Error("fresh gave the old copy")
		}
		w.wantRequests("GET /a", "GET /a")
	})
}

// TestFreshDoesNotJoinAnOlderRequest: what upstream answered before the caller came may be old.
func TestFreshDoesNotJoinAnOlderRequest(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		gate := make(chan struct{})
		w.registry.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			old := (&pkg{versions: []string{"1.0.0"}}).document("a", true)
			w.registry.intercept(nil)
			<-gate
			_, _ = rw.Write(old)
			return true
		})
		var wg sync.WaitGroup
		for _, fresh := range []bool{true, false} {
			wg.Go(func() { w.doc("a", full, fresh) })
		}
		synctest.Wait()
		w.registry.publish("a", "1.1.0")
		wg.Go(func() {
			if _, text := w.doc("a", full, true); !strings.Contains(text, "1.1.0") {
				t.Errorf("fresh, asked for after 1.1.0 was published, has %s", text)
			}
		})
		synctest.Wait()
		close(gate)
		wg.Wait()
	})
}

func TestForms(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		for range 2 {
			d, text := w.doc("a", abbreviated, false)
			if d.Form != abbreviated || strings.Contains(text, "_id") {
				t.Errorf("abbreviated: %v %s", d.Form, text)
			}
			d, text = w.doc("a", full, false)
			if d.Form != full || !strings.Contains(text, "_id") {
				t.Errorf("full: %v %s", d.Form, text)
			}
		}
		w.wantRequests("GET /a", "GET /a")
		w.registry.publish("b", "1.0.0")
		w.doc("b", full, false)
		if d, _ := w.doc("b", abbreviated, false); d.Form != abbreviated {
			t.Error("the full form answers for the abbreviated one, which upstream has")
		}
	})
}

func TestUpstreamWithoutAbbreviatedForm(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		w.registry.change("a", func(p *pkg) { p.abbreviated, p.etag = false, false })
		both := func() {
			t.Helper()
			for _, f := range []packument.Form{abbreviated, full} {
				if d, _ := w.doc("a", f, false); d.Form != full {
					t.Errorf("form %v is answered by %v", f, d.Form)
				}
			}
		}
		both()
		w.wantRequests("GET /a")
		w.restart(Options{})
		both()
		w.wantRequests()
		time.Sleep(3 * minute)
		both()
		w.wantRequests("GET /a")
		time.Sleep(3 * minute)
		w.doc("a", full, false) // keeps in mind that it is the only one
		both()
		w.wantRequests("GET /a")

		w.registry.change("a", func(p *pkg) { p.abbreviated = true }) // upstream learns it
		time.Sleep(3 * minute)
		if d, _ := w.doc("a", abbreviated, false); d.Form != abbreviated {
			t.Error("the abbreviated form is not taken")
		}
		w.registry.change("a", func(p *pkg) { p.abbreviated = false }) // and forgets it
		time.Sleep(3 * minute)
		w.registry.took()
		both()
		both()
		w.wantRequests("GET /a")
	})
}

func TestBothFormsAtOnceWithoutAbbreviatedForm(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		w.registry.change("a", func(p *pkg) { p.abbreviated = false })
		gate := make(chan struct{})
		w.registry.intercept(func(http.ResponseWriter, *http.Request) bool { <-gate; return false })
		var wg sync.WaitGroup
		wg.Go(func() { w.doc("a", abbreviated, false) })
		synctest.Wait()
		wg.Go(func() { w.doc("a", full, false) })
		synctest.Wait()
		close(gate)
		wg.Wait()
		w.wantRequests("GET /a")
	})
}

func TestAbsentNames(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusGone} {
		bubble(t, func(t *testing.T, w *world) {
			absent := func(fresh bool) {
				t.Helper()
				if _, err := w.Packument(t.Context(), "a", full, fresh); !errors.Is(err, fault.NotFound) {
					t.Errorf("Packument of an absent name: %v", err)
				}
			}
			w.registry.status(status)
			absent(false)
			absent(false)
			if _, err := w.Packument(t.Context(), "a", abbreviated, false); !errors.Is(err, fault.NotFound) {
				t.Errorf("the other form: %v", err)
			}
			w.wantRequests("GET /a")
			absent(true)
			w.wantRequests("GET /a")
			time.Sleep(minute)
			w.registry.status(0)
			w.registry.publish("a", "1.0.0")
			w.doc("a", full, false)
			w.doc("a", abbreviated, false)

			// Removed upstream: what was kept must not come back while upstream is down.
			w.registry.status(status)
			absent(true)
			w.registry.status(http.StatusServiceUnavailable)
			time.Sleep(2 * minute)
			for _, f := range []packument.Form{full, abbreviated} {
				if _, err := w.Packument(t.Context(), "a", f, false); !errors.Is(err, fault.Unavailable) {
					t.Errorf("of a removed package, upstream down: %v", err)
				}
			}
		})
	}
}

func TestInvalidNamesAreNotAskedFor(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for _, name := range []string{"", "../a", "a/b", "@acme", "@a/b/c", "a?b", "a%2f..", "-", ".", "a\x00", "node_modules"} {
			if _, err := w.Packument(t.Context(), name, full, false); !errors.Is(err, fault.Invalid) {
				t.Errorf("Packument(%q): %v", name, err)
			}
			if _, err := w.Tarball(t.Context(), name, "a-1.0.0.tgz", false); !errors.Is(err, fault.Invalid) {
				t.Errorf("Tarball(%q): %v", name, err)
			}
			if _, err := w.Attestations(t.Context(), name, "1.0.0"); !errors.Is(err, fault.Invalid) {
				t.Errorf("Attestations(%q): %v", name, err)
			}
		}
		w.wantRequests()
	})
}

func TestDenied(t *testing.T) {
	for _, status := range []int{401, 403} {
		bubble(t, func(t *testing.T, w *world) {
			w.registry.publish("a", "1.0.0")
			w.doc("a", full, false)
			w.registry.status(status)
			time.Sleep(3 * minute)
			for _, name := range []string{"a", "b"} { // a copy is not for who may not read any more
				_, err := w.Packument(t.Context(), name, full, false)
				if e, ok := fault.Public(err); !ok || e.Kind != fault.Upstream || !strings.Contains(e.Message, "token") {
					t.Errorf("Packument(%s): %v", name, err)
				}
			}
		})
	}
}

func TestOneRequestForAll(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		gate := make(chan struct{})
		w.registry.intercept(func(http.ResponseWriter, *http.Request) bool { <-gate; return false })
		ctx, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { // who began the request leaves
			if _, err := w.Packument(ctx, "a", full, false); !errors.Is(err, context.Canceled) {
				t.Errorf("who left got %v", err)
			}
		})
		synctest.Wait()
		for range 100 {
			wg.Go(func() { w.doc("a", full, false) })
		}
		synctest.Wait()
		leave()
		synctest.Wait()
		close(gate)
		wg.Wait()
		w.wantRequests("GET /a")
	})
}

func TestRestartFindsAll(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		before, _ := w.doc("a", full, false)
		w.restart(Options{})
		if after, _ := w.doc("a", full, false); after.ID != before.ID {
			t.Errorf("ID %s, before %s", after.ID, before.ID)
		}
		w.wantRequests("GET /a")
		w.network.Host("other.test:80", http.NotFoundHandler())
		w.restart(Options{URL: parse(t, "http://other.test")})
		if _, err := w.Packument(t.Context(), "a", full, false); !errors.Is(err, fault.NotFound) {
			t.Errorf("another upstream answers from the copy of the first: %v", err)
		}
	})
}

func TestUpstreamBelowAPath(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.restart(Options{URL: parse(t, "http://up.test/api/n%2Fpm/")})
		if w.URL() != "http://up.test/api/n%2Fpm" {
			t.Errorf("URL() = %s", w.URL())
		}
		_, _ = w.Packument(t.Context(), "@acme/a", full, false)
		w.wantRequests("GET /api/n%2Fpm/@acme%2fa")
	})
}

func TestCompressedAnswers(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.restart(Options{MaxPackument: 1 << 20})
		w.registry.publish("a", "1.0.0")
		var bomb, fine bytes.Buffer
		pack := func(b *bytes.Buffer, text string) {
			gz := gzip.NewWriter(b)
			if _, err := io.WriteString(gz, text); err != nil || gz.Close() != nil {
				t.Fatal(err)
			}
		}
		pack(&bomb, `{"name":"a","versions":{},"x":"`+strings.Repeat(" ", 8<<20)+`"}`)
		pack(&fine, `{"name":"a","versions":{}}`)
		send := &bomb
		w.registry.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Accept-Encoding") != "gzip" {
				t.Errorf("Accept-Encoding: %q", r.Header.Get("Accept-Encoding"))
			}
			rw.Header().Set("Content-Encoding", "gzip")
			_, _ = rw.Write(send.Bytes())
			return true
		})
		if _, err := w.Packument(t.Context(), "a", full, false); !errors.Is(err, fault.Upstream) {
			t.Errorf("a small answer that is large: %v", err)
		}
		time.Sleep(minute)
		send = &fine
		if _, text := w.doc("a", full, false); text != `{"name":"a","versions":{}}` {
			t.Errorf("decompressed: %s", text)
		}
	})
}

func TestLargeDocumentForMany(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		large := `{"name":"a","versions":{},"readme":"` + strings.Repeat("0123456789abcdef", 8<<16) + `"}`
		w.registry.intercept(func(rw http.ResponseWriter, _ *http.Request) bool {
			_, _ = io.WriteString(rw, large)
			return true
		})
		want := digest.Of([]byte(large)).Hex()
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				d, err := w.Packument(t.Context(), "a", full, false)
				if err != nil {
					t.Error(err)
					return
				}
				sum := sha256.New()
				if _, err := io.Copy(sum, d); err != nil || hex.EncodeToString(sum.Sum(nil)) != want {
					t.Errorf("other bytes, or %v", err)
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		w.wantRequests("GET /a")
	})
}

func TestACacheThatIsTooSmall(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		if err := errors.Join(w.Service.Close(), w.cache.Close()); err != nil {
			t.Fatal(err)
		}
		w.cache = w.openCache(100)
		w.start(Options{})
		if _, err := w.Packument(t.Context(), "a", full, false); !errors.Is(err, fault.Unavailable) {
			t.Errorf("Packument: %v", err)
		}
	})
}
