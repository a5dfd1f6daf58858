package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/fault"
)

type intercept = func(w http.ResponseWriter, r *http.Request) bool

func statusOf(code int) intercept {
	return func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(code); return true }
}

func text(header, body string) intercept {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		if name, value, ok := strings.Cut(header, ": "); ok {
			w.Header().Set(name, value)
		}
		_, _ = io.WriteString(w, body)
		return true
	}
}

// cut sends a text and closes the connection.
func cut(text string) intercept {
	return func(w http.ResponseWriter, r *http.Request) bool {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
		return true
	}
}

const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

// faults are what goes wrong with upstream, with the kind of the refusal if there is no copy.
var faults = map[string]struct {
	answer intercept
	kind   fault.Kind
	tries  int
}{
	"400":               {statusOf(400), fault.Upstream, 1},
	"429":               {statusOf(429), fault.Unavailable, 1},
	"500":               {statusOf(500), fault.Unavailable, 1},
	"502":               {statusOf(502), fault.Unavailable, 3},
	"503":               {statusOf(503), fault.Unavailable, 3},
	"504":               {statusOf(504), fault.Unavailable, 3},
	"304 unasked":       {statusOf(304), fault.Upstream, 1},
	"204":               {statusOf(204), fault.Upstream, 1},
	"no answer":         {cut(""), fault.Unavailable, 3},
	"half a header":     {cut("HTTP/1.1 200 OK\r\nContent-"), fault.Unavailable, 3},
	"half a body":       {cut(head + "Content-Length: 1000\r\n\r\n{\"name\":\"a\","), fault.Unavailable, 1},
	"half the chunks":   {cut(head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"nam\r\n"), fault.Unavailable, 1},
	"cut, no length":    {cut(head + "Connection: close\r\n\r\n{\"name\":\"a\",\"versions\":{"), fault.Upstream, 1},
	"empty":             {text("", ""), fault.Upstream, 1},
	"HTML":              {text("Content-Type: text/html", "<html>Please log in</html>"), fault.Upstream, 1},
	"another name":      {text("", `{"name":"b","versions":{}}`), fault.Upstream, 1},
	"no name":           {text("", `{"versions":{}}`), fault.Upstream, 1},
	"an array":          {text("", `[]`), fault.Upstream, 1},
	"too large":         {text("", `{"name":"a","versions":{},"x":"`+strings.Repeat("x", 200<<10)+`"}`), fault.Upstream, 1},
	"broken gzip":       {text("Content-Encoding: gzip", "no gzip"), fault.Unavailable, 1},
	"redirect to none":  {statusOf(302), fault.Upstream, 1},
	"header of 300 KiB": {cut(head + "X: " + strings.Repeat("x", 300<<10) + "\r\n\r\n{}"), fault.Unavailable, 3},
}

func TestFaultsWithoutACopy(t *testing.T) {
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.restart(Options{MaxPackument: 100 << 10})
				w.registry.intercept(f.answer)
				for range 3 { // it is remembered for a while
					_, err := w.Packument(t.Context(), "a", full, false)
					if e, ok := fault.Public(err); !ok || e.Kind != f.kind || !strings.Contains(e.Message, "http://up.test") {
						t.Errorf("Packument: %v; want %s", err, f.kind)
					}
				}
				if got := w.registry.took(); len(got) != f.tries {
					t.Errorf("%d requests, want %d", len(got), f.tries)
				}
				w.registry.status(0)
				w.registry.publish("a", "1.0.0")
				time.Sleep(egress.RestFor)
				w.doc("a", full, false)
			})
		})
	}
}

