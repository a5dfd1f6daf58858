package metrics

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// page is what a scrape gets.
func page(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("the metrics answer %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestEverything(t *testing.T) {
	m := New("1.2.3")
	m.Begun()
	m.Begun()
	m.Ended(Request{Method: "GET", Route: "/{name}", Status: 200, Took: time.Millisecond, Sent: 7})
	m.Begun()
	m.Ended(Request{Method: "PUT", Route: "/{name}", Status: 403, Action: "publish", Received: 9})
	m.Begun()
	m.Ended(Request{Method: "POST", Route: "/publish/commit", Status: 200, Action: "publish commit", Aborted: true})
	m.Begun()
	m.Ended(Request{Method: "POST", Route: "/zig/publish", Status: 201, Action: "publish"})
	m.Begun()
	m.Ended(Request{Method: "PUT", Route: "/lumen/v1/wares", Status: 503, Action: "publish"})
	m.Store("blobs")("put", "ok", time.Second)
	m.Retries("blobs")(true)
	m.Upstream("npm")("5xx", time.Second)
	m.UpstreamUp("npm", func() bool { return false })
	m.Uncounted(4)
	m.Uncounted(1)
	m.Swept(2, 3, nil, time.Unix(1000, 0), time.Second)
	m.Swept(0, 1, errors.New("disk"), time.Unix(2000, 0), 2*time.Second)
	three := func() int64 { return 3 }
	m.Watch(Cache{Name: "disk", Hits: three, Misses: three, Bytes: three})
	m.Watch(Cache{Name: "packuments", Hits: three, Misses: three, Bytes: three})
	got := page(t, m)
	for _, want := range []string{
		`registry_http_requests_in_flight 1`,
		`registry_http_requests_total{method="GET",route="/{name}",status="200"} 1`,
		`registry_http_requests_total{method="POST",route="/publish/commit",status="aborted"} 1`,
		`registry_http_request_duration_seconds_bucket{method="GET",route="/{name}",le="0.001"} 1`,
		`registry_http_request_bytes_total{method="PUT",route="/{name}"} 9`,
		`registry_http_response_bytes_total{method="GET",route="/{name}"} 7`,
		`registry_writes_total{action="publish",outcome="refused"} 1`,
		`registry_publishes_total{kind="npm",outcome="refused"} 1`,
		`registry_publishes_total{kind="commit",outcome="failed"} 1`,
		`registry_publishes_total{kind="zig",outcome="ok"} 1`,
		`registry_publishes_total{kind="lumen",outcome="failed"} 1`,
		`registry_publishes_total{kind="lumen",outcome="ok"} 0`,
		`registry_store_calls_total{op="put",outcome="ok",store="blobs"} 1`,
		`registry_store_retries_total{reason="throttled",store="blobs"} 1`,
		`registry_upstream_requests_total{outcome="5xx",upstream="npm"} 1`,
		`registry_upstream_up{upstream="npm"} 0`,
		`registry_uncounted_downloads_total 5`,
		`registry_sweeps_total{outcome="failed"} 1`,
		`registry_swept_total{what="blobs"} 4`,
		`registry_last_sweep_timestamp_seconds 1000`,
		`registry_cache_lookups_total{cache="packuments",result="miss"} 3`,
		`registry_cache_bytes{cache="disk"} 3`,
		`registry_build_info{goversion="go`, `version="1.2.3"} 1`, `go_goroutines `, `process_start_time_seconds `,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

// Many at once make each series once, and lose no count.
func TestConcurrent(t *testing.T) {
	m := New("")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 100 {
				m.Begun()
				m.Ended(Request{Method: "GET", Route: fmt.Sprintf("/%d", i%10), Status: 200})
			}
		})
	}
	wg.Wait()
	got := page(t, m)
	for i := range 10 {
		if want := fmt.Sprintf(`registry_http_requests_total{method="GET",route="/%d",status="200"} 80`, i); !strings.Contains(got, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

// What is measured of a request costs no memory.
func TestNoAllocations(t *testing.T) {
	m := New("")
	store := m.Store("metadata")
	if n := testing.AllocsPerRun(100, func() {
		m.Begun()
		m.Ended(Request{Method: "GET", Route: "/{name}", Status: 200, Took: time.Millisecond})
		store("get", "ok", time.Microsecond)
	}); n > 0 {
		t.Errorf("a request costs %v allocations", n)
	}
}
