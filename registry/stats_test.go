package registry_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/clients/dynamoserver"
	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/registry"
)

// totals are the downloads of a package by kind, and of its versions.
type totals struct {
	Total    int64 `json:"totalDownloads"`
	Kinds    map[string]struct{ TotalDownloads int64 }
	Versions map[string]int64 `json:"versionDownloads"`
}

func (n *node) totals(name string, header ...string) (sum totals) {
	n.t.Helper()
	a := n.get("/analytics/"+name, header...)
	if a.StatusCode == http.StatusOK {
		if err := json.Unmarshal(a.body, &sum); err != nil {
			n.t.Fatal(err)
		}
	}
	return sum
}

// publishKinds publishes @acme/a in every protocol, and returns the addresses of what is to be downloaded by kind.
func (n *node) publishKinds() map[string][]string {
	n.t.Helper()
	files := n.publishAll() // @acme/a of npm, @acme/b of a commit, and a Zig package
	if a := n.request(http.MethodPut, "/lumen/v1/wares", strings.NewReader(lumenPublish(n.t, "@acme/l", "1.0.0"))); a.StatusCode != http.StatusCreated {
		n.t.Fatalf("publishing a Lumen package: %d %s", a.StatusCode, a.body)
	}
	a := n.get("/lumen/packages/@acme/l/1.0.0.json")
	var doc struct {
		Artifacts []struct {
			URL string `json:"url"`
		} `json:"artifacts"`
	}
	if err := json.Unmarshal(a.body, &doc); err != nil || len(doc.Artifacts) == 0 {
		n.t.Fatalf("its metadata: %d %s, %v", a.StatusCode, a.body, err)
	}
	paths := map[string][]string{
		"npm":    {"/@acme/a/-/a-1.0.0.tgz", "/npm/@acme/a/-/a-1.0.0.tgz", "/packages/@acme/a/1.0.0/tarball"},
		"commit": {"/commits/" + sha + "/@acme/b/tarball"},
		"lumen":  {"/lumen/" + strings.TrimPrefix(doc.Artifacts[0].URL, "/")},
	}
	for path := range files {
		if strings.HasPrefix(path, "/zig/") {
			paths["zig"] = []string{path}
		}
	}
	return paths
}

// downloadAll downloads every address some times on several connections at once, and by requests that are no downloads.
func downloadAll(t *testing.T, nodes []*node, paths map[string][]string, times int) {
	t.Helper()
	var wg sync.WaitGroup
	for _, list := range paths {
		for _, path := range list {
			for i := range times {
				wg.Go(func() {
					n := nodes[i%len(nodes)]
					if a := n.get(path); a.StatusCode != http.StatusOK {
						t.Errorf("GET %s = %d %.200s", path, a.StatusCode, a.body)
					} else if a := n.get(path, "If-None-Match: "+a.Header.Get("ETag")); a.StatusCode != http.StatusNotModified {
						t.Errorf("GET %s again = %d", path, a.StatusCode)
					}
					n.request(http.MethodHead, path, nil)
					n.get(path, "Range: bytes=3-5")
				})
			}
		}
	}
	wg.Wait()
}

// wantTotals checks what downloadAll has downloaded, and the one Zig archive that publishAll did.
func wantTotals(t *testing.T, n *node, zigName string, times int) {
	t.Helper()
	for _, c := range []struct {
		name, kind, version string
		want                int
	}{{"@acme/a", "npm", "1.0.0", 3 * times}, {"@acme/b", "commit", "0.0.0-commit.g" + sha[:10], times}, {"@acme/l", "lumen", "1.0.0", times}, {zigName, "zig", "1.0.0", times + 1}} {
		got := n.totals(c.name)
		if got.Total != int64(c.want) || got.Kinds[c.kind].TotalDownloads != int64(c.want) || got.Versions[c.version] != int64(c.want) {
			t.Errorf("%s of %s: %+v, want %d", c.name, c.kind, got, c.want)
		}
	}
}

// Every download is counted once, under load and over a restart, for each kind of package.
func TestEveryDownloadIsCounted(t *testing.T) {
	dir := t.TempDir()
	n := start(t, registry.Config{DataDir: dir})
	paths := n.publishKinds()
	downloadAll(t, []*node{n}, paths, 20)
	n.stop()
	n = start(t, registry.Config{DataDir: dir})
	wantTotals(t, n, zigNameOf(t, n), 20)
	if top := string(n.get("/analytics/top?kind=npm,lumen").body); !strings.Contains(top, `[{"name":"@acme/a","downloads":60,"kind":"npm"},{"name":"@acme/l","downloads":20,"kind":"lumen"}]`) {
		t.Errorf("top: %s", top)
	}
}

// zigNameOf is the name of the Zig package that publishAll publishes.
func zigNameOf(t *testing.T, n *node) string {
	t.Helper()
	var results []any
	eventually(t, "the Zig package is found", func() bool {
		results, _ = n.get("/zig/search?q=").json(t)["results"].([]any)
		return len(results) == 1
	})
	return results[0].(map[string]any)["name"].(string)
}

// A server that is told so keeps nothing of clients' User-Agents, and counts their downloads all the same.
func TestClientsAreCountedUnlessToldOtherwise(t *testing.T) {
	for off, want := range map[bool]string{false: `{"clients":[{"name":"npm/11","downloads":1}]}`, true: `{"clients":[]}`} {
		dir := t.TempDir()
		n := start(t, registry.Config{DataDir: dir, NoUserAgents: off})
		n.publishOne("User-Agent: npm/11.6.0 node/v24.0.0")
		n.stop()
		n = start(t, registry.Config{DataDir: dir}) // it shows whatever was kept
		if got := strings.TrimSpace(string(n.get("/analytics/top?by=client").body)); got != want {
			t.Errorf("NoUserAgents %t: the clients are %s, want %s", off, got, want)
		}
		if got := n.totals("@acme/a"); got.Total != 1 {
			t.Errorf("NoUserAgents %t: %d downloads are counted, want 1", off, got.Total)
		}
	}
}

