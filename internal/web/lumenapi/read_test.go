package lumenapi_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
)

var update = flag.Bool("update", false, "write the golden files")

// The tree of the guide's example package, byte for byte but for what a random key signs.
func TestGoldenTree(t *testing.T) {
	clock := time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)
	n := start(t, setup{unscoped: true, now: func() time.Time { return clock }})
	n.push("my-utils", "0.1.0", archive(t, manifest("my-utils", "0.1.0"), "old")).want(t, http.StatusCreated, "")
	n.push("my-utils", "1.0.0", archive(t, manifest("my-utils", "1.0.0", `description = "Utility functions"`, `license = "MIT"`,
		`categories = ["utilities"]`, "[dependencies]", `"@org/http" = "^1.0.0"`), "new")).want(t, http.StatusCreated, "")
	n.do(http.MethodPost, "/lumen/packages/my-utils/0.1.0/yank", strings.NewReader(`{"reason":"use 1.0.0"}`)).want(t, http.StatusOK, `"yanked":true`)
	for _, path := range []string{"index.json", "packages/my-utils/index.json", "packages/my-utils/0.1.0.json", "packages/my-utils/1.0.0.json"} {
		got := n.get("/lumen/"+path).want(t, http.StatusOK, "").body
		if path == "index.json" {
			x, err := lumen.DecodeIndex(got)
			if err != nil || x.Checkpoint == nil {
				t.Fatalf("index.json: %+v, %v", x, err)
			}
			x.Checkpoint = nil
			got = lumen.Encode(x)
		}
		golden := filepath.Join("testdata", filepath.FromSlash(path))
		if *update {
			if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s: %s", path, d)
		}
	}
}

func TestCaching(t *testing.T) {
	n := start(t, setup{})
	text := archive(t, manifest(utils, "1.0.0"), "x")
	n.push(utils, "1.0.0", text)
	for path, want := range map[string][2]string{
		"/lumen/index.json":                            {"public, no-cache", "application/json"},
		"/lumen/keys.json":                             {"public, no-cache", "application/json"},
		"/lumen/checkpoint.json":                       {"public, no-cache", "application/json"},
		"/lumen/packages/@acme/utils/index.json":       {"public, no-cache", "application/json"},
		"/lumen/packages/@acme/utils/1.0.0.json":       {"public, no-cache", "application/json"},
		"/lumen/signatures/@acme/utils/1.0.0.sig.json": {"public, no-cache", "application/json"},
		pathOf(text, "tar"):                            {"public, max-age=31536000, immutable", "application/x-tar"},
		pathOf(text, ""):                               {"public, max-age=31536000, immutable", "application/x-tar"},
	} {
		a := n.as("").get(path).want(t, http.StatusOK, "")
		tag := `"` + digest.Of(a.body).Hex() + `"`
		got := [2]string{a.Header.Get("Cache-Control"), a.Header.Get("Content-Type")}
		if got != want || a.Header.Get("ETag") != tag || a.Header.Get("Content-Encoding") != "" || a.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s has %v, want %q and the ETag %s", path, a.Header, want, tag)
		}
		n.as("").get(path, "If-None-Match: "+tag).want(t, http.StatusNotModified, "")
		if h := n.as("").do(http.MethodHead, path, nil); h.StatusCode != 200 || h.ContentLength != int64(len(a.body)) {
			t.Errorf("HEAD %s = %d, %d bytes", path, h.StatusCode, h.ContentLength)
		}
	}
	if a := n.as("").get(pathOf(text, "tar"), "Range: bytes=0-9"); a.StatusCode != http.StatusPartialContent || string(a.body) != text[:10] {
		t.Errorf("a range = %d %q", a.StatusCode, a.body)
	}
}

func TestNotFound(t *testing.T) {
	n := start(t, setup{})
	text := archive(t, manifest(utils, "1.0.0"), "x")
	n.push(utils, "1.0.0", text)
	tar := pathOf(text, "tar")
	for _, path := range []string{
		"/lumen/nothing.json", "/lumen/packages/@acme/none/index.json", "/lumen/packages/@acme/utils/2.0.0.json", "/lumen/packages/@acme/utils/1.0.0",
		"/lumen/packages/@acme/utils/latest.json", "/lumen/packages/../index.json", "/lumen/packages/@acme/..%2f..%2fkeys/index.json",
		"/lumen/packages/@acme/utils/..%2f1.0.0.json", "/lumen/signatures/@acme/utils/1.0.0.json", "/lumen/artifacts/sha256/../../keys.json",
		strings.ToUpper(tar), strings.Replace(tar, ".tar", ".zip", 1), strings.Replace(tar, ".tar", ".", 1), strings.Replace(tar, ".tar", ".tgz", 1),
		"/lumen/artifacts/sha256/ab/c1234.tar", "/lumen/artifacts/sha256/" + tar[len("/lumen/artifacts/sha256/")+3:], "/lumen/api/v1/api/v1/api/v1/index.json",
	} {
		a := n.as("").get(path)
		if a.StatusCode != http.StatusNotFound || a.text("error") == "" {
			t.Errorf("%s = %d %s, want 404", path, a.StatusCode, a.body)
		}
	}
	n.as("").do(http.MethodDelete, "/lumen/index.json", nil).want(t, http.StatusMethodNotAllowed, "")
}

