package registry_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/registry"
)

// What is ours is served while upstream is down; the rest is refused as what may
// be asked for again, and answered once upstream is back.
func TestUpstreamDownAtColdStart(t *testing.T) {
	f := newFar(t, "lodash")
	f.breaks(hangUp)
	n, clock := behind(t, f, registry.Config{Claimed: []string{"mine"}})
	if a := n.publish("mine", "1.0.0"); a.StatusCode != 201 {
		t.Fatalf("a publish answers %d %s", a.StatusCode, a.body)
	}
	for path, status := range map[string]int{
		"/mine": 200, "/mine/latest": 200, "/mine/-/mine-1.0.0.tgz": 200, "/packages/mine": 200, "/-/v1/search?text=mine": 200, "/-/ping": 200, "/health": 200,
		"/lodash": 503, "/lodash/1.0.0": 503, "/lodash/-/lodash-1.0.0.tgz": 503, "/packages/lodash": 503, "/-/npm/v1/keys": 503,
	} {
		a := n.get(path)
		if a.StatusCode != status {
			t.Errorf("%s answers %d %s, want %d", path, a.StatusCode, a.body, status)
		}
		if status == 503 && a.Header.Get("Retry-After") != "10" {
			t.Errorf("%s says Retry-After: %q, want the 10 seconds for which the failure is remembered", path, a.Header.Get("Retry-After"))
		}
	}
	f.breaks(nil)
	clock.Pass(11 * time.Second)
	if a := n.get("/lodash/-/lodash-1.0.0.tgz"); string(a.body) != f.tarball("lodash") {
		t.Errorf("with upstream back the tarball answers %d %.100s", a.StatusCode, a.body)
	}
}

// answers is a fault with a status, for paths that match.
func answers(match func(*http.Request) bool, status int, body string, header ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !match(r) {
			return false
		}
		for _, h := range header {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
		return true
	}
}

func isDocument(r *http.Request) bool { return !isTarball(r) }

// truncated sends half of an answer and hangs up.
func truncated(match func(*http.Request) bool, length string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !match(r) {
			return false
		}
		if length != "" {
			w.Header().Set("Content-Length", length)
		}
		io.WriteString(w, noise(100<<10))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// Upstream's faults with a packument: the status that a client gets without a
// copy; with one, the copy, marked as stale.
func TestUpstreamPackumentFaults(t *testing.T) {
	for name, tt := range map[string]struct {
		fault  func(http.ResponseWriter, *http.Request) bool
		status int
		wait   string // Retry-After
	}{
		"hangs up":            {hangUp, 503, "10"},
		"dies in the middle":  {truncated(isDocument, "200000"), 503, "10"},
		"dies, chunked":       {truncated(isDocument, ""), 503, "10"},
		"500":                 {answers(isDocument, 500, "oops"), 503, "10"},
		"503, Retry-After":    {answers(isDocument, 503, "", "Retry-After: 40"), 503, "40"},
		"429, Retry-After":    {answers(isDocument, 429, "", "Retry-After: 40"), 503, "40"},
		"429, for a day":      {answers(isDocument, 429, "", "Retry-After: 86400"), 503, "600"},
		"429, nonsense":       {answers(isDocument, 429, "", "Retry-After: soon"), 503, "10"},
		"403":                 {answers(isDocument, 403, ""), 502, ""},
		"a web page":          {answers(isDocument, 200, "<html>welcome to the hotel", "Content-Type: text/html"), 502, ""},
		"another package":     {answers(isDocument, 200, `{"name":"other","versions":{}}`), 502, ""},
		"304 to a first read": {answers(isDocument, 304, ""), 502, ""},
		"a redirect to us":    {answers(isDocument, 302, "", "Location: http://127.0.0.1:1/lodash"), 502, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFar(t, "lodash")
			f.breaks(tt.fault)
			n, clock := behind(t, f, registry.Config{})
			a := n.get("/lodash")
			if a.StatusCode != tt.status || a.Header.Get("Retry-After") != tt.wait {
				t.Errorf("without a copy: %d, Retry-After %q, %s; want %d, %q", a.StatusCode, a.Header.Get("Retry-After"), a.body, tt.status, tt.wait)
			}
			if strings.Contains(string(a.body), "127.0.0.1:1/") {
				t.Errorf("the answer tells where upstream points: %s", a.body)
			}
			f.breaks(nil)
			clock.Pass(11 * time.Minute)
			if a = n.get("/lodash"); a.StatusCode != 200 || a.Header.Get("Warning") != "" {
				t.Fatalf("with upstream back: %d %.200s", a.StatusCode, a.body)
			}
			fine := string(a.body)
			f.breaks(tt.fault)
			clock.Pass(3 * time.Minute)
			stale := name != "304 to a first read"
			if a = n.get("/lodash"); name == "403" {
				return // being refused is an answer
			}
			if string(a.body) != fine || (a.Header.Get("Warning") != "") != stale {
				t.Errorf("with a copy: %d, Warning %q, %.200s", a.StatusCode, a.Header.Get("Warning"), a.body)
			}
		})
	}
}

