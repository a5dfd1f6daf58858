package statsapi_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/web/statsapi"
	"github.com/org/registry-action/internal/web/webtest"
)

// node serves statistics, and below /file/ something to download.
type node struct {
	webtest.Client
	stats  *stats.Service
	open   func() // makes stats, and the handler over it
	served atomic.Pointer[http.ServeMux]
}

func start(t *testing.T, readAuth bool) *node {
	t.Helper()
	stores := webtest.OpenStores(t)
	n := &node{}
	who := auth.New(stores.DB, auth.Options{RootToken: webtest.RootToken, ReadAuth: readAuth})
	n.open = func() {
		counts := stats.New(stores.DB, stats.Options{})
		t.Cleanup(func() { counts.Close() })
		mux := http.NewServeMux()
		mux.Handle("/analytics/", (&statsapi.API{Control: access.Control{Auth: who}, Stats: counts, Log: stores.Log}).Handler())
		mux.HandleFunc("/file/{kind}/{name}", func(w http.ResponseWriter, r *http.Request) {
			defer httpkit.CountDownload(counts, w, r, r.PathValue("kind"), r.PathValue("name"), "1.0.0")
			httpkit.Serve(w, r, httpkit.Content{Reader: strings.NewReader("0123456789"), Size: 10, ETag: "e", ContentType: "application/gzip"})
		})
		n.stats = counts
		n.served.Store(mux)
	}
	n.open()
	n.Client = webtest.Serve(t, stores.Log, func(string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { n.served.Load().ServeHTTP(w, r) })
	})
	return n
}

// fill counts, and waits until it is written.
func (n *node) fill(counts map[[2]string]int) {
	n.T.Helper()
	for what, times := range counts {
		for range times {
			n.stats.Count(what[0], what[1], "1.0.0", "npm/11.0.0")
		}
	}
	n.write()
}

// write waits until what was counted is written.
func (n *node) write() {
	n.T.Helper()
	if err := n.stats.Close(); err != nil {
		n.T.Fatal(err)
	}
	n.open()
}

func TestShapes(t *testing.T) {
	n := start(t, false)
	n.fill(map[[2]string]int{{"npm", "@acme/a"}: 3, {"zig", "z"}: 2, {"commit", "@acme/a"}: 1})
	n.Token = ""
	today := time.Now().UTC().Format(time.DateOnly)
	n.Get("/analytics/top").Want(t, 200, `{"packages":[{"name":"@acme/a","downloads":3,"kind":"npm"},{"name":"z","downloads":2,"kind":"zig"},{"name":"@acme/a","downloads":1,"kind":"commit"}]}`)
	n.Get("/analytics/top?limit=1&period=week&kind=zig").Want(t, 200, `{"packages":[{"name":"z","downloads":2,"kind":"zig"}]}`)
	n.Get("/analytics/top?by=client&period=day").Want(t, 200, `{"clients":[{"name":"npm/11","downloads":6}]}`)
	n.Get("/analytics/top?kind=lumen").Want(t, 200, `{"packages":[]}`)
	for _, path := range []string{"/analytics/@acme/a", "/analytics/@acme%2fa", "/analytics/%40acme%2Fa"} {
		a := n.Get(path).Want(t, 200, `"packageName":"@acme/a","totalDownloads":4,"weeklyDownloads":4,"monthlyDownloads":4,"versionDownloads":{"1.0.0":4},"lastDownload":"`+today)
		a.Want(t, 200, `"kinds":{"commit":{"totalDownloads":1,"weeklyDownloads":1,"monthlyDownloads":1},"npm":{"totalDownloads":3`)
		n.Get(path+"/timeline").Want(t, 200, fmt.Sprintf(`{"date":%q,"count":4}]}`, today))
	}
	n.Get("/analytics/@acme/a?kind=npm").Want(t, 200, `"totalDownloads":3,`)
	if days := n.Get("/analytics/@acme/a/timeline").JSON()["timeline"].([]any); len(days) != 30 {
		t.Errorf("a timeline has %d days", len(days))
	}
	n.Get("/analytics/z/timeline?days=1").Want(t, 200, `{"packageName":"z","timeline":[{"date":"`+today+`","count":2}]}`)
	n.Get("/analytics/nothing/timeline?days=1").Want(t, 200, `"count":0`)
	n.Get("/analytics/downloads/point/last-week/@acme/a").Want(t, 200, `"downloads":3,"end":"`+today)
	n.Get("/analytics/nothing").Want(t, 404, `No analytics data for this package`)
}

