package registry_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/registry"
)

// Whatever is answered, a browser takes it for nothing else than it is, frames none of it, and runs none of it.
func TestEveryAnswerIsHarmlessToBrowsers(t *testing.T) {
	k := keepAll(t, registry.Config{})
	for _, path := range []string{
		"/", "/@acme/a", "/@acme/a/1.0.0", "/@acme/a/-/a-1.0.0.tgz", "/nothing-of-the-kind", "/-/npm/v1/keys", "/-/nothing", "/packages/@acme/a", "/search?q=a",
		"/commits/" + sha, "/commits/" + sha + "/@acme/b/tarball", "/zig/packages/greet", "/lumen/index.json", "/health", "/ready", "/~/org/split/@acme/split", "/analytics/nothing",
	} {
		for _, accept := range []string{"*/*", "text/html"} {
			h := k.get(path, "Accept: "+accept).Header
			if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" {
				t.Errorf("GET %s as %s has %v", path, accept, h)
			}
			policy, kind := h.Get("Content-Security-Policy"), h.Get("Content-Type")
			inert := strings.HasPrefix(kind, "application/json") || kind == "application/octet-stream" || kind == "application/gzip"
			if !inert && (!strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe")) {
				t.Errorf("GET %s as %s is a %s under the policy %q", path, accept, kind, policy)
			}
		}
	}
}

// What is secret on the disk, keys and hashes, is its user's alone.
func TestDataFolderIsItsUsersOwn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("rights are inherited there")
	}
	dir := filepath.Join(t.TempDir(), "data")
	k := keepAll(t, registry.Config{DataDir: dir})
	k.stop()
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data folder has %v, %v", info.Mode(), err)
	}
	info, err = os.Stat(filepath.Join(dir, "metadata.db"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the metadata have %v, %v", info.Mode(), err)
	}
}

// Who sends the beginning of a request, and no end, keeps no connection.
func TestHeadersThatDoNotEnd(t *testing.T) {
	conn := dial(t, registry.HeaderTime(registry.Config{}, 100*time.Millisecond))
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); err != nil { // ends with the connection
		t.Errorf("a request that does not come to its end: %v", err)
	}
}

func TestHeadersWithoutBound(t *testing.T) {
	conn := dial(t, registry.Config{})
	go func() {
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: "+strings.Repeat("x", 1<<20))
	}() // the server hangs up
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of a mebibyte: %v, %v", answer, err)
	}
}

// dial is a connection to a registry that ends with the test.
func dial(t *testing.T, c registry.Config) net.Conn {
	t.Helper()
	s := serve(t, c)
	t.Cleanup(func() {
		s.stop()
		if err := <-s.ended; err != nil {
			t.Error(err)
		}
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// A page of another site can make a browser on the server's own machine send a request; it changes nothing, in no protocol.
func TestOtherSitesChangeNothing(t *testing.T) {
	k := keepAll(t, registry.Config{})
	before := all(t, registry.Rows(k.Registry))
	for _, request := range []string{
		"PUT /@evil%2fa", "PUT /@acme%2fa", "DELETE /@acme%2fa/-rev/1-x", "PUT /-/package/@acme%2fa/dist-tags/latest", "DELETE /-/package/@acme%2fa/dist-tags/next",
		"PUT /-/user/org.couchdb.user:evil", "POST /-/npm/v1/tokens", "POST /-/v1/login", "POST /-/npm/v1/user",
		"POST /publish", "POST /publish/commit", "PUT /publish/commit/owners/evil?repository=org/split", "PUT /publish/commit/blobs/sha256:" + strings.Repeat("0", 64),
		"POST /zig/publish", "PUT /lumen/v1/wares", "POST /npm/-/npm/v1/tokens",
		"POST /-/admin/tokens", "POST /-/admin/users", "DELETE /-/admin/users/a", "POST /-/admin/keys/rotate", "POST /-/admin/keys/lumen/rotate", "PUT /-/admin/import?name=a",
		"POST /-/admin/migration", "POST /-/admin/snapshot", "POST /-/admin/verification",
	} {
		method, path, _ := strings.Cut(request, " ")
		for _, kind := range []string{"application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
			a := k.request(method, path, strings.NewReader(`{}`), "Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Content-Type: "+kind)
			if a.StatusCode < 400 || a.StatusCode >= 500 {
				t.Errorf("%s as %s from another site = %d %s", request, kind, a.StatusCode, a.body)
			}
			if !strings.Contains(string(a.body), "cross_origin") {
				t.Errorf("%s as %s from another site is refused for another reason: %d %s", request, kind, a.StatusCode, a.body)
			}
		}
	}
	if after := all(t, registry.Rows(k.Registry)); len(after) != len(before) {
		t.Errorf("%d rows became %d", len(before), len(after))
	}
}
