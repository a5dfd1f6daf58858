package zigapi_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/zigmirror"
	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/store/blob/fsblob"
	"github.com/org/registry-action/internal/store/kv/boltkv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/web/zigapi"
)

const rootToken = "root-token-of-the-test"

// node serves the protocol from real stores.
type node struct {
	t     *testing.T
	url   string
	auth  *auth.Service
	spool string
	log   *transcript
	token string // of who asks; "" shows none
}

// transcript is a log that handlers write while the test reads.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

type setup struct {
	readAuth   bool
	maxPackage int64
	mirror     *zigmirror.Service
}

func start(t *testing.T, c setup) *node {
	t.Helper()
	if c.maxPackage == 0 {
		c.maxPackage = 1 << 20
	}
	db, err := boltkv.Open(filepath.Join(t.TempDir(), "db"), boltkv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	blobs, err := fsblob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	n := &node{t: t, spool: t.TempDir(), token: rootToken, log: &transcript{}}
	log := slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), n.log), nil))
	life := lifetime.New(db, blobs, lifetime.Options{Horizon: time.Hour, Log: log})
	n.auth = auth.New(db, auth.Options{RootToken: rootToken, ReadAuth: c.readAuth})
	srv := httptest.NewUnstartedServer(nil)
	srv.Start()
	t.Cleanup(srv.Close)
	n.url = srv.URL
	api := &zigapi.API{
		Packages: zigpackages.New(db, blobs, life, zigpackages.Options{MaxPackage: c.maxPackage, SpoolDir: n.spool, Log: log}),
		Mirror:   c.mirror, Auth: n.auth, BaseURL: srv.URL, MaxPackage: c.maxPackage, ReadAuth: c.readAuth, Log: log,
	}
	srv.Config.Handler = httpkit.Front{Log: log}.Handler(httpkit.ScopedNames(api.Handler()))
	return n
}

// newToken makes a token and is the server, asked with it.
func (n *node) newToken(t auth.NewToken) *node {
	n.t.Helper()
	secret, _, err := n.auth.CreateToken(n.t.Context(), auth.Operator(), t)
	if err != nil {
		n.t.Fatal(err)
	}
	return n.as(secret)
}

// as is the same server, asked with another token.
func (n *node) as(token string) *node {
	other := *n
	other.token = token
	return &other
}

type answer struct {
	*http.Response
	body []byte
}

func (a answer) json() map[string]any {
	var m map[string]any
	_ = json.Unmarshal(a.body, &m) // nil tells enough
	return m
}

func (a answer) text(member string) string {
	s, _ := a.json()[member].(string)
	return s
}

// want fails the test if the answer has not the status, or not the text in its body.
func (a answer) want(t *testing.T, status int, text string) answer {
	t.Helper()
	if a.StatusCode != status || !strings.Contains(string(a.body), text) {
		t.Errorf("%s %s = %d %.600s, want %d with %q", a.Request.Method, a.Request.URL.RequestURI(), a.StatusCode, a.body, status, text)
	}
	return a
}

// do makes a request to a path as it stands. header holds "Name: value" lines.
func (n *node) do(method, path string, body io.Reader, header ...string) answer {
	n.t.Helper()
	req, err := http.NewRequestWithContext(n.t.Context(), method, n.url+"/", body)
	if err != nil {
		n.t.Fatal(err)
	}
	path, req.URL.RawQuery, _ = strings.Cut(path, "?")
	if req.URL.Path, err = url.PathUnescape(path); err != nil {
		n.t.Fatal(err)
	}
	req.URL.RawPath = path
	req.Header.Set("Accept-Encoding", "gzip, deflate") // as compilers do; the transport must not unpack
	if n.token != "" {
		req.Header.Set("Authorization", "Bearer "+n.token)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
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
	return n.do(http.MethodGet, path, nil, header...)
}

// part is a part of a form; one called tarball is sent as a file.
type part struct{ name, content string }

func (n *node) postForm(parts ...part) answer {
	n.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, p := range parts {
		var to io.Writer
		var err error
		if p.name == "tarball" {
			to, err = w.CreateFormFile(p.name, "my-zig-lib-1.0.0.tar.gz")
		} else {
			to, err = w.CreateFormField(p.name)
		}
		if err != nil {
			n.t.Fatal(err)
		}
		io.WriteString(to, p.content)
	}
	if err := w.Close(); err != nil {
		n.t.Fatal(err)
	}
	return n.do(http.MethodPost, "/zig/publish", &body, "Content-Type: "+w.FormDataContentType())
}

func (n *node) postJSON(text string) answer {
	n.t.Helper()
	return n.do(http.MethodPost, "/zig/publish", strings.NewReader(text), "Content-Type: application/json")
}

// publish publishes a version of a package and returns the answer.
func (n *node) publish(name, version, content string) answer {
	n.t.Helper()
	return n.postForm(part{"tarball", archive(n.t, zon(name, version), content)}).want(n.t, http.StatusCreated, `"success":true`)
}

// zon is a manifest as Zig 0.14 and later want it.
func zon(name, version string) string {
	fingerprint := uint64(crc32.ChecksumIEEE([]byte(name)))<<32 | 0x1234567
	return fmt.Sprintf(".{ .name = .%s, .version = %q, .fingerprint = 0x%016x, .paths = .{\"\"} }\n", name, version, fingerprint)
}

// archive is a tar.gz with a manifest and a source file, below a folder.
func archive(t *testing.T, manifest, content string) string {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	for _, f := range [][2]string{{"lib/build.zig.zon", manifest}, {"lib/build.zig", ""}, {"lib/src/root.zig", content}} {
		if err := tw.WriteHeader(&tar.Header{Name: f[0], Mode: 0o644, Size: int64(len(f[1]))}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(tw, f[1])
	}
	tw.Close()
	gz.Close()
	return b.String()
}

// spooled lists what is left of uploads.
func (n *node) spooled() []string {
	n.t.Helper()
	entries, err := os.ReadDir(n.spool)
	if err != nil {
		n.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
