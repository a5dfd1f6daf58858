// Package mirrortest is the forges of tests: GitHub and Codeberg with the archives of
// repositories, and whatever else a mirror may be led to, over TLS on connections in memory.
package mirrortest

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/egress/egresstest"
)

// The hosts of the forges.
const (
	GitHub   = "github.com" // sends its clients on to codeload.github.com, as the real one does
	Codeberg = "codeberg.org"
	codeload = "codeload.github.com"
)

// Forges are what there is on the network.
type Forges struct {
	t       *testing.T
	network *egresstest.Network
	roots   *x509.CertPool

	mu       sync.Mutex
	archives map[string][]byte // by "owner/repo ref"
	requests []*http.Request
	override func(w http.ResponseWriter, r *http.Request) bool
}

// New returns forges without repositories. They are gone when the test ends.
func New(t *testing.T) *Forges {
	t.Helper()
	cert := newCertificate(t)
	f := &Forges{t: t, network: egresstest.New(t, cert.config), roots: cert.roots, archives: map[string][]byte{}}
	f.Host(GitHub+":443", http.HandlerFunc(f.sendOn))
	f.Host(codeload+":443", http.HandlerFunc(f.load))
	f.Host(Codeberg+":443", http.HandlerFunc(f.archive))
	return f
}

// Network leads to the forges. Every name that ends in .private resolves to a private address.
func (f *Forges) Network() *egress.Network {
	own := func(_ context.Context, _, addr string) (net.Conn, error) {
		f.t.Errorf("%s was dialled without a look at its address", addr)
		return nil, net.ErrClosed
	}
	return &egress.Network{Own: own, Foreign: f.network.DialPublic, Roots: f.roots}
}

// Put makes the archive of a repository ("owner/name") at a ref, or replaces it; nil removes it.
func (f *Forges) Put(repo, ref string, archive []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.archives[repo+" "+ref] = archive
}

// Host is another host of the network, by host:port; nil: it is gone.
func (f *Forges) Host(addr string, h http.Handler) {
	if h != nil {
		h = f.record(h)
	}
	f.network.Host(addr, h)
}

// Dialled returns the addresses that were dialled since the last call.
func (f *Forges) Dialled() []string { return f.network.Dialled() }

// Intercept answers requests in place of every host, if answer returns true; nil ends it.
func (f *Forges) Intercept(answer func(w http.ResponseWriter, r *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.override = answer
}

// Took returns the requests since the last call.
func (f *Forges) Took() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.requests
	f.requests = nil
	return list
}

func (f *Forges) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.requests = append(f.requests, r)
		override := f.override
		f.mu.Unlock()
		if override == nil || !override(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}

// sendOn is github.com.
func (f *Forges) sendOn(w http.ResponseWriter, r *http.Request) {
	repo, ref, ok := strings.Cut(strings.TrimSuffix(r.URL.Path, ".tar.gz"), "/archive/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	http.Redirect(w, r, "https://"+codeload+repo+"/tar.gz/"+ref, http.StatusFound)
}

// load is codeload.github.com.
func (f *Forges) load(w http.ResponseWriter, r *http.Request) {
	repo, ref, _ := strings.Cut(r.URL.Path, "/tar.gz/")
	f.send(w, r, repo, ref)
}

// archive is Codeberg and its like.
func (f *Forges) archive(w http.ResponseWriter, r *http.Request) {
	repo, ref, _ := strings.Cut(strings.TrimSuffix(r.URL.Path, ".tar.gz"), "/archive/")
	f.send(w, r, repo, ref)
}

func (f *Forges) send(w http.ResponseWriter, r *http.Request, repo, ref string) {
	f.mu.Lock()
	archive := f.archives[strings.TrimPrefix(repo, "/")+" "+ref]
	f.mu.Unlock()
	if archive == nil {
		http.NotFound(w, r)
		return
	}
	etag := fmt.Sprintf(`W/"%x"`, sha256.Sum256(archive))
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/x-gzip")
	_, _ = w.Write(archive) // of some length, as forges pack while they send
}