func TestStaleWhileUpstreamIsDown(t *testing.T) {
	for name, f := range faults {
		if name == "304 unasked" {
			continue // here it is asked for
		}
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.restart(Options{MaxPackument: 100 << 10})
				w.registry.publish("a", "1.0.0")
				good, want := w.doc("a", full, false)
				w.registry.took()
				w.registry.intercept(f.answer)
				time.Sleep(time.Hour)
				for _, fresh := range []bool{false, true, false} {
					d, text := w.doc("a", full, fresh)
					if !d.Stale || d.ID != good.ID || text != want {
						t.Errorf("stale %t, ID %s, %s", d.Stale, d.ID, text)
					}
				}
				if got := w.registry.took(); len(got) != 1 {
					t.Errorf("upstream was asked %v, want once: there is a copy", got)
				}
				time.Sleep(egress.RestFor)
				if d, _ := w.doc("a", full, false); !d.Stale {
					t.Error("not stale")
				}
				if got := w.registry.took(); len(got) > 1 {
					t.Errorf("after a rest upstream was asked %v, want once", got)
				}
				if n := strings.Count(w.log.String(), "serving what is kept"); n != 1 {
					t.Errorf("logged %d times in a minute, want once:\n%s", n, w.log)
				}
				w.registry.intercept(nil)
				w.registry.publish("a", "1.1.0")
				time.Sleep(egress.RestFor)
				if d, text := w.doc("a", full, false); d.Stale || !strings.Contains(text, "1.1.0") {
					t.Errorf("upstream is back: stale %t, %s", d.Stale, text)
				}
			})
		})
	}
}

// TestADeadUpstreamCostsOneTimeout: not one for each name.
func TestADeadUpstreamCostsOneTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for i := range 10 {
			w.registry.publish(fmt.Sprint("kept", i), "1.0.0")
			w.doc(fmt.Sprint("kept", i), full, false)
		}
		w.registry.took()
		w.registry.intercept(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
		time.Sleep(time.Hour)
		start := time.Now()
		for i := range 10 {
			if d, _ := w.doc(fmt.Sprint("kept", i), full, false); !d.Stale {
				t.Error("not stale")
			}
			if _, err := w.Packument(t.Context(), fmt.Sprint("new", i), full, false); !errors.Is(err, fault.Unavailable) {
				t.Errorf("Packument: %v", err)
			}
		}
		if took := time.Since(start); took > egress.MaxFailures*30*time.Second {
			t.Errorf("20 names took %s", took)
		}
		if got := w.registry.took(); len(got) != egress.MaxFailures {
			t.Errorf("upstream was asked %v", got)
		}

		w.registry.intercept(nil)
		if d, _ := w.doc("kept0", full, false); !d.Stale {
			t.Error("upstream was asked before its rest was over")
		}
		time.Sleep(egress.RestFor)
		if d, _ := w.doc("kept1", full, false); d.Stale {
			t.Error("stale, although upstream is back")
		}
		for i := range 10 {
			if d, _ := w.doc(fmt.Sprint("kept", i), full, false); d.Stale {
				t.Error("stale, although upstream is back")
			}
		}
	})
}

// TestOneProbeAtATime: after its rest a dead upstream gets one request, not all that wait.
func TestOneProbeAtATime(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.intercept(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
		for i := range egress.MaxFailures {
			_, _ = w.Packument(t.Context(), fmt.Sprint("a", i), full, false)
		}
		time.Sleep(egress.RestFor)
		w.registry.took()
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = w.Packument(t.Context(), "probe", full, false) })
		synctest.Wait()
		start := time.Now()
		if _, err := w.Packument(t.Context(), "b", full, false); !errors.Is(err, fault.Unavailable) || time.Since(start) != 0 {
			t.Errorf("beside the probe: %v after %s", err, time.Since(start))
		}
		wg.Wait()
		w.wantRequests("GET /probe")
	})
}

func TestOneBrokenPackageIsNoDeadUpstream(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("good", "1.0.0")
		w.registry.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			if strings.HasPrefix(r.URL.Path, "/broken") {
				rw.WriteHeader(500)
				return true
			}
			return false
		})
		for i := range 10 {
			if _, err := w.Packument(t.Context(), fmt.Sprint("broken", i), full, false); !errors.Is(err, fault.Unavailable) {
				t.Errorf("Packument: %v", err)
			}
		}
		w.doc("good", full, false)
	})
}

