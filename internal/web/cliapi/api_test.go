package cliapi_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/programs"
	"github.com/org/registry-action/internal/web/cliapi"
	"github.com/org/registry-action/internal/web/webtest"
)

const program = "the bytes of a program"

// folder is a CLI_DIR with one release.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, "v1.2.3/publish-commit_linux_amd64", program)
	put(t, dir, "v1.2.3/registry-server_linux_amd64.exe", "others")
	put(t, dir, "v1.2.3/notes.txt", "not listed")
	put(t, dir, "v1.2.3/checksums.txt", fmt.Sprintf("%x  publish-commit_linux_amd64\n%X *registry-server_linux_amd64.exe\n%064d  gone\n", sha256.Sum256([]byte(program)), sha256.Sum256([]byte("others")), 0))
	put(t, dir, "secret.txt", "outside of a release")
	return dir
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o755)); err != nil {
		t.Fatal(err)
	}
}

func serve(t *testing.T, dir string, log *slog.Logger) webtest.Client {
	t.Helper()
	var f *programs.Folder
	if dir != "" {
		var err error
		if f, err = programs.Open(dir); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
	}
	c := webtest.Serve(t, log, func(string) http.Handler { return (&cliapi.API{Programs: f, Log: log}).Handler() })
	c.Token = "" // nobody in particular
	return c
}

func TestFile(t *testing.T) {
	c := serve(t, folder(t), slog.New(slog.DiscardHandler))
	const path = "/-/cli/v1/v1.2.3/publish-commit_linux_amd64"
	got := c.Do("GET", path, nil)
	if got.StatusCode != 200 || string(got.Data) != program {
		t.Fatalf("it answers %d %q", got.StatusCode, string(got.Data))
	}
	etag := fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(program)))
	if got.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || got.Header.Get("ETag") != etag || got.Header.Get("Content-Length") != fmt.Sprint(len(program)) {
		t.Errorf("the header is %v", got.Header)
	}
	if part := c.Do("GET", path, nil, "Range: bytes=4-8"); part.StatusCode != 206 || string(part.Data) != program[4:9] {
		t.Errorf("a range answers %d %q", part.StatusCode, string(part.Data))
	}
	if same := c.Do("GET", path, nil, "If-None-Match: "+etag); same.StatusCode != 304 {
		t.Errorf("what the client has answers %d", same.StatusCode)
	}
	if head := c.Do("HEAD", path, nil); head.StatusCode != 200 || string(head.Data) != "" {
		t.Errorf("HEAD answers %d %q", head.StatusCode, string(head.Data))
	}
	if other := c.Do("GET", "/-/cli/v1/v1.2.3/registry-server_linux_amd64.exe", nil); string(other.Data) != "others" {
		t.Errorf("a line of sha256sum --binary is not read: %d %s", other.StatusCode, string(other.Data))
	}
}

// Only what a release lists is there, whatever the path says.
func TestNotFound(t *testing.T) {
	dir := folder(t)
	if err := errors.Join(os.Symlink("/etc/passwd", filepath.Join(dir, "v1.2.3", "gone")), syscall.Mkfifo(filepath.Join(dir, "v1.2.3", "pipe"), 0o644)); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "v2.0.0/publish-commit_linux_amd64", program) // without checksums
	c := serve(t, dir, slog.New(slog.DiscardHandler))
	for _, path := range []string{
		"v1.2.3/notes.txt", "v1.2.3/checksums.txt", "v1.2.4/publish-commit_linux_amd64", "v2.0.0/publish-commit_linux_amd64", "v1.2.3/pipe",
		"v1.2.3/..%2f..%2fsecret.txt", "..%2fsecret.txt/x", "v1.2.3%2f../secret.txt", "secret.txt/secret.txt", "v1.2.3/.", "v1.2.3/%00", "v1.2.3/a%5cb", "v1.2.3", "v1.2.3/",
	} {
		if got := c.Do("GET", "/-/cli/v1/"+path, nil); got.StatusCode != 404 || !strings.Contains(string(got.Data), `"not_found"`) {
			t.Errorf("%s answers %d %s", path, got.StatusCode, string(got.Data))
		}
	}
	if got := c.Do("GET", "/-/cli/v1/v1.2.3/gone", nil); got.StatusCode == 200 || strings.Contains(string(got.Data), "root:") {
		t.Errorf("a link out of the folder answers %d %s", got.StatusCode, string(got.Data))
	}
	if got := c.Do("PUT", "/-/cli/v1/v1.2.3/publish-commit_linux_amd64", strings.NewReader("x")); got.StatusCode != 405 {
		t.Errorf("PUT answers %d", got.StatusCode)
	}
}

// A server without the folder says how to get one.
func TestNoFolder(t *testing.T) {
	got := serve(t, "", slog.New(slog.DiscardHandler)).Do("GET", "/-/cli/v1/v1.2.3/publish-commit_linux_amd64", nil)
	if got.StatusCode != 404 || !strings.Contains(string(got.Data), "CLI_DIR") || !strings.Contains(string(got.Data), `"no_cli_dir"`) {
		t.Errorf("it answers %d %s", got.StatusCode, string(got.Data))
	}
	if _, err := programs.Open(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "CLI_DIR") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// A file that is not the release's is not handed out, also if it was good before; the operator reads why in the log.
func TestTamperedFile(t *testing.T) {
	var log strings.Builder
	dir := folder(t)
	c := serve(t, dir, slog.New(slog.NewTextHandler(&log, nil)))
	const path = "/-/cli/v1/v1.2.3/publish-commit_linux_amd64"
	if got := c.Do("GET", path, nil); got.StatusCode != 200 {
		t.Fatalf("it answers %d %s", got.StatusCode, string(got.Data))
	}
	put(t, dir, "v1.2.3/publish-commit_linux_amd64", strings.ToUpper(program))
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "v1.2.3", "publish-commit_linux_amd64"), later, later); err != nil {
		t.Fatal(err)
	}
	got := c.Do("GET", path, nil)
	if got.StatusCode != 500 || strings.Contains(string(got.Data), "CLI_DIR") || !strings.Contains(log.String(), "checksums.txt says") {
		t.Errorf("it answers %d %s\nthe log says %s", got.StatusCode, string(got.Data), log.String())
	}
}
