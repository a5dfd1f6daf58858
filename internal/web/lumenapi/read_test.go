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
	"github.com/org/registry-action/internal/web/webtest"
)

var update = flag.Bool("update", false, "write the golden files")

// The tree of the guide's example package, byte for byte but for what a random key signs.
func TestGoldenTree(t *testing.T) {
	clock := time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)
	n := start(t, setup{unscoped: true, now: func() time.Time { return clock }})
	n.push("my-utils", "0.1.0", archive(t, manifest("my-utils", "0.1.0"), "old")).Want(t, http.StatusCreated, "")
	n.push("my-utils", "1.0.0", archive(t, manifest("my-utils", "1.0.0", `description = "Utility functions"`, `license = "MIT"`,
		`categories = ["utilities"]`, "[dependencies]", `"@org/http" = "^1.0.0"`), "new")).Want(t, http.StatusCreated, "")
	n.Do(http.MethodPost, "/lumen/packages/my-utils/0.1.0/yank", strings.NewReader(`{"reason":"use 1.0.0"}`)).Want(t, http.StatusOK, `"yanked":true`)
	for _, path := range []string{"index.json", "packages/my-utils/index.json", "packages/my-utils/0.1.0.json", "packages/my-utils/1.0.0.json"} {
		got := n.Get("/lumen/"+path).Want(t, http.StatusOK, "").Data
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
		a := n.as("").Get(path).Want(t, http.StatusOK, "")
		tag := `"` + digest.Of(a.Data).Hex() + `"`
		got := [2]string{a.Header.Get("Cache-Control"), a.Header.Get("Content-Type")}
		if got != want || a.Header.Get("ETag") != tag || a.Header.Get("Content-Encoding") != "" || a.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s has %v, want %q and the ETag %s", path, a.Header, want, tag)
		}
		n.as("").Get(path, "If-None-Match: "+tag).Want(t, http.StatusNotModified, "")
		if h := n.as("").Do(http.MethodHead, path, nil); h.StatusCode != 200 || h.ContentLength != int64(len(a.Data)) {
			t.Errorf("HEAD %s = %d, %d bytes", path, h.StatusCode, h.ContentLength)
		}
	}
	if a := n.as("").Get(pathOf(text, "tar"), "Range: bytes=0-9"); a.StatusCode != http.StatusPartialContent || string(a.Data) != text[:10] {
		t.Errorf("a range = %d %q", a.StatusCode, a.Data)
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
		a := n.as("").Get(path)
		if a.StatusCode != http.StatusNotFound || a.Text("error") == "" {
			t.Errorf("%s = %d %s, want 404", path, a.StatusCode, a.Data)
		}
	}
	n.as("").Do(http.MethodDelete, "/lumen/index.json", nil).Want(t, http.StatusMethodNotAllowed, "")
}

// What the list says is what is served, in the order in which an export writes it.
func TestFiles(t *testing.T) {
	n := start(t, setup{})
	n.publish(utils, "1.0.0")
	n.publish(utils, "1.1.0-rc.1+build")
	n.push("@acme/z", "1.0.0", gzipped(t, archive(t, manifest("@acme/z", "1.0.0"), "x")))
	a := n.as("").Get("/lumen/files.ndjson").Want(t, http.StatusOK, "")
	if ct := a.Header.Get("Content-Type"); ct != "application/x-ndjson" {
		t.Errorf("Content-Type %s", ct)
	}
	count, last := 0, lumenpackages.File{}
	for line := range bytes.Lines(a.Data) {
		last = lumenpackages.File{}
		if err := json.Unmarshal(line, &last); err != nil {
			t.Fatal(err)
		}
		body := n.as("").Get("/lumen/"+last.Path).Want(t, http.StatusOK, "").Data
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
	a := n.as("").Get("/lumen/files.ndjson").Want(t, http.StatusOK, "")
	if len(a.Data) < 32<<10 {
		t.Fatalf("%d bytes are no long list", len(a.Data))
	}
	lines, r := 0, bufio.NewReader(bytes.NewReader(a.Data))
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
	n.push(utils, "1.0.0", text).Want(t, http.StatusCreated, "")
	reader := n.newToken(auth.NewToken{Name: "reader", Permission: auth.Read})
	stranger := n.as("")
	for _, path := range []string{"/index.json", "/files.ndjson", "/keys.json", "/packages/@acme/utils/index.json", "/packages/@acme/utils/1.0.0.json", "/v1/search", strings.TrimPrefix(pathOf(text, "tar"), "/lumen")} {
		stranger.Get("/lumen"+path).Want(t, http.StatusUnauthorized, "")
		stranger.Get("/lumen/t/wrong"+path).Want(t, http.StatusUnauthorized, "")
		a := reader.Get("/lumen"+path).Want(t, http.StatusOK, "")
		b := stranger.Get("/lumen/t/"+reader.Token+path).Want(t, http.StatusOK, "")
		stranger.Get("/lumen/t/"+reader.Token+"/api/v1"+path).Want(t, http.StatusOK, "")
		stranger.Get("/lumen/api/v1/t/"+reader.Token+path).Want(t, http.StatusOK, "")
		for _, got := range []webtest.Answer{a, b} {
			if c := got.Header.Get("Cache-Control"); !strings.HasPrefix(c, "private") {
				t.Errorf("%s may be kept: %s", path, c)
			}
		}
	}
	stranger.Do(http.MethodHead, pathOf(text, "tar"), nil).Want(t, http.StatusUnauthorized, "")
	// An address can't write, whatever token it has.
	writes := stranger.Do(http.MethodPut, "/lumen/t/"+webtest.RootToken+"/v1/wares", strings.NewReader("{}"))
	if writes.StatusCode < 400 || writes.StatusCode == http.StatusBadRequest {
		t.Errorf("a publish with a token in the path = %d", writes.StatusCode)
	}
	stranger.Do(http.MethodPost, "/lumen/t/"+webtest.RootToken+"/packages/@acme/utils/1.0.0/yank", nil).Want(t, writes.StatusCode, "")
	for _, token := range []string{reader.Token, webtest.RootToken} {
		if strings.Contains(n.Lines.String(), token) {
			t.Error("the log has a token")
		}
	}
}

func TestSearch(t *testing.T) {
	n := start(t, setup{})
	n.publish(utils, "1.0.0")
	n.Get("/lumen/v1/search?q=UTIL").Want(t, http.StatusOK, `{"results":[{"name":"@acme/utils","latest":"1.0.0"`)
	n.Get("/lumen/api/v1/v1/search?q=none").Want(t, http.StatusOK, `{"results":[],"total":0}`)
	n.Get("/lumen/v1/search?limit=x").Want(t, http.StatusBadRequest, "")
	n.Get("/lumen/v1/search?offset=-1").Want(t, http.StatusBadRequest, "")
	n.Get("/lumen/v1/search?q="+strings.Repeat("x", 300)).Want(t, http.StatusBadRequest, "query_too_long")
}
