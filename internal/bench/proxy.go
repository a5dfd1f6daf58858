package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
)

// proxy passes requests on to a server and counts what clients send: each byte
// that arrives, and of them the bodies by what they are.
type proxy struct {
	url      string
	listener *countingListener
	server   *http.Server
	ended    chan struct{}

	requests, plans, blobs, publishes atomic.Int64
	closing                           sync.Once
}

func newProxy() (*proxy, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the proxy: %w", err)
	}
	return &proxy{
		url:      fmt.Sprintf("http://localhost:%d", l.Addr().(*net.TCPAddr).Port),
		listener: &countingListener{Listener: l}, ended: make(chan struct{}),
	}, nil
}

// serve passes requests on to target.
func (p *proxy) serve(target string) error {
	to, err := url.Parse(target)
	if err != nil {
		return err
	}
	pass := &httputil.ReverseProxy{
		// Neither a Forwarded header nor another Host: the server shall see what the client sent.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
		ErrorLog: log.New(io.Discard, "", 0), // the client hears of it
	}
	p.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.requests.Add(1)
		if r.Body != http.NoBody {
			r.Body = &countingBody{r.Body, p.counter(r)}
		}
		pass.ServeHTTP(w, r)
	})}
	go func() {
		defer close(p.ended)
		_ = p.server.Serve(p.listener) // ends by close
	}()
	return nil
}

// counter is where the body of a request counts.
func (p *proxy) counter(r *http.Request) *atomic.Int64 {
	switch {
	case r.Method == http.MethodPut:
		return &p.blobs
	case strings.HasSuffix(r.URL.Path, "/plan"):
		return &p.plans
	}
	return &p.publishes
}

// sent is every byte that clients have sent, and how many of them no body had.
func (p *proxy) sent() (total, headers int64) {
	total = p.listener.received.Load()
	return total, total - p.plans.Load() - p.blobs.Load() - p.publishes.Load()
}

func (p *proxy) close() {
	p.closing.Do(func() {
		if p.server == nil {
			_ = p.listener.Close()
			return
		}
		_ = p.server.Close()
		<-p.ended
	})
}

// countingListener counts what its connections receive.
type countingListener struct {
	net.Listener
	received atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &countingConn{c, &l.received}, nil
}

type countingConn struct {
	net.Conn
	received *atomic.Int64
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.received.Add(int64(n))
	return n, err
}

type countingBody struct {
	io.ReadCloser
	n *atomic.Int64
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	return n, err
}
