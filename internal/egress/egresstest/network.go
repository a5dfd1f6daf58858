// Package egresstest is a network in memory: the hosts that a test puts there, and no others. It is made of pipes, so
// the time of those who use it may be the test's own (testing/synctest).
package egresstest

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/egress"
)

// Network has hosts.
type Network struct {
	config *tls.Config

	mu      sync.Mutex
	hosts   map[string]http.Handler // by host:port
	servers []*http.Server
	dialled []string
}

// New returns a network whose hosts speak TLS if there is a config for it. It is gone when the test ends.
func New(t *testing.T, config *tls.Config) *Network {
	t.Helper()
	n := &Network{config: config, hosts: map[string]http.Handler{}}
	t.Cleanup(func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, s := range n.servers {
			_ = s.Close()
		}
	})
	return n
}

// Host puts a host at host:port; nil: it is gone, and refuses connections as all do that were never there.
func (n *Network) Host(addr string, h http.Handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[addr] = h
}

// Dialled returns the addresses that were dialled since the last call.
func (n *Network) Dialled() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.dialled
	n.dialled = nil
	return list
}

// Dial is an egress.DialFunc.
func (n *Network) Dial(_ context.Context, _, addr string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dialled = append(n.dialled, addr)
	h := n.hosts[addr]
	if h == nil {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}
	here, there := net.Pipe()
	srv := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), TLSConfig: n.config, Protocols: new(http.Protocols)}
	srv.Protocols.SetHTTP1(true)
	n.servers = append(n.servers, srv)
	l := &oneConn{conn: there, closed: make(chan struct{})}
	go func() {
		if n.config == nil {
			_ = srv.Serve(l)
			return
		}
		_ = srv.ServeTLS(l, "", "")
	}()
	return here, nil
}

// DialPublic stands for the dialer that looks at addresses: every name that ends in .private resolves to one that is
// not public.
func (n *Network) DialPublic(ctx context.Context, network, addr string) (net.Conn, error) {
	if host, port, _ := net.SplitHostPort(addr); strings.HasSuffix(host, ".private") {
		return nil, &net.OpError{Op: "dial", Err: egress.PublicOnly(network, net.JoinHostPort("10.1.2.3", port), nil)}
	}
	return n.Dial(ctx, network, addr)
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
