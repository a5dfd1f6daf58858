package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// result is how a command ended.
type result struct {
	t              *testing.T
	args           []string
	code           int
	stdout, stderr string
}

// cli runs the program; input is its standard input.
func cli(t *testing.T, input string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, func(string) string { return "" }, strings.NewReader(input), &stdout, &stderr)
	return result{t, args, code, stdout.String(), stderr.String()}
}

// want fails the test unless the command ended with the code, and its output has the text.
func (r result) want(code int, text string) result {
	r.t.Helper()
	if r.code != code || !strings.Contains(r.stdout+r.stderr, text) {
		r.t.Fatalf("%q: exit code %d, want %d with %q\nstdout: %s\nstderr: %s", r.args, r.code, code, text, r.stdout, r.stderr)
	}
	return r
}

// json decodes the standard output.
func (r result) json(v any) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.stdout), v); err != nil {
		r.t.Fatalf("%q printed %q: %v", r.args, r.stdout, err)
	}
}

// serving runs a server on the data folder and returns its URL. stop ends it and
// waits for its end; so does the end of the test.
func serving(t *testing.T, dir string, args ...string) (url string, stop func()) {
	t.Helper()
	return servingWith(t, dir, nil, args...)
}

// servingWith is serving with more in the environment.
func servingWith(t *testing.T, dir string, more map[string]string, args ...string) (url string, stop func()) {
	t.Helper()
	url, _, stop = servingLogged(t, dir, more, args...)
	return url, stop
}

// servingLogged is servingWith with the log, which can be read after stop.
func servingLogged(t *testing.T, dir string, more map[string]string, args ...string) (url string, log *bytes.Buffer, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	var stderr bytes.Buffer
	env := map[string]string{"NPM_FALLBACK": "false", "REGISTRY_TOKEN": "token-of-the-test"}
	maps.Copy(env, more)
	ended := make(chan int, 1)
	go func() {
		args := append([]string{"--port", "0", "--data", dir, "--log-level", "warn"}, args...)
		ended <- run(ctx, args, func(k string) string { return env[k] }, strings.NewReader(""), write, &stderr)
		write.Close()
	}()
	lines := bufio.NewScanner(read)
	for lines.Scan() && url == "" {
		_, url, _ = strings.Cut(lines.Text(), "links begin with ")
	}
	drained := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, read)
		close(drained)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("the server ended with %d: %s", code, &stderr)
		}
		<-drained
	})
	t.Cleanup(stop)
	if url == "" {
		t.Fatalf("the server did not start: %s", &stderr)
	}
	return url, &stderr, stop
}

// get reads JSON from a server.
func get(t *testing.T, url string) map[string]any {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var m map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&m); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s = %d, %v", url, resp.StatusCode, err)
	}
	return m
}

// tgz makes a tarball as npm would.
func tgz(t *testing.T, manifest string) string {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	if err := tw.WriteHeader(&tar.Header{Name: "package/package.json", Mode: 0o644, Size: int64(len(manifest))}); err != nil {
		t.Fatal(err)
	}
	io.WriteString(tw, manifest)
	tw.Close()
	gz.Close()
	return b.String()
}

// tree writes files below a new folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
