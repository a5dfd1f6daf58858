package lumenapi_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
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
	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/blob/fsblob"
	"github.com/org/registry-action/internal/store/kv/boltkv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/web/lumenapi"
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
	unscoped   bool
	signatures lumenpackages.SignaturePolicy
	now        func() time.Time
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
	api := &lumenapi.API{
		Packages: lumenpackages.New(db, blobs, life, lumenpackages.Options{MaxPackage: c.maxPackage, SpoolDir: n.spool, Unscoped: c.unscoped, Signatures: c.signatures, Name: "my-lumen-registry", Now: c.now, Log: log}),
		Control:  access.Control{Auth: n.auth}, MaxPackage: c.maxPackage, Log: log,
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

// lacks fails the test if the answer has a text in its body.
func (a answer) lacks(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(string(a.body), text) {
		t.Errorf("%s %s answers %.600s, want none of %q", a.Request.Method, a.Request.URL.RequestURI(), a.body, text)
	}
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

// push publishes an archive as the client does.
func (n *node) push(name, version, archive string) answer {
	n.t.Helper()
	sum := sha256.Sum256([]byte(archive))
	body := fmt.Sprintf(`{"name":%q,"version":%q,"tarball":%q,"shasum":"%x","signature":{"signature":"c2ln","certificate":"k","identity":"ed25519","key_id":"k","timestamp":"2026-03-11T10:20:30.123456789+00:00"},"proof":{"timestamp":"t","resolver_type":"SAT-v1","explanation":"","decisions":[],"conflicts_solved":0}}`,
		name, version, base64.StdEncoding.EncodeToString([]byte(archive)), sum)
	return n.put("/lumen/v1/wares", body, "Content-Type: application/json", fmt.Sprintf("X-Lumen-Content-Hash: sha256:%x", sum),
		"X-Lumen-Signature: ed25519=c2ln", "X-Lumen-Key-Id: k", "X-Lumen-Timestamp: 2026-03-11T10:20:30.123456789+00:00")
}

func (n *node) put(path, body string, header ...string) answer {
	n.t.Helper()
	return n.do(http.MethodPut, path, strings.NewReader(body), header...)
}

// publish publishes a version of a package.
func (n *node) publish(name, version string) answer {
	n.t.Helper()
	return n.push(name, version, archive(n.t, manifest(name, version), name+version)).want(n.t, http.StatusCreated, `"success":true`)
}

// manifest is a lumen.toml; more are lines of it, those of [package] first.
func manifest(name, version string, more ...string) string {
	return fmt.Sprintf("[package]\nname = %q\nversion = %q\n%s\n", name, version, strings.Join(more, "\n"))
}

// archive is a plain tar with a manifest and a source file, as the client's publish makes it.
func archive(t *testing.T, manifest, content string) string {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for _, f := range [][2]string{{"lumen.toml", manifest}, {"src/main.lm", content}} {
		if err := tw.WriteHeader(&tar.Header{Name: f[0], Mode: 0o644, Size: int64(len(f[1])), Format: tar.FormatGNU}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(tw, f[1])
	}
	tw.Close()
	return b.String()
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	io.WriteString(gz, text)
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// pathOf is where an archive is served.
func pathOf(archive, kind string) string {
	return "/lumen/" + lumen.ArtifactPath(digest.Of([]byte(archive)), kind)
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
