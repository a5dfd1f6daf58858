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
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/registry-action/internal/clients"
)

// Bucket is the bucket that every server has.
const Bucket = "registry"

// startTimeout is how long a server may take until it listens.
const startTimeout = 20 * time.Second

// Fault handles a request in place of the server, or hands it to pass. Host and path are as the client sent them.
type Fault func(w http.ResponseWriter, r *http.Request, pass http.Handler)

// Server is a running server with its bucket, reached in path style.
type Server struct {
	URL   string
	fault atomic.Pointer[Fault]
}

// Start starts a server that ends with the test, and gives this process its credentials by the environment.
func Start(t testing.TB) *Server {
	t.Helper()
	const access, secret = "test", "test-secret"
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "us-east-1",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(data, Bucket), 0o755); err != nil {
		t.Fatal(err)
	}
	tool := clients.Get(t, clients.VersityGW)
	run, err := os.MkdirTemp("", "s3-") // the paths of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(run, "socket")
	cmd := exec.Command(tool.Path, "--quiet", "--keep-alive", "--port", socket, "--access", access, "--secret", secret, "posix", data)
	cmd.Env, cmd.Stderr = tool.Env, t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // fails only if it has ended
		_ = cmd.Wait()         // says that it was killed
		os.RemoveAll(run)
	})
	await(t, socket)
	s := &Server{}
	front := httptest.NewServer(s.handler(socket))
	t.Cleanup(front.Close)
	s.URL = front.URL
	return s
}

// await returns when somebody listens at the socket.
func await(t testing.TB, socket string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("versitygw does not listen: %v", err)
		}
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

func (s *Server) handler(socket string) http.Handler {
	pass := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "s3"})
			r.Out.Host = r.In.Host // it is signed
		},
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", socket)
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
