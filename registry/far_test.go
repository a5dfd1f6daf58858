package registry_test

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/store/storetest"
	"github.com/org/registry-action/registry"
)

// far is a registry on the other side of the network, whose packages have one version, 1.0.0.
type far struct {
	*httptest.Server
	mu       sync.Mutex
	tarballs map[string]string                                          // by package
	asked    map[string]int                                             // by method and path
	fault    func(w http.ResponseWriter, r *http.Request) (answer bool) // true: it has answered
}

func newFar(t *testing.T, packages ...string) *far {
	f := &far{tarballs: map[string]string{}, asked: map[string]int{}}
	for _, name := range packages {
		f.tarballs[name] = tgz(t, name, "1.0.0", noise(300<<10))
	}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *far) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.asked[r.Method+" "+r.URL.Path]++
	fault := f.fault
	f.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	name, file, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/-/")
	tarball := f.tarball(name)
	switch {
	case tarball == "":
		http.Error(w, `{"error":"Not found"}`, http.StatusNotFound)
	case file == "":
		f.packument(w, r, name, tarball)
	default:
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(tarball))
	}
}

func (f *far) tarball(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tarballs[name]
}

func (f *far) packument(w http.ResponseWriter, r *http.Request, name, tarball string) {
	doc, err := json.Marshal(map[string]any{
		"name": name, "dist-tags": map[string]string{"latest": "1.0.0"}, "time": map[string]string{"1.0.0": "2026-01-01T00:00:00.000Z"},
		"versions": map[string]any{"1.0.0": map[string]any{"name": name, "version": "1.0.0", "dist": map[string]string{
			"tarball": f.URL + "/" + name + "/-/" + name + "-1.0.0.tgz", "integrity": sri(tarball),
		}}},
	})
	if err != nil {
		panic(err)
	}
	w.Header().Set("ETag", `"`+sri(string(doc))[:20]+`"`)
	w.Header().Set("Content-Type", "application/json")
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(doc)))
}

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func sri(text string) string {
	sum := sha512.Sum512([]byte(text))
	return "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

// breaks makes every answer the fault's, until it is nil again.
func (f *far) breaks(fault func(w http.ResponseWriter, r *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// times says how often a request was made.
func (f *far) times(request string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[request]
}

func isTarball(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, ".tgz") }

// hangUp ends the connection.
func hangUp(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// behind starts a server in front of f, with a clock.
func behind(t *testing.T, f *far, c registry.Config) (*node, *storetest.Clock) {
	t.Helper()
	k := storetest.ClockAt(time.Now())
	c.Upstream, c.Now = f.URL, k.Now
	return start(t, c), k
}
