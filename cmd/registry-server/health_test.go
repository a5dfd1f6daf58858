package main

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func TestHealth(t *testing.T) {
	url, stop := serving(t, t.TempDir())
	cli(t, "", "health", url).want(0, "/health: ok")
	cli(t, "", "health", url+"/").want(0, "/health: ok")
	cli(t, "", "health", "--ready", url).want(0, "/ready: ready")
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	cli(t, "", "health", "--port", port).want(0, "127.0.0.1:"+port)
	cli(t, "", "health", "--port", port, "--host", "0.0.0.0").want(0, "127.0.0.1:"+port)
	stop()
	cli(t, "", "health", url).want(1, "does not answer")
}

// What answers otherwise than a server that is well is not one.
func TestUnhealthy(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		want   string
	}{
		{503, `{"status":"unavailable","checks":{"blobs":"failed"}}`, `503: "unavailable" map[blobs:failed]`},
		{503, `{"status":"stopping"}`, "stopping"},
		{200, `<html>hello</html>`, "not as a registry-server"},
		{200, `{"status":"bad"}`, "not as a registry-server"},
		{404, ``, "not as a registry-server"},
		{302, `{"status":"ok"}`, "302"},
		{200, `{"x":"` + strings.Repeat("y", 2*maxHealth) + `","status":"ok"}`, "not as a registry-server"},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if tt.status == 302 {
				w.Header().Set("Location", "/")
			}
			w.WriteHeader(tt.status)
			w.Write([]byte(tt.body))
		}))
		cli(t, "", "health", "--ready", srv.URL).want(1, tt.want)
		srv.Close()
	}
	for _, args := range [][]string{{"localhost:3000"}, {"file:///etc/passwd"}, {"http://u:p@localhost"}, {"--port", "0"}, {"--port", "70000"}} {
		cli(t, "", append([]string{"health"}, args...)...).want(2, "health")
	}
}

// The service manager is told when the server is ready, and when it stops.
func TestServiceManagerIsTold(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "n")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, stop := servingWith(t, t.TempDir(), map[string]string{"NOTIFY_SOCKET": socket})
	read := func() string {
		b := make([]byte, 100)
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(bytes.TrimSpace(b[:n]))
	}
	if got := read(); got != notifyReady {
		t.Errorf("after its start it says %q", got)
	}
	stop()
	if got := read(); got != notifyStopping {
		t.Errorf("at its end it says %q", got)
	}
}

// A service manager that can't be told keeps no server from serving.
func TestNoServiceManager(t *testing.T) {
	url, stop := servingWith(t, t.TempDir(), map[string]string{"NOTIFY_SOCKET": "/no/such/socket"})
	if status := get(t, url+"/health")["status"]; status != "ok" {
		t.Errorf("its health is %v", status)
	}
	stop()
}
