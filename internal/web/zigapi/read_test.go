package zigapi_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Zig 0.15 refuses answers with more than 8 KB of headers, and every compiler a Content-Encoding on top.
func TestTarballIsAsCompilersWantIt(t *testing.T) {
	n := start(t, setup{})
	pub := n.publish("my_lib", "1.0.0", "one")
	want := n.Get("/zig/packages/my_lib/1.0.0/tarball").Want(t, http.StatusOK, "")
	sum := sha256.Sum256(want.Data)
	for header, text := range map[string]string{
		"Content-Type": "application/gzip", "Content-Disposition": "attachment; filename=my_lib-1.0.0.tar.gz", "Content-Encoding": "",
		"Cache-Control": "public, max-age=31536000, immutable", "ETag": `"` + hex.EncodeToString(sum[:]) + `"`,
	} {
		if got := want.Header.Get(header); got != text {
			t.Errorf("%s: %s, want %s", header, got, text)
		}
	}
	if want.ContentLength != int64(len(want.Data)) {
		t.Errorf("Content-Length = %d of %d bytes", want.ContentLength, len(want.Data))
	}
	var head bytes.Buffer
	if err := want.Header.Write(&head); err != nil || head.Len() > 1000 {
		t.Errorf("the headers have %d bytes (%v)", head.Len(), err)
	}
	if got := pub.Text("checksum"); got != "sha256:"+hex.EncodeToString(sum[:]) {
		t.Errorf("checksum = %s, want that of the archive", got)
	}

	for _, path := range []string{
		"/zig/packages/my-lib/1.0.0/tarball", "/zig/packages/MY_LIB/1.0.0/tarball", "/zig//packages/my_lib/1.0.0/tarball",
		"/zig/packages/my_lib/1.0.0/my_lib-1.0.0.tar.gz", "/zig/p/" + pub.Text("packageHash") + ".tar.gz", "/zig/p/" + pub.Text("legacyHash") + ".tar.gz",
	} {
		if got := n.Get(path).Want(t, http.StatusOK, ""); !bytes.Equal(got.Data, want.Data) || got.Header.Get("Cache-Control") != want.Header.Get("Cache-Control") {
			t.Errorf("%s has other bytes, or %s", path, got.Header.Get("Cache-Control"))
		}
	}
	if got := n.Get("/zig/packages/my_lib/latest/tarball").Want(t, http.StatusOK, "").Header.Get("Cache-Control"); got != "public, no-cache" {
		t.Errorf("what moves is cached: %s", got)
	}
	if head := n.Do("HEAD", "/zig/packages/my_lib/1.0.0/tarball", nil).Want(t, http.StatusOK, ""); head.ContentLength != want.ContentLength || len(head.Data) != 0 {
		t.Errorf("HEAD tells %d bytes and sends %d", head.ContentLength, len(head.Data))
	}
	if part := n.Get("/zig/packages/my_lib/1.0.0/tarball", "Range: bytes=10-19").Want(t, http.StatusPartialContent, ""); !bytes.Equal(part.Data, want.Data[10:20]) {
		t.Errorf("a range has %d bytes", len(part.Data))
	}
	n.Get("/zig/packages/my_lib/1.0.0/tarball", "If-None-Match: "+want.Header.Get("ETag")).Want(t, http.StatusNotModified, "")
}

// What is served is one gzip member with the files that were sent.
func TestTarballHoldsThePackage(t *testing.T) {
	n := start(t, setup{})
	n.publish("greet", "1.0.0", "the source")
	body := bytes.NewReader(n.Get("/zig/packages/greet/1.0.0/tarball").Data)
	gz, err := gzip.NewReader(body)
	if err != nil {
		t.Fatal(err)
	}
	gz.Multistream(false)
	tr := tar.NewReader(gz)
	files := map[string]string{}
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name] = string(text)
	}
	if files["greet-1.0.0/src/root.zig"] != "the source" || files["greet-1.0.0/build.zig.zon"] != zon("greet", "1.0.0") || body.Len() != 0 {
		t.Errorf("the archive holds %q, and %d bytes are behind it", files, body.Len())
	}
}

