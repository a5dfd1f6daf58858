package registry_test

import (
	"archive/tar"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/registry-action/registry"
)

// lumenPublish is the body of a publish as Lumen's client sends it.
func lumenPublish(t *testing.T, name, version string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	manifest := fmt.Sprintf("[package]\nname = %q\nversion = %q\n", name, version)
	if err := w.WriteHeader(&tar.Header{Name: "lumen.toml", Mode: 0o644, Size: int64(len(manifest))}); err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, manifest)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"name":%q,"version":%q,"tarball":%q}`, name, version, base64.StdEncoding.EncodeToString(b.Bytes()))
}

// Lumen's client through the whole server: its paths, pages of other origins, a private server, and no sweep that takes what is published.
func TestLumen(t *testing.T) {
	const token = "a-token-of-the-test"
	var later atomic.Int64 // of the clock
	n := start(t, registry.Config{Token: token, LumenName: "acme", LumenUnscoped: true, Now: func() time.Time {
		return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(later.Load()))
	}})
	ask := func(status int, text, method, path, body string, header ...string) answer {
		t.Helper()
		a := n.request(method, path, strings.NewReader(body), header...)
		if a.StatusCode != status || !strings.Contains(string(a.body), text) {
			t.Errorf("%s %s = %d %.300s, want %d with %q", method, path, a.StatusCode, a.body, status, text)
		}
		return a
	}
	bearer := "Authorization: Bearer " + token
	for _, name := range []string{"@acme/utils", "utils"} {
		ask(http.StatusCreated, name, "PUT", "/lumen/api/v1/v1/wares", lumenPublish(t, name, "1.0.0"), bearer)
	}
	for range 2 {
		later.Add(int64(180 * 24 * time.Hour))
		if _, err := n.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	a := ask(http.StatusOK, `"latest": "1.0.0"`, "GET", "/lumen//packages/@acme/utils/index.json", "", "Origin: https://playground.example.com")
	if a.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("the index has %v", a.Header)
	}
	ask(http.StatusOK, `"name": "acme"`, "GET", "/lumen/index.json", "")
	files := string(ask(http.StatusOK, "", "GET", "/lumen/files.ndjson", "").body)
	for line := range strings.Lines(files) {
		path := strings.Split(line, `"`)[3]
		ask(http.StatusOK, "", "GET", "/lumen/"+path, "")
	}
	ask(http.StatusForbidden, "cross_origin", "PUT", "/lumen/v1/wares", lumenPublish(t, "@evil/utils", "1.0.0"), bearer, "Sec-Fetch-Site: cross-site")
	ask(http.StatusOK, "", "GET", "/lumen/t/"+token+"//index.json", "")
	if strings.Contains(n.log.String(), token) {
		t.Error("the log has the token")
	}
}

// A registry that takes signed uploads only says so, and a setting that means nothing is refused.
func TestLumenUploads(t *testing.T) {
	const token = "a-token-of-the-test"
	n := start(t, registry.Config{Token: token, LumenUploads: "require"})
	a := n.request("PUT", "/lumen/v1/wares", strings.NewReader(lumenPublish(t, "@acme/utils", "1.0.0")), "Authorization: Bearer "+token)
	if a.StatusCode != http.StatusForbidden || !strings.Contains(string(a.body), "signature_required") {
		t.Errorf("an unsigned publish = %d %s", a.StatusCode, a.body)
	}
	if _, err := registry.New(registry.Config{DataDir: t.TempDir(), NoUpstream: true, BaseURL: "http://localhost:1", LumenUploads: "maybe"}); err == nil || !strings.Contains(err.Error(), "LUMEN_UPLOAD_SIGNATURES") {
		t.Errorf("New = %v, want the setting named", err)
	}
}