// What the list says is what is served, in the order in which an export writes it.
func TestFiles(t *testing.T) {
	n := start(t, setup{})
	n.publish(utils, "1.0.0")
	n.publish(utils, "1.1.0-rc.1+build")
	n.push("@acme/z", "1.0.0", gzipped(t, archive(t, manifest("@acme/z", "1.0.0"), "x")))
	a := n.as("").get("/lumen/files.ndjson").want(t, http.StatusOK, "")
	if ct := a.Header.Get("Content-Type"); ct != "application/x-ndjson" {
		t.Errorf("Content-Type %s", ct)
	}
	count, last := 0, lumenpackages.File{}
	for line := range bytes.Lines(a.body) {
		last = lumenpackages.File{}
		if err := json.Unmarshal(line, &last); err != nil {
			t.Fatal(err)
		}
		body := n.as("").get("/lumen/"+last.Path).want(t, http.StatusOK, "").body
		if digest.Of(body) != last.Digest || int64(len(body)) != last.Size {
			t.Errorf("%s is not what the list says", last.Path)
		}
		count++
	}
	if count != 4+3+1+3+2+1+1 || last.Path != "index.json" {
		t.Errorf("%d files, the last is %s", count, last.Path)
	}
}

func TestLongList(t *testing.T) {
	n := start(t, setup{})
	for i := range 80 {
		n.publish(utils, "1."+string(rune('0'+i/10))+"."+string(rune('0'+i%10)))
	}
	a := n.as("").get("/lumen/files.ndjson").want(t, http.StatusOK, "")
	if len(a.body) < 32<<10 {
		t.Fatalf("%d bytes are no long list", len(a.body))
	}
	lines, r := 0, bufio.NewReader(bytes.NewReader(a.body))
	for {
		line, err := r.ReadBytes('\n')
		if err == io.EOF {
			break
		}
		if !json.Valid(line) {
			t.Fatalf("a line is %s", line)
		}
		lines++
	}
	if lines != 3*80+4 {
		t.Errorf("%d lines", lines)
	}
}

func TestPrivateReads(t *testing.T) {
	n := start(t, setup{readAuth: true})
	text := archive(t, manifest(utils, "1.0.0"), "x")
	n.push(utils, "1.0.0", text).want(t, http.StatusCreated, "")
	reader := n.newToken(auth.NewToken{Name: "reader", Permission: auth.Read})
	stranger := n.as("")
	for _, path := range []string{"/index.json", "/files.ndjson", "/keys.json", "/packages/@acme/utils/index.json", "/packages/@acme/utils/1.0.0.json", "/v1/search", strings.TrimPrefix(pathOf(text, "tar"), "/lumen")} {
		stranger.get("/lumen"+path).want(t, http.StatusUnauthorized, "")
		stranger.get("/lumen/t/wrong"+path).want(t, http.StatusUnauthorized, "")
		a := reader.get("/lumen"+path).want(t, http.StatusOK, "")
		b := stranger.get("/lumen/t/"+reader.token+path).want(t, http.StatusOK, "")
		stranger.get("/lumen/t/"+reader.token+"/api/v1"+path).want(t, http.StatusOK, "")
		stranger.get("/lumen/api/v1/t/"+reader.token+path).want(t, http.StatusOK, "")
		for _, got := range []answer{a, b} {
			if c := got.Header.Get("Cache-Control"); !strings.HasPrefix(c, "private") {
				t.Errorf("%s may be kept: %s", path, c)
			}
		}
	}
	stranger.do(http.MethodHead, pathOf(text, "tar"), nil).want(t, http.StatusUnauthorized, "")
	// An address can't write, whatever token it has.
	writes := stranger.do(http.MethodPut, "/lumen/t/"+rootToken+"/v1/wares", strings.NewReader("{}"))
	if writes.StatusCode < 400 || writes.StatusCode == http.StatusBadRequest {
		t.Errorf("a publish with a token in the path = %d", writes.StatusCode)
	}
	stranger.do(http.MethodPost, "/lumen/t/"+rootToken+"/packages/@acme/utils/1.0.0/yank", nil).want(t, writes.StatusCode, "")
	for _, token := range []string{reader.token, rootToken} {
		if strings.Contains(n.log.String(), token) {
			t.Error("the log has a token")
		}
	}
}

func TestSearch(t *testing.T) {
	n := start(t, setup{})
	n.publish(utils, "1.0.0")
	n.get("/lumen/v1/search?q=UTIL").want(t, http.StatusOK, `{"results":[{"name":"@acme/utils","latest":"1.0.0"`)
	n.get("/lumen/api/v1/v1/search?q=none").want(t, http.StatusOK, `{"results":[],"total":0}`)
	n.get("/lumen/v1/search?limit=x").want(t, http.StatusBadRequest, "")
	n.get("/lumen/v1/search?offset=-1").want(t, http.StatusBadRequest, "")
	n.get("/lumen/v1/search?q="+strings.Repeat("x", 300)).want(t, http.StatusBadRequest, "query_too_long")
}
