package npmapi_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	installV1 = "application/vnd.npm.install-v1+json"
	corgi     = "Accept: application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*"
)

// dist returns the dist of a version of a packument.
func dist(t *testing.T, p object, version string) object {
	t.Helper()
	v, ok := p["versions"].(object)[version].(object)
	if !ok {
		t.Fatalf("the packument has no version %s: %v", version, p["versions"])
	}
	return v["dist"].(object)
}

// Rule 1: every form of a scoped name is the same package, and no path is
// answered by a redirect.
func TestRule01RawPaths(t *testing.T) {
	n := start(t, setup{})
	b := n.publish("@acme/a", "1.0.0")
	want := n.get("/@acme%2fa").want(t, 200, `"name":"@acme/a"`).body
	for _, root := range []string{"", "/npm"} {
		for _, name := range []string{"/@acme%2fa", "/@acme%2Fa", "/@acme/a", "/%40acme%2fa", "/%40acme/a", "/@acme%2fa/"} {
			a := n.get(root+name).want(t, 200, "")
			if root == "" && !bytes.Equal(a.body, want) {
				t.Errorf("%s is another document than /@acme%%2fa", name)
			}
			if strings.HasSuffix(name, "/") {
				continue
			}
			n.get(root+name+"/1.0.0").want(t, 200, `"version":"1.0.0"`)
			n.get(root+name+"/latest").want(t, 200, `"version":"1.0.0"`)
			for _, file := range []string{"/-/a-1.0.0.tgz", "/-/@acme/a-1.0.0.tgz", "/-/@acme%2fa-1.0.0.tgz"} {
				if a := n.get(root+name+file).want(t, 200, ""); !bytes.Equal(a.body, b) {
					t.Errorf("%s%s has other bytes than were published", name, file)
				}
			}
		}
	}
	for _, path := range []string{"//@acme/a", "/@acme//a", "/npm//@acme//a//", "//@acme/a//1.0.0", "/-//ping"} {
		n.get(path).want(t, 200, "")
	}
	for _, path := range []string{"/@acme/a/../a", "/@acme/a/./1.0.0", "//../@acme/a", "/npm/.."} {
		n.get(path).want(t, 404, `"error"`)
	}
}

// Rule 2: tarball URLs are conventional, and of the configured public URL.
func TestRule02ConventionalTarballs(t *testing.T) {
	n := start(t, setup{baseURL: "https://registry.example/base"})
	n.publish("@acme/a", "1.0.0")
	n.upstream.texts = map[string]string{"far": `{"name":"far","dist-tags":{"latest":"2.0.0"},"versions":{"2.0.0":{"name":"far","version":"2.0.0","dist":{"tarball":"https://cdn.example/x/y.tgz","integrity":"sha512-` +
		strings.Repeat("A", 86) + `=="}}}}`}
	for path, want := range map[string]string{
		"/@acme%2fa": "https://registry.example/base/@acme/a/-/a-1.0.0.tgz", "/npm/@acme%2fa": "https://registry.example/base/npm/@acme/a/-/a-1.0.0.tgz",
	} {
		for _, accept := range []string{corgi, "Accept: application/json"} {
			p := n.get(path, accept, "Host: evil.example", "X-Forwarded-Host: evil.example").json(t)
			if got := dist(t, p, "1.0.0")["tarball"]; got != want {
				t.Errorf("dist.tarball of %s = %v, want %s", path, got, want)
			}
		}
	}
	if got, want := dist(t, n.get("/far").json(t), "2.0.0")["tarball"], "https://registry.example/base/far/-/far-2.0.0.tgz"; got != want {
		t.Errorf("dist.tarball of upstream's package = %v, want %s", got, want)
	}
}

// Rule 3: the Accept header chooses the form, whose type is exact, and whose ETag is its own.
func TestRule03Negotiation(t *testing.T) {
	n := start(t, setup{})
	n.publish("a", "1.0.0", `"description":"text"`)
	etags := map[string]string{}
	for accept, want := range map[string]string{
		corgi:                      installV1,
		"Accept: " + installV1:     installV1,
		"Accept: application/json": "application/json",
		"Accept: ":                 "application/json",
		"Accept: */*":              "application/json",
		"Accept: text/html":        "application/json", // never 406
		"Accept: application/json, application/vnd.npm.install-v1+json;q=0.1": "application/json",
		"Accept: application/vnd.npm.install-v1+json;q=0, */*":                "application/json",
	} {
		a := n.get("/a", accept).want(t, 200, "")
		if got := a.Header.Get("Content-Type"); got != want {
			t.Errorf("%s: Content-Type %q, want %q", accept, got, want)
		}
		if got := a.Header.Get("Vary"); got != "Accept, Accept-Encoding" {
			t.Errorf("%s: Vary %q", accept, got)
		}
		if full := strings.Contains(string(a.body), `"readme"`); full != (want == "application/json") {
			t.Errorf("%s: the document has a readme: %v", accept, full)
		}
		etags[want] = a.Header.Get("ETag")
		if !strings.HasPrefix(etags[want], `"`) {
			t.Errorf("%s: ETag %s is not strong", accept, etags[want])
		}
	}
	if etags[installV1] == etags["application/json"] {
		t.Error("both forms have the same ETag")
	}
}

