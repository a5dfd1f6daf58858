package registry_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/org/registry-action/registry"
)

func TestEncodingsOfScopedNames(t *testing.T) {
	n := start(t, registry.Config{})
	file := tgz(t, "@acme/b", "1.0.0", "x")
	if a := n.postForm("sha", sha, "repository", "Org/Repo", "package:@acme/b", file); a.StatusCode != 201 {
		t.Fatalf("publish: %d %s", a.StatusCode, a.body)
	}
	for _, name := range []string{"@acme/b", "@acme%2fb", "@acme%2Fb", "%40acme/b", "%40acme%2fb", "%40acme%2Fb"} {
		for _, path := range []string{
			"/commits/" + sha + "/" + name + "/tarball", "/commits/" + sha + "/" + name + "/tarball.tgz", "/commits/" + sha + "/" + name + ".tgz",
			"/" + name + "@" + sha, "/" + name + "@" + sha + ".tgz", "/org/repo/" + name + "@" + sha, "/Org/Repo/" + name + "@" + sha + ".tgz",
		} {
			if a := n.get(path); a.StatusCode != 200 || string(a.body) != file {
				t.Errorf("GET %s = %d, %d bytes, want the tarball", path, a.StatusCode, len(a.body))
			}
		}
		if a := n.get("/commits/" + sha + "/" + name); a.StatusCode != 200 || a.json(t)["name"] != "@acme/b" {
			t.Errorf("GET /commits/…/%s = %d %s", name, a.StatusCode, a.body)
		}
	}
}