// Upstream's faults with a tarball. What is begun and does not come to its right
// end is cut, so that no client takes it for whole, and is not kept.
func TestUpstreamTarballFaults(t *testing.T) {
	other := tgz(t, "lodash", "1.0.0", "other bytes under the same version")
	for name, tt := range map[string]struct {
		fault  func(http.ResponseWriter, *http.Request) bool
		status int // 0: cut, or 503 if not a byte was sent yet
	}{
		"hangs up":           {func(w http.ResponseWriter, r *http.Request) bool { return isTarball(r) && hangUp(w, r) }, 503},
		"dies in the middle": {truncated(isTarball, "200000"), 0},
		"dies, chunked":      {truncated(isTarball, ""), 0},
		"500":                {answers(isTarball, 500, ""), 503},
		"404":                {answers(isTarball, 404, ""), 404},
		"429":                {answers(isTarball, 429, "", "Retry-After: 5"), 503},
		"304":                {answers(isTarball, 304, ""), 502},
		"other bytes":        {answers(isTarball, 200, other), 502},
		"a web page":         {answers(isTarball, 200, "<html>"), 502},
		"nothing":            {answers(isTarball, 200, ""), 502},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFar(t, "lodash")
			f.breaks(tt.fault)
			n, clock := behind(t, f, registry.Config{})
			const path = "/lodash/-/lodash-1.0.0.tgz"
			status, _, err := n.try(path)
			cut := err != nil || status == http.StatusServiceUnavailable
			if tt.status == 0 && !cut || tt.status != 0 && (status != tt.status || err != nil) {
				t.Errorf("answers %d, %v, want %d", status, err, tt.status)
			}
			f.breaks(nil)
			clock.Pass(11 * time.Second)
			if status, body, err := n.try(path); err != nil || body != f.tarball("lodash") {
				t.Errorf("with upstream back: %d with %d bytes, %v", status, len(body), err)
			}
			f.breaks(tt.fault)
			if status, body, err := n.try(path); err != nil || body != f.tarball("lodash") {
				t.Errorf("from the copy: %d with %d bytes, %v", status, len(body), err)
			}
		})
	}
}

