package adminapi_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/domain/signing"
	"github.com/org/registry-action/internal/domain/trust"
	"github.com/org/registry-action/internal/store/blob/fsblob"
	"github.com/org/registry-action/internal/store/kv/boltkv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/adminapi"
	"github.com/org/registry-action/internal/web/commitapi"
	"github.com/org/registry-action/internal/web/httpkit"
)

const (
	rootToken    = "root-token-of-the-test"
	controlToken = "control-token-of-the-test"
)

// node is the administration on real stores. The client is the operator's, in
// the same process.
type node struct {
	*adminclient.Client
	t        *testing.T
	api      *adminapi.API
	handler  http.Handler
	auth     *auth.Service
	packages *packages.Service
	log      *buffer
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *buffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func start(t *testing.T) *node {
	t.Helper()
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
	n := &node{t: t, log: &buffer{}}
	log := slog.New(slog.NewTextHandler(n.log, nil))
	life := lifetime.New(db, blobs, lifetime.Options{Horizon: time.Hour, Log: log})
	keys := signing.New(db, nil)
	n.auth = auth.New(db, auth.Options{RootToken: rootToken})
	n.packages = packages.New(db, blobs, life, packages.Options{MaxPackage: 64 << 10, SpoolDir: t.TempDir(), Signer: keys, Log: log})
	repositories := &commitapi.API{Commits: commits.New(db, blobs, life, commits.Options{SpoolDir: t.TempDir()}), Control: access.Control{Auth: n.auth}}
	lumen := lumenpackages.New(db, blobs, life, lumenpackages.Options{MaxPackage: 64 << 10, SpoolDir: t.TempDir(), Log: log})
	issuers, err := trust.ParseIssuers(nil)
	if err != nil {
		t.Fatal(err)
	}
	trusted := trust.New(db, trust.Options{Issuers: issuers, Log: log})
	t.Cleanup(trusted.Close)
	n.api = &adminapi.API{Auth: n.auth, Trust: trusted, Packages: n.packages, Lumen: lumen, Repositories: repositories, Signing: keys, MaxPackage: 64 << 10, ControlToken: controlToken, Log: log}
	n.handler = httpkit.Front{Log: log}.Handler(n.api.Handler())
	n.Client = adminclient.InProcess(n.handler, controlToken)
	return n
}

// request makes a request as it would come over the network.
func (n *node) request(method, path, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	n.t.Helper()
	r := httptest.NewRequestWithContext(n.t.Context(), method, path, strings.NewReader(body))
	r.RemoteAddr, r.Host = "127.0.0.1:50000", "localhost:3000"
	r.Header.Set("Content-Type", "application/json")
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	n.handler.ServeHTTP(w, r)
	return w
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
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