func TestReading(t *testing.T) {
	n := start(t, setup{})
	n.publish("greet", "1.10.0", "ten")
	pub := n.publish("greet", "1.9.0", "nine")
	n.publish("greet", "2.0.0-beta.1", "beta")

	n.Get("/zig/packages/greet").Want(t, http.StatusOK, `"version":"1.10.0"`)
	n.Get("/zig/packages/greet/latest").Want(t, http.StatusOK, `"version":"1.10.0"`)
	one := n.Get("/zig/packages/greet/1.9.0").Want(t, http.StatusOK, `"dependency":".greet = .{\n`)
	for _, member := range []string{"name", "version", "tarballUrl", "hash", "publishedAt", "fetchCommand", "dependency", "packageHash", "legacyHash"} {
		if one.Text(member) == "" || one.Text(member) != pub.Text(member) {
			t.Errorf("%s = %q, and was %q when it was published", member, one.Text(member), pub.Text(member))
		}
	}
	n.Get("/zig/packages/greet/versions").Want(t, http.StatusOK, `{"name":"greet","versions":["2.0.0-beta.1","1.10.0","1.9.0"]}`)
	for _, hash := range []string{pub.Text("packageHash"), pub.Text("legacyHash")} {
		n.Get("/zig/hash/"+hash).Want(t, http.StatusOK, `"version":"1.9.0"`)
	}
	if etag := one.Header.Get("ETag"); etag == "" || one.Header.Get("Cache-Control") != "public, no-cache" {
		t.Errorf("a version has the ETag %q and Cache-Control %q", etag, one.Header.Get("Cache-Control"))
	}
}

func TestNotThere(t *testing.T) {
	n := start(t, setup{})
	pub := n.publish("greet", "1.0.0", "one")
	for _, path := range []string{
		"/zig/packages/nope", "/zig/packages/nope/versions", "/zig/packages/nope/1.0.0/tarball", "/zig/owners/nope",
		"/zig/packages/greet/1.0.1", "/zig/packages/greet/v1", "/zig/packages/greet/1.0.1/tarball", "/zig/packages/greet/1.0.0/other-1.0.0.tar.gz",
		"/zig/packages/greet/1.0.0/greet-1.0.0.zip", "/zig/hash/1220", "/zig/hash/" + strings.Repeat("0", 68), "/zig/hash/1220" + strings.Repeat("0", 64),
		"/zig/p/" + pub.Text("hash"), "/zig/p/1220" + strings.Repeat("0", 64) + ".tar.gz", "/zig/p/.tar.gz",
		"/zig/packages/..%2f..%2fetc", "/zig/packages/greet/..%2f1.0.0/tarball", "/zig/hash/%00", "/zig/hash/" + strings.Repeat("x", 5000),
		"/zig/other", "/zig/packages/greet/1.0.0/tarball/x", "/zig/t/", "/zig/t/x", "/zig/t//packages/greet",
	} {
		a := n.Get(path)
		if a.StatusCode != http.StatusNotFound && a.StatusCode != http.StatusUnauthorized || a.Text("code") == "" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s = %d %s, Cache-Control %q", path, a.StatusCode, a.Data, a.Header.Get("Cache-Control"))
		}
	}
	n.Do("DELETE", "/zig/packages/greet/1.0.0", nil).Want(t, http.StatusMethodNotAllowed, "use GET")
}

// Zig 0.15 was seen to wait for the end of a connection after an error; without one it keeps it for the next package.
func TestRefusalsEndTheConnectionOfCompilers(t *testing.T) {
	n := start(t, setup{})
	n.publish("greet", "1.0.0", "one")
	const zig = "User-Agent: zig/0.15.2 (std.http)"
	for path, closes := range map[string]bool{
		"/zig/packages/nope/1.0.0/tarball": true, "/zig/unknown": true, "/zig/t/wrong/packages/greet": true, "/zig/packages/greet/1.0.0/tarball": false,
	} {
		if got := n.Get(path, zig).Close; got != closes {
			t.Errorf("GET %s closes the connection: %t, want %t", path, got, closes)
		}
		if n.Get(path).Close {
			t.Errorf("GET %s closes the connection of another client", path)
		}
	}
}

func TestSearch(t *testing.T) {
	n := start(t, setup{})
	for _, name := range []string{"alpha", "beta", "gamma"} {
		n.postForm(part{"tarball", archive(t, zon(name, "1.0.0"), name)}, part{"description", "greek letter"}).Want(t, http.StatusCreated, "")
	}
	n.Get("/zig/search?q=greek").Want(t, http.StatusOK, `"total":3`)
	n.Get("/zig/search?q=beta").Want(t, http.StatusOK, `{"results":[{"name":"beta","version":"1.0.0","description":"greek letter"`)
	n.Get("/zig/search?q=greek&limit=1&offset=2").Want(t, http.StatusOK, `[{"name":"gamma"`)
	n.Get("/zig/search?q=latin").Want(t, http.StatusOK, `{"results":[],"total":0}`)
	n.Get("/zig/search").Want(t, http.StatusOK, `"total":3`)
	n.Get("/zig/search?limit=500&offset=99999999").Want(t, http.StatusOK, `"results":[]`)
	n.Get("/zig/search?limit=0").Want(t, http.StatusBadRequest, "limit")
	n.Get("/zig/search?offset=-1").Want(t, http.StatusBadRequest, "offset")
	n.Get("/zig/search?limit=x").Want(t, http.StatusBadRequest, "limit")
	n.Get("/zig/search?q="+strings.Repeat("x", 257)).Want(t, http.StatusBadRequest, "Search query too long")
}