// try gets a path; an error is a body that was cut.
func (n *node) try(path string) (status int, body string, err error) {
	n.t.Helper()
	resp, err := http.Get(n.url + path)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// publish publishes a package in npm's form.
func (n *node) publish(name, version string) answer {
	n.t.Helper()
	return n.put(name, version, tgz(n.t, name, version, name+version))
}

func (n *node) put(name, version, tarball string) answer {
	n.t.Helper()
	return n.request(http.MethodPut, "/"+strings.Replace(name, "/", "%2f", 1), strings.NewReader(document(name, version, tarball)), "Content-Type: application/json")
}

// document is what npm publish puts.
func document(name, version, tarball string) string {
	return fmt.Sprintf(`{"_id":%q,"name":%q,"dist-tags":{"latest":%q},"versions":{%q:{"name":%q,"version":%q,"dist":{"integrity":%q}}},"_attachments":{"x.tgz":{"data":%q,"length":%d}}}`,
		name, name, version, version, name, version, sri(tarball), base64Of(tarball), len(tarball))
}

// An upstream that leads back to us ends at the first hop, not in a wait for ourselves.
func TestUpstreamThatIsUs(t *testing.T) {
	f := newFar(t)
	n, _ := behind(t, f, registry.Config{})
	f.breaks(func(w http.ResponseWriter, r *http.Request) bool {
		n.Handler().ServeHTTP(w, r)
		return true
	})
	for _, path := range []string{"/lodash", "/lodash/-/lodash-1.0.0.tgz", "/-/npm/v1/keys"} {
		if a := n.get(path); a.StatusCode != 508 || !strings.Contains(string(a.body), "NPM_UPSTREAM") {
			t.Errorf("%s answers %d %s", path, a.StatusCode, a.body)
		}
	}
	if !strings.Contains(n.log.String(), "leads back to the registry itself") {
		t.Error("the log does not say what is wrong")
	}
	if asked := f.times("GET /lodash"); asked != 1 {
		t.Errorf("one request became %d", asked)
	}
}

// Registries that are each other's upstream, in a ring of any length: whoever is asked tells
// soon, and all the others too when all are asked at the same time.
func TestUpstreamsInARing(t *testing.T) {
	for size := 2; size <= 4; size++ {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			fronts, nodes := make([]*far, size), make([]*node, size)
			for i := range fronts {
				fronts[i] = newFar(t)
			}
			for i := range nodes { // its front leads to it, and it to the next one's
				nodes[i], _ = behind(t, fronts[(i+1)%size], registry.Config{})
				fronts[i].breaks(func(w http.ResponseWriter, r *http.Request) bool {
					nodes[i].Handler().ServeHTTP(w, r)
					return true
				})
			}
			var all sync.WaitGroup
			for _, n := range nodes {
				for _, path := range []string{"/lodash", "/lodash/-/lodash-1.0.0.tgz", "/@acme%2fa", "/-/npm/v1/keys"} {
					all.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), patience) // one that waits for itself is not told of a loop
						defer cancel()
						req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url+path, nil)
						if err != nil {
							t.Error(err)
							return
						}
						resp, err := http.DefaultTransport.RoundTrip(req)
						if err != nil {
							t.Errorf("%s: %v", path, err)
							return
						}
						defer resp.Body.Close()
						if resp.StatusCode != http.StatusLoopDetected {
							t.Errorf("%s answers %d", path, resp.StatusCode)
						}
					})
				}
			}
			all.Wait()
			for i, f := range fronts { // each of size clients asks each once, and each goes round once
				if asked := f.times("GET /lodash"); asked > 2*size*size {
					t.Errorf("registry %d was asked %d times by the others", i, asked)
				}
			}
		})
	}
}

// A chain of registries is no ring, however many clients ask each of them.
func TestUpstreamsInAChain(t *testing.T) {
	f := newFar(t, "lodash")
	last, _ := behind(t, f, registry.Config{})
	middle := start(t, registry.Config{Upstream: last.url})
	first := start(t, registry.Config{Upstream: middle.url})
	for _, n := range []*node{first, middle, last} {
		if status, body, err := n.try("/lodash/-/lodash-1.0.0.tgz"); err != nil || body != f.tarball("lodash") {
			t.Errorf("the tarball answers %d with %d bytes, %v", status, len(body), err)
		}
	}
	if asked := f.times("GET /lodash/-/lodash-1.0.0.tgz"); asked != 1 {
		t.Errorf("the last upstream was asked for the tarball %d times", asked)
	}
}