// Rule 4: everything that changes is revalidated, tarballs are not, and no
// answer varies by who asks.
func TestRule04Caching(t *testing.T) {
	for _, private := range []bool{false, true} {
		n := start(t, setup{readAuth: private})
		n.publish("a", "1.0.0")
		who := "public"
		if private {
			who = "private"
		}
		for path, want := range map[string]string{
			"/a": who + ", no-cache", "/a/1.0.0": who + ", no-cache", "/-/package/a/dist-tags": who + ", no-cache", "/-/ping": who + ", no-cache",
			"/-/npm/v1/keys": who + ", no-cache", "/-/v1/search?text=zzz": who + ", no-cache", "/-/whoami": "private, no-cache",
			"/-/npm/v1/user": "private, no-cache", "/-/npm/v1/tokens": "private, no-cache", "/-/stage": "private, no-cache",
			"/a/-/a-1.0.0.tgz": who + ", max-age=31536000, immutable",
		} {
			a := n.get(path).want(t, 200, "")
			if got := a.Header.Get("Cache-Control"); got != want {
				t.Errorf("%s: Cache-Control %q, want %q", path, got, want)
			}
			if got := strings.ToLower(a.Header.Get("Vary")); strings.Contains(got, "authorization") {
				t.Errorf("%s: Vary %q would put tokens into caches", path, got)
			}
			if a.Header.Get("Last-Modified") != "" {
				t.Errorf("%s: Last-Modified lets caches guess an age", path)
			}
			etag := a.Header.Get("ETag")
			if strings.HasPrefix(path, "/-/v1/search") {
				continue // has the time of the answer
			}
			for _, condition := range []string{etag, "W/" + etag, `"other", ` + etag, "*"} {
				a := n.get(path, "If-None-Match: "+condition, "If-Modified-Since: "+time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
				if a.StatusCode != 304 || len(a.body) > 0 || a.Header.Get("ETag") != etag {
					t.Errorf("%s with If-None-Match: %s = %d %q, want 304", path, condition, a.StatusCode, a.body)
				}
			}
			n.get(path, `If-None-Match: "other"`, "If-Modified-Since: "+time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)).want(t, 200, "")
		}
	}
}

// Rule 5: the full form has the time of every version, the abbreviated one "modified".
func TestRule05Times(t *testing.T) {
	n := start(t, setup{})
	n.publish("a", "1.0.0")
	n.publish("a", "1.1.0")
	times := n.packument("a")["time"].(object)
	for _, key := range []string{"created", "modified", "1.0.0", "1.1.0"} {
		if _, err := time.Parse("2006-01-02T15:04:05.000Z", times[key].(string)); err != nil {
			t.Errorf("time[%s]: %v", key, err)
		}
	}
	if got := n.get("/a", corgi).json(t)["modified"]; got != times["modified"] {
		t.Errorf("modified = %v, want %v", got, times["modified"])
	}
}

// Rule 6: tarballs are never encoded and never refused for their type; JSON is compressed.
func TestRule06Encodings(t *testing.T) {
	n := start(t, setup{})
	b := n.publish("a", "1.0.0")
	for _, accept := range []string{corgi, "Accept: text/html", "Accept: application/json;q=0"} {
		a := n.get("/a/-/a-1.0.0.tgz", accept, "Accept-Encoding: gzip, br, zstd").want(t, 200, "")
		if a.Header.Get("Content-Encoding") != "" || a.Header.Get("Content-Type") != "application/octet-stream" || !bytes.Equal(a.body, b) {
			t.Errorf("%s: tarball with Content-Encoding %q, type %q", accept, a.Header.Get("Content-Encoding"), a.Header.Get("Content-Type"))
		}
	}
	for i := range 20 {
		n.publish("a", fmt.Sprintf("1.0.%d", i+1))
	}
	plain := n.get("/a", "Accept-Encoding: identity").want(t, 200, "")
	for _, encoding := range []string{"gzip", "gzip, deflate, br", "br;q=1, gzip;q=0.1", "*"} {
		a := n.get("/a", "Accept-Encoding: "+encoding).want(t, 200, "")
		z, err := gzip.NewReader(bytes.NewReader(a.body))
		if a.Header.Get("Content-Encoding") != "gzip" || err != nil {
			t.Fatalf("Accept-Encoding: %s: answered %q (%v)", encoding, a.Header.Get("Content-Encoding"), err)
		}
		if text, err := io.ReadAll(z); err != nil || !bytes.Equal(text, plain.body) {
			t.Errorf("the compressed document is another one (%v)", err)
		}
		if a.Header.Get("ETag") == plain.Header.Get("ETag") {
			t.Error("both encodings have the same ETag")
		}
		n.get("/a", "Accept-Encoding: "+encoding, "If-None-Match: "+a.Header.Get("ETag")).want(t, 304, "")
	}
	for _, encoding := range []string{"gzip;q=0", "br", "gzip;q=0, *"} {
		if a := n.get("/a", "Accept-Encoding: "+encoding); a.Header.Get("Content-Encoding") != "" {
			t.Errorf("Accept-Encoding: %s: answered %q", encoding, a.Header.Get("Content-Encoding"))
		}
	}
}

