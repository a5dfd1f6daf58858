package restapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// An old version shows what it was published with, not what the newest has.
func TestVersionShowsItsOwnFields(t *testing.T) {
	n := start(t, setup{})
	file := n.publish(`{"name":"@acme/core","version":"1.0.0","description":"the first","license":"MIT","homepage":"https://acme.example",
		"author":{"name":"Ann","email":"ann@acme.example"},"repository":{"type":"git","url":"git+https://github.com/acme/core.git"},
		"keywords":["a","b"],"dependencies":{"left-pad":"^1.0.0"},"peerDependencies":{"react":"*"},"engines":{"node":">=20"}}`)
	n.publish(`{"name":"@acme/core","version":"1.1.0","description":"the second"}`)

	m := n.Get("/packages/@acme/core/1.0.0").Want(t, 200, "").JSON()
	want := map[string]any{
		"name": "@acme/core", "version": "1.0.0", "description": "the first", "license": "MIT", "homepage": "https://acme.example",
		"author":   map[string]any{"name": "Ann", "email": "ann@acme.example"},
		"keywords": []any{"a", "b"}, "dependencies": map[string]any{"left-pad": "^1.0.0"}, "peerDependencies": map[string]any{"react": "*"},
		"engines":    map[string]any{"node": ">=20"},
		"repository": map[string]any{"type": "git", "url": "git+https://github.com/acme/core.git"},
		"tarballUrl": n.URL + "/packages/@acme/core/1.0.0/tarball",
	}
	for _, key := range []string{"checksum", "integrity", "publishedAt"} {
		if m[key] == nil {
			t.Errorf("%s is not shown", key)
		}
		delete(m, key)
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if got := n.Get("/packages/@acme/core/1.0.0/tarball"); string(got.Data) != file {
		t.Errorf("the tarball at tarballUrl is %d, %d bytes", got.StatusCode, len(got.Data))
	}
	latest := n.Get("/packages/@acme/core").JSON()
	if latest["version"] != "1.1.0" || latest["description"] != "the second" || latest["dependencies"] != nil {
		t.Errorf("latest = %v", latest)
	}
	at, _ := latest["publishedAt"].(string)
	if _, err := time.Parse("2006-01-02T15:04:05.000Z", at); err != nil {
		t.Errorf("publishedAt %q is not as JavaScript writes times", at)
	}
}

func TestEncodingsOfScopedNames(t *testing.T) {
	n := start(t, setup{})
	file := n.publish(`{"name":"@a/b","version":"0.1.0"}`)
	for _, name := range []string{"@a/b", "@a%2fb", "@a%2Fb", "%40a/b", "%40a%2Fb", "%40a%2fb"} {
		for path, text := range map[string]string{"": `"version":"0.1.0"`, "/0.1.0": `"name":"@a/b"`, "/latest": `"version":"0.1.0"`, "/versions": `["0.1.0"]`, "/0.1.0/tarball": file} {
			n.Get("/packages/"+name+path).Want(t, 200, text)
			if head := n.Do(http.MethodHead, "/packages/"+name+path, nil); head.StatusCode != 200 || len(head.Data) != 0 || head.ContentLength <= 0 {
				t.Errorf("HEAD /packages/%s%s = %d, %d bytes of %d", name, path, head.StatusCode, len(head.Data), head.ContentLength)
			}
		}
	}
}

// Pantry keeps @a/b and a-b in one file.
func TestNamesAreNotFolded(t *testing.T) {
	n := start(t, setup{})
	scoped := n.publish(`{"name":"@a/b","version":"1.0.0"}`)
	plain := n.publish(`{"name":"a-b","version":"1.0.0"}`)
	n.Get("/packages/@a/b/1.0.0/tarball").Want(t, 200, scoped)
	n.Get("/packages/a-b/1.0.0/tarball").Want(t, 200, plain)
}

func TestNotFound(t *testing.T) {
	n := start(t, setup{})
	n.publish(`{"name":"pkg","version":"1.0.0"}`)
	for path, want := range map[string]string{
		"/packages/none":                    "Package not found",
		"/packages/none/versions":           "Package not found",
		"/packages/none/1.0.0":              "Package version not found",
		"/packages/pkg/2.0.0":               "Package version not found",
		"/packages/pkg/constructor":         "Package version not found",
		"/packages/pkg/__proto__":           "Package version not found",
		"/packages/pkg/toString":            "Package version not found",
		"/packages/pkg/beta":                "Package version not found",
		"/packages/none/1.0.0/tarball":      "Package not found",
		"/packages/pkg/2.0.0/tarball":       "Package not found",
		"/packages/pkg/constructor/tarball": "Package not found",
		"/packages/__proto__":               "Package not found",
		"/packages/constructor":             "Package not found",
		"/packages/@a":                      "Package not found",
		"/packages/pkg/1.0.0/nothing":       "Not found",
	} {
		a := n.Get(path).Want(t, 404, want)
		if m := a.JSON(); m["code"] == nil || !strings.HasPrefix(m["error"].(string), want) {
			t.Errorf("GET %s = %s, want an error that begins with %q", path, a.Data, want)
		}
	}
	for _, path := range []string{"/packages/a..b", "/packages/a%00b", "/packages/%1b[31m", "/packages/" + strings.Repeat("a", 300)} {
		n.Get(path).Want(t, 400, "Invalid package name")
	}
	for _, path := range []string{"/packages/pkg/1.0.0%20x/tarball", "/packages/pkg/a%2fb/tarball", "/packages/pkg/" + strings.Repeat("1", 300) + "/tarball"} {
		n.Get(path).Want(t, 400, "Invalid version")
	}
}

func TestVersionsAreInSemverOrder(t *testing.T) {
	n := start(t, setup{})
	for _, v := range []string{"1.0.0-beta.9", "1.0.0-beta.10", "0.9.0", "1.0.0", "1.10.0", "1.9.0"} {
		n.publish(fmt.Sprintf(`{"name":"pkg","version":%q}`, v))
	}
	a := n.Get("/packages/pkg/versions").Want(t, 200, `{"versions":["1.10.0","1.9.0","1.0.0","1.0.0-beta.10","1.0.0-beta.9","0.9.0"]}`)
	if again := n.Get("/packages/pkg/versions", "If-None-Match: "+a.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("If-None-Match = %d, want 304", again.StatusCode)
	}
	// The last publish was not the highest: latest is where its dist-tag points.
	n.Get("/packages/pkg").Want(t, 200, `"version":"1.9.0"`)
}

func TestTarball(t *testing.T) {
	n := start(t, setup{})
	file := n.publish(`{"name":"@a/b","version":"1.0.0"}`)
	path := "/packages/@a/b/1.0.0/tarball"
	a := n.Get(path).Want(t, 200, file)
	for name, want := range map[string]string{
		"Content-Type": "application/gzip", "Cache-Control": "public, max-age=31536000, immutable", "Content-Encoding": "",
		"Content-Disposition": "attachment; filename=a-b-1.0.0.tgz", "Content-Length": fmt.Sprint(len(file)),
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if same := n.Get(path, "If-None-Match: "+a.Header.Get("ETag")); same.StatusCode != 304 {
		t.Errorf("If-None-Match = %d, want 304", same.StatusCode)
	}
	if part := n.Get(path, "Range: bytes=5-24"); part.StatusCode != 206 || string(part.Data) != file[5:25] {
		t.Errorf("Range = %d, %d bytes", part.StatusCode, len(part.Data))
	}
	tag := n.Get("/packages/@a/b/latest/tarball")
	if to := tag.Header.Get("Location"); tag.StatusCode != 302 || to != n.URL+path || strings.Contains(tag.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("the tarball of a dist-tag = %d to %q (%s), want 302 to the version's", tag.StatusCode, to, tag.Header.Get("Cache-Control"))
	}
}

func TestPaywall(t *testing.T) {
	start(t, setup{}).Get("/packages/@a/b/paywall").Want(t, 200, `{"enabled":false}`)
}

func TestMethods(t *testing.T) {
	n := start(t, setup{})
	for method, path := range map[string]string{"POST": "/packages/a", "DELETE": "/packages/a/paywall", "GET": "/publish", "PUT": "/search"} {
		n.Do(method, path, nil).Want(t, 405, "is not allowed here")
	}
}

const leftPad = `{"name":"left-pad","dist-tags":{"latest":"1.3.0"},"time":{"1.3.0":"2018-04-09T00:00:00.000Z"},"versions":{
	"1.2.0":{"name":"left-pad","version":"1.2.0","dist":{"tarball":"https://up.example/left-pad/-/left-pad-1.2.0.tgz","shasum":"5b8a3a7765dfe001261dde915589e782f8c94d1e"}},
	"1.3.0":{"name":"left-pad","version":"1.3.0","description":"pads","dependencies":{"x":"1"},"dist":{"tarball":"https://up.example/left-pad/-/left-pad-1.3.0.tgz","shasum":"5b8a3a7765dfe001261dde915589e782f8c94d1e"}}}}`

func TestUpstream(t *testing.T) {
	n := start(t, setup{})
	n.upstream.texts = map[string]string{"left-pad": leftPad, "ours": strings.ReplaceAll(leftPad, "left-pad", "ours")}
	n.upstream.files = map[string]string{"left-pad-1.3.0.tgz": "the bytes of upstream", "ours-1.3.0.tgz": "not ours"}
	m := n.Get("/packages/left-pad").Want(t, 200, "").JSON()
	if m["version"] != "1.3.0" || m["description"] != "pads" || m["publishedAt"] != "2018-04-09T00:00:00.000Z" ||
		m["checksum"] != "sha1:5b8a3a7765dfe001261dde915589e782f8c94d1e" || m["tarballUrl"] != n.URL+"/packages/left-pad/1.3.0/tarball" {
		t.Errorf("a package of upstream = %v", m)
	}
	n.Get("/packages/left-pad/versions").Want(t, 200, `["1.3.0","1.2.0"]`)
	a := n.Get("/packages/left-pad/1.3.0/tarball").Want(t, 200, "the bytes of upstream")
	if a.Header.Get("ETag") == "" || a.ContentLength != int64(len("the bytes of upstream")) {
		t.Errorf("the tarball has the headers %v", a.Header)
	}
	if same := n.Get("/packages/left-pad/1.3.0/tarball", "If-None-Match: "+a.Header.Get("ETag")); same.StatusCode != 304 {
		t.Errorf("If-None-Match = %d, want 304", same.StatusCode)
	}
	if head := n.Do("HEAD", "/packages/left-pad/1.3.0/tarball", nil); head.StatusCode != 200 || head.ContentLength != 21 {
		t.Errorf("HEAD = %d, %d bytes", head.StatusCode, head.ContentLength)
	}

	n.publish(`{"name":"ours","version":"0.1.0"}`)
	n.upstream.asked = nil
	for _, path := range []string{"/packages/ours/1.3.0", "/packages/ours/1.3.0/tarball", "/packages/ours/beta", "/packages/ours/beta/tarball"} {
		n.Get(path).Want(t, 404, "not found")
	}
	n.Get("/packages/ours/versions").Want(t, 200, `["0.1.0"]`)
	if len(n.upstream.asked) > 0 {
		t.Errorf("upstream was asked for %q, which is ours", n.upstream.asked)
	}
}

// Who gets half a tarball must not take it for the whole.
func TestUpstreamBreaksOff(t *testing.T) {
	n := start(t, setup{})
	n.upstream.files, n.upstream.short = map[string]string{"left-pad-1.3.0.tgz": strings.Repeat("x", 1000)}, true
	resp, err := http.Get(n.URL + "/packages/left-pad/1.3.0/tarball")
	if err != nil {
		return // cut off before the headers were sent
	}
	defer resp.Body.Close()
	if b := new(strings.Builder); copyAll(b, resp) == nil {
		t.Errorf("a tarball that broke off came as %d whole bytes", b.Len())
	}
}