// TestCallersWhoLeaveAreNoFailures of upstream.
func TestCallersWhoLeaveAreNoFailures(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		w.registry.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/-/v1/search" {
				<-r.Context().Done()
			}
			return false
		})
		for range 2 * egress.MaxFailures {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			if _, _, err := w.Search(ctx, "x", 0, 10); err == nil {
				t.Error("Search succeeds")
			}
		}
		w.doc("a", full, false)
	})
}

func TestFirstByteTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.intercept(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
		start := time.Now()
		if _, err := w.Packument(t.Context(), "a", full, false); !errors.Is(err, fault.Unavailable) || !errors.Is(err, egress.ErrSlow) {
			t.Errorf("Packument: %v", err)
		}
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// slow sends a byte every now and then, for ever.
func slow(every time.Duration) intercept {
	return func(w http.ResponseWriter, r *http.Request) bool {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, " ")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(every):
			case <-r.Context().Done():
			}
		}
		return true
	}
}

func TestSlowPackuments(t *testing.T) {
	for every, want := range map[time.Duration]time.Duration{2 * minute: minute, 10 * time.Second: 5 * minute} {
		bubble(t, func(t *testing.T, w *world) {
			w.registry.intercept(slow(every))
			start := time.Now()
			if _, err := w.Packument(t.Context(), "a", full, false); !errors.Is(err, fault.Unavailable) {
				t.Errorf("Packument: %v", err)
			}
			if took := time.Since(start); took != want {
				t.Errorf("a byte every %s: it took %s, want %s", every, took, want)
			}
		})
	}
}

func TestRequestsAtOnceAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var mu sync.Mutex
		now, most := 0, 0
		w.registry.intercept(func(http.ResponseWriter, *http.Request) bool {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			return false
		})
		var wg sync.WaitGroup
		for i := range 3 * maxRequests {
			name := fmt.Sprint("p", i)
			w.registry.publish(name, "1.0.0")
			wg.Go(func() { w.doc(name, full, false) })
		}
		wg.Wait()
		if most != maxRequests {
			t.Errorf("%d requests at once, want %d", most, maxRequests)
		}
	})
}

// TestWaitingRequestsAreBounded: a flood of names is refused, and forgotten once it is over.
func TestWaitingRequestsAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("one-more", "1.0.0")
		gate := make(chan struct{})
		w.registry.intercept(func(http.ResponseWriter, *http.Request) bool { <-gate; return false })
		ctx, leave := context.WithCancel(t.Context())
		for i := range maxRequests + maxWaiting {
			go func() { _, _ = w.Packument(ctx, fmt.Sprint("p", i), full, false) }()
		}
		synctest.Wait()
		leave() // what they asked for is still under way
		synctest.Wait()
		start := time.Now()
		if _, err := w.Packument(t.Context(), "one-more", full, false); !errors.Is(err, fault.Unavailable) || time.Since(start) != 0 {
			t.Errorf("one more: %v after %s", err, time.Since(start))
		}
		close(gate)
		synctest.Wait()
		w.doc("one-more", full, false)
	})
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.intercept(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if _, err := w.Packument(context.Background(), "a", full, false); !errors.Is(err, fault.Unavailable) {
					t.Errorf("Packument while closing: %v", err)
				}
			})
		}
		synctest.Wait()
		start := time.Now()
		if err := w.Service.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if time.Since(start) != 0 {
			t.Errorf("Close took %s", time.Since(start))
		}
		for _, fresh := range []bool{true, false} {
			if _, err := w.Packument(t.Context(), "b", full, fresh); !errors.Is(err, fault.Unavailable) {
				t.Errorf("Packument after Close: %v", err)
			}
		}
	})
}
