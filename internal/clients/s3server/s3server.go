// Package s3server runs VersityGW, an S3 server that nobody here wrote, for tests. A proxy stands in front of it, in
// which a test can let requests fail.
package s3server

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"sync/atomic"
	"testing"

	"github.com/org/registry-action/internal/clients"
)

// Bucket is the bucket that every server has.
const Bucket = "registry"

const access, secret = "test", "test-secret"

// Fault handles a request in place of the server, or hands it to pass. Host and path are as the client sent them.
type Fault func(w http.ResponseWriter, r *http.Request, pass http.Handler)

// Server is a running server with its bucket, reached in path style.
type Server struct {
	URL     string
	gateway *clients.VersityGWServer
	front   *httptest.Server
	fault   atomic.Pointer[Fault]
}

// Start starts a server that ends with the test, and gives this process its credentials by the environment.
func Start(t testing.TB) *Server {
	t.Helper()
	for name, value := range Environment() {
		t.Setenv(name, value)
	}
	s, err := New(context.Background())
	if err != nil {
		t.Fatalf("an S3 is needed: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// New starts a server for a whole test binary. The caller closes it.
func New(ctx context.Context) (*Server, error) {
	gateway, err := clients.StartVersityGW(ctx, Bucket, access, secret)
	if err != nil {
		return nil, err
	}
	s := &Server{gateway: gateway}
	s.front = httptest.NewServer(s.handler())
	s.URL = s.front.URL
	return s, nil
}

// Close ends the server. Requests must have ended.
func (s *Server) Close() error {
	s.front.CloseClientConnections()
	s.front.Close()
	return s.gateway.Stop()
}

// Environment is what a client of AWS finds, and nothing of the machine's own.
func Environment() map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "us-east-1",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	}
}

// Fail lets f see every request from now on; nil heals the server.
func (s *Server) Fail(f Fault) {
	if f == nil {
		s.fault.Store(nil)
		return
	}
	s.fault.Store(&f)
}

func (s *Server) handler() http.Handler {
	pass := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "s3"})
			r.Out.Host = r.In.Host // it is signed
		},
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", s.gateway.Socket)
			},
			MaxIdleConnsPerHost: 64, DisableCompression: true,
		},
		FlushInterval: -1,
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := s.fault.Load(); f != nil {
			(*f)(w, r, pass)
			return
		}
		pass.ServeHTTP(w, r)
	})
}

// Reset ends the connection of a request without an answer.
func Reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // the other side sees a reset
	}
	_ = conn.Close()
}
