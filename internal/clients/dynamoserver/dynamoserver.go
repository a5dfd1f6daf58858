// Package dynamoserver runs moto, a DynamoDB that nobody here wrote, for tests. A proxy stands in front of it, in
// which a test can let requests fail.
package dynamoserver

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"sync/atomic"
	"testing"

	"github.com/org/registry-action/internal/clients"
)

// Fault handles a request in place of the server, or hands it to pass.
type Fault func(w http.ResponseWriter, r *http.Request, pass http.Handler)

// Server is a running server without tables.
type Server struct {
	URL   string
	fault atomic.Pointer[Fault]
}

// Start starts a server that ends with the test, and gives this process credentials by the environment.
func Start(t testing.TB) *Server {
	t.Helper()
	moto, err := clients.StartMoto(context.Background())
	if err != nil {
		t.Fatalf("a DynamoDB is needed: %v", err)
	}
	t.Cleanup(func() {
		if err := moto.Stop(); err != nil {
			t.Error(err)
		}
	})
	return Front(t, moto.URL)
}

// Front is Start over a server that is running.
func Front(t testing.TB, server string) *Server {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range Environment() {
		t.Setenv(name, value)
	}
	pass := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:    &http.Transport{DisableKeepAlives: true},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	s := &Server{}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := s.fault.Load(); f != nil {
			(*f)(w, r, pass)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	s.URL = front.URL
	t.Cleanup(func() { // requests must have ended
		front.CloseClientConnections()
		front.Close()
	})
	return s
}

// Environment is what a client of AWS finds, and nothing of the machine's own.
func Environment() map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test-secret", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "us-east-1",
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

// Answer writes an error as DynamoDB does; members are more of its JSON text, after a comma.
func Answer(w http.ResponseWriter, status int, code, members string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"__type":"com.amazonaws.dynamodb.v20120810#` + code + `","message":"of the test"` + members + `}`))
}
