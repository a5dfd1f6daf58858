package registry_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/store/storetest"
	"github.com/org/registry-action/registry"
)

// node is a running server with its log.
type node struct {
	*registry.Registry
	t   *testing.T
	url string
	log *storetest.Transcript
	dir string

	stop func() // before the test ends
}

func start(t *testing.T, c registry.Config) *node {
	t.Helper()
	n := &node{t: t, log: &storetest.Transcript{}, dir: c.DataDir}
	if n.dir == "" {
		n.dir = t.TempDir()
	}
	srv := httptest.NewUnstartedServer(nil)
	srv.Start()
	t.Cleanup(srv.Close)
	c.DataDir, c.NoUpstream, c.Log = n.dir, c.Upstream == "", slog.New(slog.NewTextHandler(n.log, nil))
	if c.BaseURL == "" {
		c.BaseURL = srv.URL
	}
	reg, err := registry.New(c)
	if err != nil {
		t.Fatal(err)
	}
	n.stop = sync.OnceFunc(func() {
		srv.Close() // before the stores
		if err := reg.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(n.stop)
	srv.Config.Handler = reg.Handler()
	n.Registry, n.url = reg, srv.URL
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(n.log)
		}
	})
	return n
}

type answer struct {
	*http.Response
	body []byte
}

// json decodes the answer.
func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.body, &m); err != nil {
		t.Fatalf("%s %s answered %d with %q, not JSON", a.Request.Method, a.Request.URL, a.StatusCode, a.body)
	}
	return m
}

// request makes a request without following redirects. header holds "Name: value" lines.
func (n *node) request(method, path string, body io.Reader, header ...string) answer {
	n.t.Helper()
	req, err := http.NewRequestWithContext(n.t.Context(), method, n.url+path, body)
	if err != nil {
		n.t.Fatal(err)
	}
	if u, err := url.ParseRequestURI(path); err == nil {
		req.URL.RawPath, req.URL.Path = u.EscapedPath(), u.Path
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return answer{resp, b}
}

func (n *node) get(path string, header ...string) answer {
	n.t.Helper()
	return n.request(http.MethodGet, path, nil, header...)
}

// form builds a multipart body; a key "package:x" becomes a file.
func form(t *testing.T, fields ...string) (body io.Reader, header string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		var part io.Writer
		var err error
		if strings.HasPrefix(fields[i], "package:") {
			part, err = w.CreateFormFile(fields[i], "x.tgz")
		} else {
			part, err = w.CreateFormField(fields[i])
		}
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(part, fields[i+1])
	}
	w.Close()
	return &b, "Content-Type: " + w.FormDataContentType()
}

func (n *node) postForm(fields ...string) answer {
	n.t.Helper()
	body, header := form(n.t, fields...)
	return n.request(http.MethodPost, "/publish/commit", body, header)
}

func (n *node) postJSON(path string, v any, header ...string) answer {
	n.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		n.t.Fatal(err)
	}
	return n.request(http.MethodPost, path, bytes.NewReader(b), append(header, "Content-Type: application/json")...)
}

// tgz makes a tarball as npm would: package.json and index.js.
func tgz(t *testing.T, name, version, content string) string {
	t.Helper()
	return archive(t,
		&tar.Header{Name: "package/package.json", Mode: 0o644}, fmt.Sprintf(`{"name":%q,"version":%q}`, name, version),
		&tar.Header{Name: "package/index.js", Mode: 0o644}, content)
}

// archive makes a .tgz of headers, each followed by its content.
func archive(t *testing.T, entries ...any) string {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	for i := 0; i < len(entries); i += 2 {
		h, content := entries[i].(*tar.Header), entries[i+1].(string)
		h.Size = int64(len(content))
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(tw, content)
	}
	tw.Close()
	gz.Close()
	return b.String()
}

// noise does not compress; it is the same each time.
func noise(n int) string {
	b, x := make([]byte, n), uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return string(b)
}

// manifestOf is the package.json of a package.
func manifestOf(name, version string) string {
	return fmt.Sprintf(`{"name":%q,"version":%q}`, name, version)
}

func fileHeader(name string) *tar.Header { return &tar.Header{Name: name, Mode: 0o644} }