// Rule 7: HEAD says what GET would, and parts of a tarball can be had.
func TestRule07Head(t *testing.T) {
	n := start(t, setup{})
	b := n.publish("a", "1.0.0")
	n.upstream.tarballs = map[string]string{"far-1.0.0.tgz": "bytes of far"}
	for _, path := range []string{"/a/-/a-1.0.0.tgz", "/a", "/a/1.0.0", "/-/ping", "/far/-/far-1.0.0.tgz"} {
		get, head := n.get(path).want(t, 200, ""), n.do("HEAD", path, nil)
		if head.StatusCode != 200 || len(head.body) > 0 || head.ContentLength != int64(len(get.body)) {
			t.Errorf("HEAD %s = %d, %d bytes of %d, body %q", path, head.StatusCode, head.ContentLength, len(get.body), head.body)
		}
		for _, name := range []string{"ETag", "Content-Type", "Cache-Control"} {
			if get.Header.Get(name) != head.Header.Get(name) {
				t.Errorf("HEAD %s has %s %q, GET %q", path, name, head.Header.Get(name), get.Header.Get(name))
			}
		}
	}
	a := n.get("/a/-/a-1.0.0.tgz", "Range: bytes=5-9")
	if a.StatusCode != 206 || !bytes.Equal(a.body, b[5:10]) {
		t.Errorf("a range = %d %q, want %q", a.StatusCode, a.body, b[5:10])
	}
	n.get("/a/-/a-1.0.0.tgz", "Range: bytes=999999-").want(t, 416, "")
}

// Rule 8: bodies may be compressed.
func TestRule08CompressedBodies(t *testing.T) {
	n := start(t, setup{})
	pack := func(v any) []byte {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(text)
		z.Close()
		return b.Bytes()
	}
	n.do("PUT", "/a", pack(document("a", "1.0.0", tgz(t, "a", "1.0.0"))), "Content-Encoding: gzip").want(t, 201, "")
	n.do("POST", "/-/npm/v1/security/advisories/bulk", pack(object{"lodash": []string{"4.0.0"}, "a": []string{"1.0.0"}}), "Content-Encoding: gzip").want(t, 200, `"lodash"`)
	if !slices.Equal(n.upstream.asked, []string{"lodash"}) {
		t.Errorf("upstream was asked for %q; what is published here must not leave", n.upstream.asked)
	}
	n.do("PUT", "/a", "no gzip", "Content-Encoding: gzip").want(t, 400, "gzip")
	n.do("PUT", "/a", "x", "Content-Encoding: br").want(t, 415, "gzip")
	bomb := pack(object{"x": strings.Repeat(" ", 9<<20)})
	n.do("PUT", "/a", bomb, "Content-Encoding: gzip").want(t, 413, "error")
	n.do("POST", "/-/npm/v1/security/advisories/bulk", bomb, "Content-Encoding: gzip").want(t, 413, "error")
}

// Rule 9: what is not known below /-/ is 404 in JSON, for every method.
func TestRule09ReservedSpace(t *testing.T) {
	n := start(t, setup{})
	for _, root := range []string{"", "/npm", "/~/acme/app"} {
		for _, path := range []string{"/-/nothing", "/-/nothing/more/of/it", "/-/npm/v1/hooks", "/-/team/acme/devs/user", "/-/all", "/-/v1/nothing", "/-/npm/v1/security/audits/quick"} {
			for _, method := range []string{"GET", "PUT", "POST", "DELETE"} {
				a := n.do(method, root+path, nil)
				if a.StatusCode != 404 && a.StatusCode != 405 || a.Header.Get("Content-Type") != "application/json; charset=utf-8" || a.json(t)["error"] == "" {
					t.Errorf("%s %s = %d %s %s", method, root+path, a.StatusCode, a.Header.Get("Content-Type"), a.body)
				}
			}
			n.get(root+path, "Accept: text/html")
		}
	}
	n.get("/-/nothing", "Accept: text/html").want(t, 404, `"error"`)
}

// Rule 10: a publish is atomic, and the same one again a success.
func TestRule10RepeatedPuts(t *testing.T) {
	n := start(t, setup{})
	b := tgz(t, "a", "1.0.0")
	doc := document("a", "1.0.0", b)
	n.do("PUT", "/a", doc).want(t, 201, `"success":true`)
	n.do("PUT", "/a", doc).want(t, 200, `"success":true`)
	other := document("a", "1.0.0", tgz(t, "a", "1.0.0", `"description":"other"`))
	n.do("PUT", "/a", other).want(t, 403, `"error":"You cannot publish over the previously published versions: 1.0.0."`)
	if got := n.get("/a/-/a-1.0.0.tgz").body; !bytes.Equal(got, b) {
		t.Error("a refused publish changed the tarball")
	}
	// What is refused leaves nothing.
	broken := document("b", "1.0.0", b)
	n.do("PUT", "/b", broken).want(t, 400, "name")
	n.get("/b").want(t, 404, `"error"`)
}
