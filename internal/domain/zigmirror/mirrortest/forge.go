// Package mirrortest is the forges of tests: GitHub and Codeberg with the archives of
// repositories, and whatever else a mirror may be led to, over TLS on connections in memory.
package mirrortest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/egress"
)

// The hosts of the forges.
const (
	GitHub   = "github.com" // sends its clients on to codeload.github.com, as the real one does
	Codeberg = "codeberg.org"
	codeload = "codeload.github.com"
)

// Forges are what there is on the network.
type Forges struct {
	t    *testing.T
	cert certificate

	mu       sync.Mutex
	archives map[string][]byte       // by "owner/repo ref"
	hosts    map[string]http.Handler // by host:port; others refuse connections
	requests []*http.Request
	dialled  []string
	override func(w http.ResponseWriter, r *http.Request) bool
	servers  []*http.Server
}

// New returns forges without repositories. They are gone when the test ends.
func New(t *testing.T) *Forges {
	t.Helper()
	f := &Forges{t: t, cert: newCertificate(t), archives: map[string][]byte{}}
	f.hosts = map[string]http.Handler{
		GitHub + ":443": f.record(f.sendOn), codeload + ":443": f.record(f.load), Codeberg + ":443": f.record(f.archive),
	}
	t.Cleanup(f.close)
	return f
}

func (f *Forges) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.servers {
		_ = s.Close()
	}
}

// Network leads to the forges. Every name that ends in .private resolves to a private address.
func (f *Forges) Network() *egress.Network {
	foreign := func(ctx context.Context, network, addr string) (net.Conn, error) {
		if host, _, _ := net.SplitHostPort(addr); strings.HasSuffix(host, ".private") {
			return nil, &net.OpError{Op: "dial", Err: egress.PublicOnly(network, "10.1.2.3:443", nil)}
		}
		return f.dial(ctx, addr)
	}
	own := func(_ context.Context, _, addr string) (net.Conn, error) {
		f.t.Errorf("%s was dialled without a look at its address", addr)
		return nil, net.ErrClosed
	}
	return &egress.Network{Own: own, Foreign: foreign, Roots: f.cert.roots}
}

func (f *Forges) dial(_ context.Context, addr string) (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dialled = append(f.dialled, addr)
	h, ok := f.hosts[addr]
	if !ok {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}
	here, there := net.Pipe()
	srv := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), TLSConfig: f.cert.config}
	srv.Protocols = new(http.Protocols)
	srv.Protocols.SetHTTP1(true)
	f.servers = append(f.servers, srv)
	go func() { _ = srv.ServeTLS(&oneConn{conn: there, closed: make(chan struct{})}, "", "") }()
	return here, nil
}

// Put makes the archive of a repository ("owner/name") at a ref, or replaces it; nil removes it.
func (f *Forges) Put(repo, ref string, archive []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.archives[repo+" "+ref] = archive
}

// Host is another host of the network, by host:port; nil: it is gone.
func (f *Forges) Host(addr string, h http.Handler) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if h == nil {
		delete(f.hosts, addr)
		return
	}
	f.hosts[addr] = f.record(h.ServeHTTP)
}

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

// Dialled returns the addresses that were dialled since the last call.
func (f *Forges) Dialled() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.dialled
	f.dialled = nil
	return list
}

func (f *Forges) record(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.requests = append(f.requests, r)
		override := f.override
		f.mu.Unlock()
		if override == nil || !override(w, r) {
			next(w, r)
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

// oneConn is a listener for one connection.
type oneConn struct {
	mu     sync.Mutex
	conn   net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *oneConn) Accept() (net.Conn, error) {
	l.mu.Lock()
	c := l.conn
	l.conn = nil
	l.mu.Unlock()
	if c != nil {
		return c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error { l.once.Do(func() { close(l.closed) }); return nil }

func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }
