package registry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/registry-action/registry"
)

// TestEverythingAtOnce publishes, reads, tags, unpublishes, searches, logs in,
// publishes previews, downloads from upstream, some of it given up half-way, and
// sweeps, all at the same time. Nothing fails for that reason, and what was taken
// for it is given back.
func TestEverythingAtOnce(t *testing.T) {
	before := held()
	t.Run("run", func(t *testing.T) { // its servers are closed at its end
		f := newFar(t, "lodash", "react", "left")
		n, clock := behind(t, f, registry.Config{SignUp: true, UpstreamMaxAge: time.Millisecond, Retention: 24 * time.Hour})
		s := &stress{node: n, client: &http.Client{Transport: &http.Transport{}}}
		t.Cleanup(s.client.CloseIdleConnections)
		s.leaveOld()
		clock.Pass(10 * 24 * time.Hour) // what is old goes, while the rest works
		var wg sync.WaitGroup
		for w := range 4 {
			for _, work := range []func(w, i int){s.publishes, s.reads, s.changes, s.accounts, s.previews, s.upstreams} {
				wg.Go(func() {
					for i := range 8 {
						work(w, i)
					}
				})
			}
		}
		wg.Go(func() {
			for range 3 {
				if _, err := n.Sweep(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Wait()
		t.Logf("%d requests", s.count.Load())
		if log := n.log.String(); strings.Contains(log, "level=ERROR ") || strings.Contains(log, "panic") {
			t.Error("the log tells of errors")
		}
		s.check()
		n.sound()
	})
	before.compare(t)
}

type stress struct {
	*node
	client *http.Client
	count  atomic.Int64
}

// do makes a request; a status of 500 or more fails the test.
func (s *stress) do(method, path, body string, header ...string) (status int, text string) {
	s.count.Add(1)
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return 0, ""
	}
	for _, h := range append(header, "Content-Type: application/json") {
		name, value, _ := strings.Cut(h, ": ")
		if req.Header.Get(name) == "" {
			req.Header.Set(name, value)
		}
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Errorf("%s %s: %v", method, path, err)
		return 0, ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 500 {
		s.t.Errorf("%s %s answers %d %.200s, %v", method, path, resp.StatusCode, b, err)
	}
	return resp.StatusCode, string(b)
}

// leaveOld publishes what soon expires or is unpublished again.
func (s *stress) leaveOld() {
	s.do(http.MethodPut, "/mine", document("mine", "0.0.1", tgz(s.t, "mine", "0.0.1", "x")))
	for i := range 10 {
		version := fmt.Sprintf("0.1.%d", i)
		s.do(http.MethodPut, "/old", document("old", version, tgz(s.t, "old", version, "x")))
		s.previews(99, i)
	}
	_, doc := s.do(http.MethodGet, "/old", "")
	_, rev, _ := strings.Cut(doc, `"_rev":"`)
	rev, _, _ = strings.Cut(rev, `"`)
	if status, text := s.do(http.MethodDelete, "/old/-rev/"+rev, ""); status != 200 {
		s.t.Errorf("unpublishing answers %d %s", status, text)
	}
}

func (s *stress) publishes(w, i int) {
	version := fmt.Sprintf("1.%d.%d", w, i)
	name := []string{"mine", "@acme/own"}[i%2]
	if status, text := s.do(http.MethodPut, "/"+name, document(name, version, tgz(s.t, name, version, noise(1000*i)))); status != 201 {
		s.t.Errorf("publishing %s@%s answers %d %s", name, version, status, text)
	}
}

func (s *stress) reads(w, i int) {
	for _, path := range []string{"/mine", "/mine/latest", "/@acme%2fown", "/-/v1/search?text=mine", "/packages/mine", "/packages/mine/versions", "/-/npm/v1/keys", "/~/acme/app/mine"} {
		s.do(http.MethodGet, path, "", "Accept: application/vnd.npm.install-v1+json")
	}
	s.do(http.MethodGet, fmt.Sprintf("/mine/-/mine-1.%d.%d.tgz", w, i), "")
}

// changes tags a version and unpublishes another, unless somebody else was faster.
func (s *stress) changes(w, i int) {
	var doc struct {
		Rev      string `json:"_rev"`
		Versions map[string]any
	}
	if _, text := s.do(http.MethodGet, "/mine?write=true", ""); json.Unmarshal([]byte(text), &doc) != nil || doc.Rev == "" {
		s.t.Errorf("the packument is %.200s", text)
	}
	versions := slices.Collect(maps.Keys(doc.Versions))
	s.do(http.MethodPut, fmt.Sprintf("/-/package/mine/dist-tags/t%d", w), fmt.Sprintf("%q", versions[0]))
	if i%4 == 0 && len(versions) > 1 {
		s.do(http.MethodDelete, "/mine/-/mine-"+versions[1]+".tgz/-rev/"+doc.Rev, "")
	}
}

func (s *stress) accounts(w, i int) {
	if i%5 != 0 {
		return // passwords are slow by design
	}
	user := fmt.Sprintf("user%d-%d", w, i)
	s.do(http.MethodPut, "/-/user/org.couchdb.user:"+user, fmt.Sprintf(`{"name":%q,"password":"correct horse","email":"a@example.com"}`, user))
	s.do(http.MethodPost, "/-/npm/v1/tokens", `{"name":"ci"}`)
	s.do(http.MethodGet, "/-/npm/v1/tokens", "")
}

func (s *stress) previews(w, i int) {
	sha := fmt.Sprintf("%02x%038x", w, i)
	version := "0.0.0-commit.g" + sha[:10]
	body, ct := form(s.t, "sha", sha, "repository", "acme/app", "ref", "pr/7", "package:mine", tgz(s.t, "mine", version, "x"))
	text, err := io.ReadAll(body)
	if err != nil {
		s.t.Error(err)
	}
	if status, text := s.do(http.MethodPost, "/publish/commit", string(text), ct); status != 201 {
		s.t.Errorf("a preview answers %d %s", status, text)
	}
	if status, _ := s.do(http.MethodGet, "/~/acme/app/mine/-/mine-"+version+".tgz", ""); status != 200 {
		s.t.Errorf("the preview %s answers %d", version, status)
	}
}

// upstreams downloads from upstream; every second time it hangs up half-way.
func (s *stress) upstreams(w, i int) {
	name := []string{"lodash", "react", "left"}[i%3]
	s.do(http.MethodGet, "/"+name, "")
	if i%2 == 0 {
		s.do(http.MethodGet, "/"+name+"/-/"+name+"-1.0.0.tgz", "")
		return
	}
	ctx, hangUp := context.WithCancel(s.t.Context())
	defer hangUp()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/"+name+"/-/"+name+"-1.0.0.tgz", nil)
	if err != nil {
		s.t.Error(err)
		return
	}
	if resp, err := s.client.Do(req); err == nil {
		_, _ = io.CopyN(io.Discard, resp.Body, rand.Int64N(200<<10))
		hangUp()
		resp.Body.Close()
	}
}

// check reads everything that is there.
func (s *stress) check() {
	for _, name := range []string{"mine", "@acme/own"} {
		versions, err := s.Versions(s.t.Context(), name)
		if err != nil || len(versions) < 5 {
			s.t.Errorf("%s has %d versions, %v", name, len(versions), err)
		}
		for _, v := range versions {
			tarball, err := s.Tarball(s.t.Context(), name, v)
			if err != nil {
				s.t.Errorf("%s@%s: %v", name, v, err)
				continue
			}
			if b, err := io.ReadAll(tarball); err != nil || len(b) == 0 {
				s.t.Errorf("%s@%s has %d bytes, %v", name, v, len(b), err)
			}
			tarball.Close()
		}
	}
}

// resources are what a process holds.
type resources struct{ files, goroutines int }

func held() resources {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		files = nil // not Linux
	}
	return resources{len(files), runtime.NumGoroutine() - strayToxics()}
}

// compare fails the test unless all that was taken since is given back. What
// ends by itself, such as the ends of connections, has some time to.
func (r resources) compare(t *testing.T) {
	t.Helper()
	var now resources
	for late := time.Now().Add(patience); time.Now().Before(late); {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		if now = held(); now.files <= r.files && now.goroutines <= r.goroutines {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d files and %d goroutines are open, before it were %d and %d", now.files, now.goroutines, r.files, r.goroutines)
	_ = pprof.Lookup("goroutine").WriteTo(t.Output(), 1)
}