// A tarball that upstream's packument has on a host that is not followed is refused with a
// status after which no client tries again, and says which host it is.
func TestRefusedTarballHost(t *testing.T) {
	private := newFar(t, "lodash")
	f := newFar(t)
	n, _ := behind(t, f, registry.Config{})
	for name, tarball := range map[string]string{
		"elsewhere": private.URL + "/lodash/-/lodash-1.0.0.tgz", "file": "file:///etc/passwd", "redirected": f.URL + "/away.tgz",
	} {
		f.breaks(func(w http.ResponseWriter, r *http.Request) bool {
			if isTarball(r) {
				http.Redirect(w, r, private.URL+"/lodash/-/lodash-1.0.0.tgz", http.StatusFound)
				return true
			}
			fmt.Fprintf(w, `{"name":%q,"versions":{"1.0.0":{"name":%q,"version":"1.0.0","dist":{"tarball":%q,"integrity":%q}}}}`, name, name, tarball, sri("x"))
			return true
		})
		for range 2 {
			a := n.get("/" + name + "/-/" + name + "-1.0.0.tgz")
			if a.StatusCode != http.StatusForbidden || a.Header.Get("Retry-After") != "" || !strings.Contains(string(a.body), `"code":"upstream_refused"`) {
				t.Errorf("%s answers %d %v %s", name, a.StatusCode, a.Header, a.body)
			}
			if host := strings.TrimPrefix(private.URL, "http://"); name != "file" && !strings.Contains(string(a.body), host) {
				t.Errorf("%s: the answer does not name the host: %s", name, a.body)
			}
		}
	}
	if private.times("GET /lodash/-/lodash-1.0.0.tgz") > 0 {
		t.Error("the private host was asked")
	}
}

// HEAD tells what is there without fetching it.
func TestHeadOfUpstreamTarball(t *testing.T) {
	f := newFar(t, "lodash")
	n, _ := behind(t, f, registry.Config{})
	for _, path := range []string{"/lodash/-/lodash-1.0.0.tgz", "/packages/lodash/1.0.0/tarball"} {
		a := n.request("HEAD", path, nil)
		if a.StatusCode != 200 || a.Header.Get("ETag") == "" || a.Header.Get("Content-Length") != "" {
			t.Errorf("HEAD %s answers %d %v", path, a.StatusCode, a.Header)
		}
		if b := n.request("HEAD", path, nil, "If-None-Match: "+a.Header.Get("ETag")); b.StatusCode != 304 {
			t.Errorf("HEAD %s of what the client has answers %d", path, b.StatusCode)
		}
	}
	if a := n.request("HEAD", "/lodash/-/lodash-2.0.0.tgz", nil); a.StatusCode != 404 {
		t.Errorf("HEAD of a version that upstream does not have answers %d", a.StatusCode)
	}
	if n := f.times("GET /lodash/-/lodash-1.0.0.tgz"); n != 0 {
		t.Errorf("the tarball was fetched %d times", n)
	}
	if _, body, err := n.try("/lodash/-/lodash-1.0.0.tgz"); err != nil || body != f.tarball("lodash") {
		t.Errorf("GET gives %d bytes, %v", len(body), err)
	}
	if a := n.request("HEAD", "/lodash/-/lodash-1.0.0.tgz", nil); a.ContentLength != int64(len(f.tarball("lodash"))) {
		t.Errorf("HEAD of the copy says %d bytes", a.ContentLength)
	}
}

// Bytes that change under a version: upstream's own document decides, and what
// was promised before is not sent under the new promise.
func TestUpstreamChangesAVersion(t *testing.T) {
	f := newFar(t, "lodash")
	n, clock := behind(t, f, registry.Config{})
	const path = "/lodash/-/lodash-1.0.0.tgz"
	first, changed := f.tarball("lodash"), tgz(t, "lodash", "1.0.0", "changed")
	a := n.get(path)
	if string(a.body) != first {
		t.Fatalf("the tarball answers %d", a.StatusCode)
	}
	f.mu.Lock()
	f.tarballs["lodash"] = changed
	f.mu.Unlock()
	if b := n.get(path); string(b.body) != first || b.Header.Get("ETag") != a.Header.Get("ETag") {
		t.Errorf("under the document that is here the tarball has changed: %d", b.StatusCode)
	}
	clock.Pass(3 * time.Minute)
	if doc := n.get("/lodash"); !strings.Contains(string(doc.body), sri(changed)) {
		t.Fatalf("the document is the old one: %s", doc.body)
	}
	if b := n.get(path); string(b.body) != changed || b.Header.Get("ETag") == a.Header.Get("ETag") {
		t.Errorf("under the new document the tarball answers %d with ETag %s", b.StatusCode, b.Header.Get("ETag"))
	}
}