func TestBounds(t *testing.T) {
	n := start(t, false)
	for _, path := range []string{
		"/analytics/top?limit=abc", "/analytics/top?limit=-1", "/analytics/top?limit=101", "/analytics/top?period=year", "/analytics/top?kind=php", "/analytics/top?by=ip",
		"/analytics/a/timeline?days=0", "/analytics/a/timeline?days=366", "/analytics/a/timeline?days=2000000", "/analytics/a/timeline?version=1.0.0&days=31",
		"/analytics/" + strings.Repeat("a", 300), "/analytics/a%00b",
	} {
		n.Get(path).Want(t, 400, `"code":"invalid`)
	}
	n.Get("/analytics/downloads/point/last-century/a").Want(t, 404, "last-week")
}

// What is a download, and what is none.
func TestWhatIsCounted(t *testing.T) {
	n := start(t, false)
	etag := n.Get("/file/npm/a").Want(t, 200, "").Header.Get("ETag")
	n.Get("/file/npm/a", "Range: bytes=0-3").Want(t, 206, "0123")
	n.Get("/file/npm/a", "Range: bytes=4-").Want(t, 206, "456789")
	n.Get("/file/npm/a", "Range: bytes=-2").Want(t, 206, "89")
	n.Get("/file/npm/a", "Range: bytes=20-").Want(t, 416, "")
	n.Get("/file/npm/a", "If-None-Match: "+etag).Want(t, 304, "")
	n.Do(http.MethodHead, "/file/npm/a", nil).Want(t, 200, "")
	n.write()
	n.Get("/analytics/a").Want(t, 200, `"totalDownloads":2,`)
}

func TestEvents(t *testing.T) {
	n := start(t, false)
	post := func(body string) webtest.Answer {
		return n.Do(http.MethodPost, "/analytics/events", strings.NewReader(body), "Content-Type: application/json")
	}
	post(`{"packageName":"a","category":"install","version":"1.0.0"}`).Want(t, 200, `{"success":true}`)
	post(`[{"packageName":"a","category":"install"},{"packageName":"a","category":"download"},{"packageName":"github.com/x/y","category":"build_error"}]`).Want(t, 200, `{"success":true}`)
	post(`[{"packageName":"a","category":"install"},{"packageName":"a","category":"forged"}]`).Want(t, 400, "event 2 of 2; none was taken")
	post(`{"packageName":"a","category":"npm"}`).Want(t, 400, "invalid_category")
	post(strings.Repeat(" ", 300<<10)).Want(t, 413, "too_large")
	n.Token = ""
	post(`{"packageName":"a","category":"install"}`).Want(t, 401, "Authorization required")
	n.Token = "guessed-token-guessed-token"
	post(`{"packageName":"a","category":"install"}`).Want(t, 401, "")
	n.Token = ""
	n.write()
	n.Get("/analytics/a").Want(t, 404, "") // no event is a download
	n.Get("/analytics/a?kind=install").Want(t, 200, `"totalDownloads":2,`)
	n.Get("/analytics/top?kind=build_error").Want(t, 200, `{"name":"github.com/x/y","downloads":1,"kind":"build_error"}`)
}

func TestExport(t *testing.T) {
	n := start(t, false)
	counts := map[[2]string]int{{"zig", "z"}: 2}
	for i := range 2000 {
		counts[[2]string{"npm", fmt.Sprintf("@acme/p%d", i)}] = 1
	}
	n.fill(counts)
	a := n.Get("/analytics/export.csv?days=2").Want(t, 200, "date,kind,package,downloads\n")
	rows, err := csv.NewReader(strings.NewReader(string(a.Data))).ReadAll()
	if err != nil || len(rows) != 2002 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/csv") || !strings.Contains(a.Header.Get("Content-Disposition"), ".csv") {
		t.Errorf("headers: %v", a.Header)
	}
	n.Get("/analytics/export.csv?days=366").Want(t, 400, "from 1 to 365")
	n.Token = ""
	n.Get("/analytics/export.csv").Want(t, 401, "Authorization required")
}

// Where reads need a token, statistics do too.
func TestPrivateReads(t *testing.T) {
	n := start(t, true)
	n.fill(map[[2]string]int{{"npm", "secret"}: 1})
	n.Get("/analytics/top").Want(t, 200, "secret")
	if cache := n.Get("/analytics/secret").Header.Get("Cache-Control"); !strings.HasPrefix(cache, "private") {
		t.Errorf("Cache-Control: %s", cache)
	}
	n.Token = ""
	for _, path := range []string{"/analytics/top", "/analytics/secret", "/analytics/secret/timeline", "/analytics/downloads/point/last-week/secret", "/analytics/export.csv"} {
		a := n.Get(path).Want(t, 401, "")
		if strings.Contains(string(a.Data), "downloads\":1") {
			t.Errorf("%s shows %s", path, a.Data)
		}
	}
}
