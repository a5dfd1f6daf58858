package upstream

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/egress/egresstest"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/store/cache"
	"github.com/org/registry-action/internal/store/storetest"
)

// bubble runs a test whose time is its own. Its network is made of pipes in
// memory; the cache is a real one.
func bubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, dir: dir, network: egresstest.New(t, nil), log: &storetest.Transcript{}}
		w.registry = newRegistry(w)
		w.network.Host("up.test:80", w.registry)
		w.cache = w.openCache(64 << 20)
		w.start(Options{})
		defer w.stop()
		test(t, w)
	})
}

// world is a Service with the hosts that it can reach.
type world struct {
	*Service
	t        *testing.T
	dir      string
	cache    *cache.Cache
	network  *egresstest.Network
	registry *registry
	log      *storetest.Transcript
	proxy    *url.URL
}

func (w *world) openCache(max int64) *cache.Cache {
	w.t.Helper()
	c, err := cache.Open(w.dir, cache.Options{MaxBytes: max})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) start(opt Options) {
	w.t.Helper()
	if opt.URL == nil {
		opt.URL = parse(w.t, "http://up.test/")
	}
	opt.Cache, opt.Log = w.cache, slog.New(slog.NewTextHandler(w.log, nil))
	s, err := newService(opt, egress.Network{Own: w.network.Dial, Foreign: w.network.DialPublic, Proxy: func(r *http.Request) (*url.URL, error) {
		if w.proxy == nil || r.URL.Hostname() == "up.test" {
			return nil, nil
		}
		return w.proxy, nil
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Service = s
}

// restart closes the service and the cache and opens them again.
func (w *world) restart(opt Options) {
	w.t.Helper()
	if err := errors.Join(w.Service.Close(), w.cache.Close()); err != nil {
		w.t.Fatal(err)
	}
	w.cache = w.openCache(64 << 20)
	w.start(opt)
}

func (w *world) stop() {
	if err := errors.Join(w.Service.Close(), w.cache.Close()); err != nil {
		w.t.Error(err)
	}
	if w.t.Failed() {
		w.t.Log(w.log)
	}
}

// registry is an upstream: packages with versions, and switches for its faults.
type registry struct {
	w *world

	mu       sync.Mutex
	packages map[string]*pkg
	files    map[string][]byte // by path
	requests []*http.Request
	override func(w http.ResponseWriter, r *http.Request) bool // answers in place of the registry
}

type pkg struct {
	versions     []string
	abbreviated  bool   // has that form
	etag         bool   // sends ETags
	lastModified string // sent, if set
	base         string // of its tarballs' URLs
	shasumOnly   bool
}

func newRegistry(w *world) *registry {
	return &registry{w: w, packages: map[string]*pkg{}, files: map[string][]byte{}}
}

// publish adds a version.
func (r *registry) publish(name, version string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.packages[name]
	if p == nil {
		p = &pkg{abbreviated: true, etag: true, base: "http://up.test"}
		r.packages[name] = p
	}
	p.versions = append(p.versions, version)
	r.files["/"+name+"/-/"+packument.TarballFile(name, version)] = content(name, version)
}

// change changes a package.
func (r *registry) change(name string, f func(*pkg)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r.packages[name])
}

// intercept answers requests in place of the registry, if f returns true.
func (r *registry) intercept(f func(w http.ResponseWriter, r *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.override = f
}

// status makes every answer one of that status; 0 ends it.
func (r *registry) status(code int) {
	r.intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		if code != 0 {
			w.WriteHeader(code)
		}
		return code != 0
	})
}

// took returns the requests since the last call as "METHOD path".
func (r *registry) took() (list []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, req := range r.requests {
		list = append(list, req.Method+" "+req.URL.EscapedPath())
	}
	r.requests = nil
	return list
}

// last is the last request.
func (r *registry) last() *http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests[len(r.requests)-1]
}

// content is the tarball of a version.
func content(name, version string) []byte {
	return bytes.Repeat([]byte(name+"@"+version+" "), 10_000)
}

func (r *registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.requests = append(r.requests, req)
	override := r.override
	r.mu.Unlock()
	if override != nil && override(w, req) {
		return
	}
	r.mu.Lock()
	file, isFile := r.files[req.URL.Path]
	p := r.packages[strings.TrimPrefix(req.URL.Path, "/")]
	var text []byte
	form := packument.FullType
	if p != nil {
		if p.abbreviated && strings.Contains(req.Header.Get("Accept"), packument.AbbreviatedType) {
			form = packument.AbbreviatedType
		}
		text = p.document(strings.TrimPrefix(req.URL.Path, "/"), form == packument.FullType)
	}
	r.mu.Unlock()
	switch {
	case isFile:
		w.Header().Set("Content-Length", fmt.Sprint(len(file)))
		_, _ = w.Write(file)
	case p != nil:
		p.answer(w, req, form, text)
	default:
		http.NotFound(w, req)
	}
}

func (p *pkg) answer(w http.ResponseWriter, req *http.Request, form string, text []byte) {
	sum := sha1.Sum(text)
	etag := `"` + hex.EncodeToString(sum[:]) + `"`
	if p.etag {
		w.Header().Set("ETag", etag)
	}
	if p.lastModified != "" {
		w.Header().Set("Last-Modified", p.lastModified)
	}
	if p.etag && req.Header.Get("If-None-Match") == etag || p.lastModified != "" && req.Header.Get("If-Modified-Since") == p.lastModified {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", form+"; charset=utf-8")
	_, _ = w.Write(text)
}

func (p *pkg) document(name string, full bool) []byte {
	versions := map[string]any{}
	for _, v := range p.versions {
		c := content(name, v)
		sum1, sum512 := sha1.Sum(c), sha512.Sum512(c)
		dist := map[string]any{"tarball": p.base + "/" + name + "/-/" + packument.TarballFile(name, v), "shasum": hex.EncodeToString(sum1[:])}
		if !p.shasumOnly {
			dist["integrity"] = "sha512-" + base64.StdEncoding.EncodeToString(sum512[:])
		}
		versions[v] = map[string]any{"name": name, "version": v, "dist": dist}
	}
	doc := map[string]any{"name": name, "versions": versions, "dist-tags": map[string]string{}}
	if full {
		doc["_id"] = name
	}
	text, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return text
}

func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// doc asks for a packument and returns its bytes.
func (w *world) doc(name string, f packument.Form, fresh bool) (d *Document, text string) {
	w.t.Helper()
	d, err := w.Packument(w.t.Context(), name, f, fresh)
	if err != nil {
		w.t.Fatalf("Packument(%s): %v", name, err)
	}
	b, err := io.ReadAll(d)
	if err := errors.Join(err, d.Close()); err != nil {
		w.t.Fatal(err)
	}
	return d, string(b)
}

// wantRequests checks what upstream was asked since the last check.
func (w *world) wantRequests(want ...string) {
	w.t.Helper()
	if got := w.registry.took(); fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("upstream was asked %v, want %v", got, want)
	}
}

// tarball reads a tarball to its end.
func (w *world) tarball(name, file string) (tb *Tarball, text []byte, err error) {
	w.t.Helper()
	tb, err = w.Tarball(w.t.Context(), name, file, false)
	if err != nil {
		return nil, nil, err
	}
	var r io.Reader = tb.Stream
	if tb.File != nil {
		r = tb.File
	}
	text, err = io.ReadAll(r)
	if cerr := tb.Close(); cerr != nil {
		w.t.Error(cerr)
	}
	return tb, text, err
}

const (
	full        = packument.Full
	abbreviated = packument.Abbreviated
	minute      = time.Minute
)