func TestTarballHeaders(t *testing.T) {
	n := start(t, registry.Config{})
	file := tgz(t, "@acme/b", "1.0.0", "x")
	n.postForm("sha", sha, "package:@acme/b", file)
	path := "/commits/" + sha + "/@acme/b/tarball"
	a := n.get(path)
	etag := a.Header.Get("ETag")
	for name, want := range map[string]string{
		"Content-Type": "application/gzip", "Cache-Control": "public, max-age=31536000, immutable", "Accept-Ranges": "bytes",
		"Content-Disposition": "attachment; filename=acme-b-1.0.0.tgz", "Content-Encoding": "",
		"X-Content-Type-Options": "nosniff",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if head := n.request("HEAD", path, nil); head.StatusCode != 200 || head.ContentLength != int64(len(file)) || len(head.body) != 0 || head.Header.Get("ETag") != etag {
		t.Errorf("HEAD = %d, length %d, ETag %s", head.StatusCode, head.ContentLength, head.Header.Get("ETag"))
	}
	if same := n.get(path, "If-None-Match: "+etag); same.StatusCode != 304 {
		t.Errorf("If-None-Match = %d, want 304", same.StatusCode)
	}
	if part := n.get(path, "Range: bytes=5-24"); part.StatusCode != 206 || string(part.body) != file[5:25] {
		t.Errorf("Range = %d, %d bytes", part.StatusCode, len(part.body))
	}
	if tail := n.get(path, "Range: bytes=-7", "If-Range: "+etag); tail.StatusCode != 206 || string(tail.body) != file[len(file)-7:] {
		t.Errorf("Range of the end = %d, %d bytes", tail.StatusCode, len(tail.body))
	}
	if no := n.get(path, "Range: bytes=9999999-"); no.StatusCode != 416 {
		t.Errorf("Range beyond the end = %d, want 416", no.StatusCode)
	}
	json := n.get("/commits/" + sha)
	if again := n.get("/commits/"+sha, "If-None-Match: "+json.Header.Get("ETag")); again.StatusCode != 304 {
		t.Errorf("If-None-Match on JSON = %d, want 304", again.StatusCode)
	}
}

func TestMovingAddressesRedirect(t *testing.T) {
	n := start(t, registry.Config{})
	n.postForm("sha", sha, "repository", "org/repo", "ref", "pr/7", "ref", "branch/feature/x", "package:a", tgz(t, "a", "1.0.0", "x"))
	for from, to := range map[string]string{
		"/commits/0123456/a/tarball":         "/commits/" + sha + "/a/tarball",
		"/a@0123456":                         "/a@" + sha,
		"/org/repo/a@pr-7":                   "/org/repo/a@" + sha,
		"/org/repo/a@7.tgz":                  "/org/repo/a@" + sha + ".tgz",
		"/org/repo/a@branch:feature/x":       "/org/repo/a@" + sha,
		"/org/repo/a@branch%3Afeature%2Fx":   "/org/repo/a@" + sha,
		"/org/repo/a@" + sha[:12]:            "/org/repo/a@" + sha,
		"/org/repo/a@" + sha[:7]:             "/org/repo/a@" + sha, // of digits, as the commit is alone with them
		"/commits/" + sha[:7] + "/a/tarball": "/commits/" + sha + "/a/tarball",
	} {
		a := n.get(from)
		if a.StatusCode != http.StatusFound || a.Header.Get("Location") != to || strings.Contains(a.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("GET %s = %d to %q (%s), want 302 to %s", from, a.StatusCode, a.Header.Get("Location"), a.Header.Get("Cache-Control"), to)
		}
	}
	a := n.get("/org/repo/a@pr-7?resolve")
	if m := a.json(t); a.StatusCode != 200 || m["sha"] != sha || m["installUrl"] != n.url+"/org/repo/a@"+sha {
		t.Errorf("?resolve = %d %s", a.StatusCode, a.body)
	}
	for _, path := range []string{"/org/repo/a@pr-8", "/org/repo/a@012345", "/org/repo/a@pr-1234567", "/org/repo/a@branch:7", "/other/repo/a@" + sha, "/org/repo/b@" + sha, "/repo/a@" + sha} {
		if a := n.get(path); a.StatusCode != 404 || a.json(t)["error"] == "" {
			t.Errorf("GET %s = %d %s, want 404", path, a.StatusCode, a.body)
		}
	}
}

func TestAmbiguousPrefix(t *testing.T) {
	n := start(t, registry.Config{})
	other := sha[:10] + strings.Repeat("e", 30)
	for _, s := range []string{sha, other} {
		n.postForm("sha", s, "package:a", tgz(t, "a", "1.0.0", "x"))
	}
	a := n.get("/commits/" + sha[:8] + "/a/tarball")
	if m := a.json(t); a.StatusCode != 409 || m["code"] != "ambiguous_sha" || len(m["candidates"].([]any)) != 2 {
		t.Errorf("an ambiguous prefix = %d %s, want 409 with two candidates", a.StatusCode, a.body)
	}
}

// A short SHA of digits alone looks like a pull request behind a repository.
func TestInstallURLOfDigits(t *testing.T) {
	n := start(t, registry.Config{})
	file := tgz(t, "a", "1.0.0", "x")
	a := n.postForm("sha", "1234567", "repository", "org/repo", "ref", "branch/main", "package:a", file)
	install := a.json(t)["packages"].([]any)[0].(map[string]any)["installUrl"].(string)
	moved := n.get("/org/repo/a@main").Header.Get("Location")
	for _, path := range []string{strings.TrimPrefix(install, n.url), moved} {
		if got := n.get(path); string(got.body) != file {
			t.Errorf("GET %s = %d %.200s, want the tarball", path, got.StatusCode, got.body)
		}
	}
}

// Whatever is asked, the answer is JSON with the right status.
func TestErrorsAreJSON(t *testing.T) {
	n := start(t, registry.Config{})
	n.postForm("sha", sha, "package:a", tgz(t, "a", "1.0.0", "x"))
	tests := []struct {
		method, path string
		header       []string
		status       int
		allow        string
	}{
		{"GET", "/nowhere", nil, 404, ""},
		{"GET", "/commits/", nil, 404, ""},
		{"GET", "/commits/" + sha + "/a/b/c", nil, 404, ""},
		{"GET", "/commits/zzzzzzz", nil, 400, ""},
		{"GET", "/commits/" + strings.Repeat("f", 40), nil, 404, ""},
		{"GET", "/commits/" + sha + "/nope", nil, 404, ""},
		{"GET", "/publish/commit", nil, 405, "POST"},
		{"POST", "/publish/commit/nope", nil, 405, "DELETE"},
		{"POST", "/publish/nope", nil, 404, ""},
		{"DELETE", "/commits/" + sha, nil, 405, "GET, HEAD"},
		{"PUT", "/a@" + sha, nil, 405, "GET, HEAD"},
		{"POST", "/", nil, 405, "GET, HEAD"},
		{"POST", "/health", nil, 405, "GET, HEAD"},
		{"GET", "/commits/" + sha, []string{"Accept: image/png"}, 406, ""},
		{"GET", "/commits/" + sha, []string{"Accept: application/json;q=0, */*"}, 406, ""},
		{"PUT", "/publish/commit/blobs/sha256:abc", nil, 400, ""},
		{"PUT", "/publish/commit/blobs/sha256:" + strings.Repeat("0", 64), nil, 400, ""},
		{"POST", "/publish/commit/plan", []string{"Content-Type: text/plain"}, 415, ""},
		{"GET", "/constructor/__proto__/x@" + sha, nil, 404, ""},
		{"GET", "/%00/x@1234567", nil, 404, ""},
		{"GET", "/a%00b/c/x@main", nil, 404, ""},
		{"GET", "/" + strings.Repeat("a", 2000) + "/c/x@main", nil, 404, ""},
	}
	for _, tt := range tests {
		a := n.request(tt.method, tt.path, strings.NewReader(""), tt.header...)
		m := a.json(t)
		if a.StatusCode != tt.status || m["error"] == nil || m["code"] == nil || a.Header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("%s %s = %d %s, want %d with error and code", tt.method, tt.path, a.StatusCode, a.body, tt.status)
		}
		if got := a.Header.Get("Allow"); got != tt.allow {
			t.Errorf("%s %s allows %q, want %q", tt.method, tt.path, got, tt.allow)
		}
	}
	for _, accept := range []string{"application/json", "*/*", "application/*;q=0.5", "text/html, application/json;q=0.1"} {
		if a := n.get("/commits/"+sha, "Accept: "+accept); a.StatusCode != 200 {
			t.Errorf("Accept %s = %d, want 200", accept, a.StatusCode)
		}
	}
}

func TestHealthAndIndex(t *testing.T) {
	n := start(t, registry.Config{Version: "v1.2.3"})
	if m := n.get("/health").json(t); m["status"] != "ok" || m["timestamp"] == nil {
		t.Errorf("/health = %v", m)
	}
	if m := n.get("/").json(t); m["version"] != "v1.2.3" {
		t.Errorf("/ = %v", m)
	}
}

func TestBaseURLWithPath(t *testing.T) {
	n := start(t, registry.Config{BaseURL: "https://example.com/registry/"})
	m := n.postForm("sha", sha, "repository", "org/repo", "ref", "pr/1", "package:@acme/b", tgz(t, "@acme/b", "1.0.0", "x")).json(t)
	p := m["packages"].([]any)[0].(map[string]any)
	if got, want := p["url"], "https://example.com/registry/commits/"+sha+"/@acme/b/tarball"; got != want {
		t.Errorf("url = %v, want %s", got, want)
	}
	if got, want := n.get("/org/repo/@acme/b@pr-1").Header.Get("Location"), "/registry/org/repo/@acme/b@"+sha; got != want {
		t.Errorf("Location = %s, want %s", got, want)
	}
}