// Two servers count in one table, which is another than that of the metadata.
func TestTwoServersCountInOneTable(t *testing.T) {
	_, table := onTable(t)
	_, bucket := onS3(t)
	analytics := table
	analytics.Table = "registry-analytics"
	c := registry.Config{S3: bucket, DynamoDB: table, Analytics: analytics, NoUserAgents: true}
	nodes := []*node{start(t, c), start(t, c)}
	paths := nodes[0].publishKinds()
	zig := zigNameOf(t, nodes[0])
	downloadAll(t, nodes, paths, 6)
	for _, n := range nodes {
		n.stop()
	}
	wantTotals(t, start(t, c), zig, 6)
	c.Analytics = registry.DynamoDB{} // the metadata remembers
	again := start(t, c)
	wantTotals(t, again, zig, 6)
	if has, err := stats.Any(t.Context(), registry.Rows(again.Registry)); has || err != nil {
		t.Errorf("the table of metadata has counts too: %t, %v", has, err)
	}
}

// While the table is away downloads go on, and what was downloaded meanwhile is counted when it is back.
func TestDownloadsAreCountedOverAnOutage(t *testing.T) {
	server, table := onTable(t)
	c := registry.Config{Analytics: table}
	n := start(t, c)
	n.publishAll()
	var refused sync.WaitGroup
	refused.Add(1)
	once := sync.OnceFunc(refused.Done)
	server.Fail(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") { // rankings are read meanwhile
			once()
		}
		w.WriteHeader(http.StatusInternalServerError)
	})
	const path = "/@acme/a/-/a-1.0.0.tgz"
	for range 10 {
		if a := n.get(path); a.StatusCode != http.StatusOK {
			t.Errorf("while the table is away: %d", a.StatusCode)
		}
	}
	refused.Wait()
	server.Fail(nil)
	n.get(path)
	n.stop()
	if got := start(t, c).totals("@acme/a"); got.Total != 11 {
		t.Errorf("counted: %+v, want 11", got)
	}
	if page := n.lastMetrics(); strings.Contains(page, `registry_store_retries_total{reason="failed",store="metadata"} 0`) || !strings.Contains(page, "registry_uncounted_downloads_total 0") {
		t.Errorf("requests that were sent once more, or downloads that were not counted, are not measured:\n%s", page)
	}
}

// What can't be counted to the end is measured.
func TestUncountedDownloadsAreMeasured(t *testing.T) {
	server, table := onTable(t)
	n := start(t, registry.Config{Analytics: table})
	n.publishAll()
	zig := zigNameOf(t, n)
	eventually(t, "the download that publishAll has made is written", func() bool { return n.totals(zig).Total == 1 })
	server.Fail(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		dynamoserver.Answer(w, http.StatusBadRequest, "AccessDeniedException", "")
	})
	for range 3 {
		n.get("/@acme/a/-/a-1.0.0.tgz")
	}
	n.stop()
	if page := n.lastMetrics(); !strings.Contains(page, "registry_uncounted_downloads_total 3") {
		t.Errorf("three downloads were not counted, the metrics are\n%s", page)
	}
}

// lastMetrics are those of a server that has been stopped.
func (n *node) lastMetrics() string {
	n.t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(n.t.Context(), http.MethodGet, n.url+"/metrics", nil)
	r.RemoteAddr = "127.0.0.1:1"
	n.Handler().ServeHTTP(w, r)
	return w.Body.String()
}

// Statistics of what not everybody may read are not for everybody.
func TestStatisticsOfAPrivateServer(t *testing.T) {
	const token = "a-token-of-the-test"
	dir := t.TempDir()
	bearer := "Authorization: Bearer " + token
	n := start(t, registry.Config{DataDir: dir, Token: token, ReadAuth: true})
	n.publishOne(bearer)
	n.stop()
	n = start(t, registry.Config{DataDir: dir, Token: token, ReadAuth: true})
	for _, path := range []string{"/analytics/top", "/analytics/@acme/a", "/analytics/@acme/a/timeline", "/analytics/export.csv"} {
		if a := n.get(path); a.StatusCode != http.StatusUnauthorized || strings.Contains(string(a.body), "@acme") {
			t.Errorf("GET %s = %d %s", path, a.StatusCode, a.body)
		}
		if a := n.get(path, bearer); a.StatusCode != http.StatusOK || !strings.Contains(string(a.body), "@acme/a") {
			t.Errorf("GET %s with a token = %d %s", path, a.StatusCode, a.body)
		}
	}
	if a := n.postJSON("/analytics/events", map[string]string{"packageName": "@acme/a", "category": "install"}); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("an event of nobody: %d %s", a.StatusCode, a.body)
	}
	today := time.Now().UTC().Format(time.DateOnly)
	if text := string(n.get("/analytics/export.csv", bearer).body); text != fmt.Sprintf("date,kind,package,downloads\n%s,npm,@acme/a,1\n", today) {
		t.Errorf("export: %s", text)
	}
}

// publishOne publishes @acme/a and downloads it once, with a header.
func (n *node) publishOne(header string) {
	n.t.Helper()
	if _, err := n.Publish(n.t.Context(), strings.NewReader(tgz(n.t, "@acme/a", "1.0.0", "x"))); err != nil {
		n.t.Fatal(err)
	}
	if a := n.get("/@acme/a/-/a-1.0.0.tgz", header); a.StatusCode != http.StatusOK {
		n.t.Fatalf("downloading: %d %s", a.StatusCode, a.body)
	}
}
