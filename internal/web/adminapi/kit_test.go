package adminapi_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/domain/signing"
	"github.com/org/registry-action/internal/domain/trust"
	"github.com/org/registry-action/internal/store/storetest"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/adminapi"
	"github.com/org/registry-action/internal/web/commitapi"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/web/webtest"
)

const controlToken = "control-token-of-the-test"

// node is the administration on real stores. The client is the operator's, in
// the same process.
type node struct {
	*adminclient.Client
	t        *testing.T
	api      *adminapi.API
	handler  http.Handler
	auth     *auth.Service
	packages *packages.Service
	log      *storetest.Transcript
}

func start(t *testing.T) *node {
	t.Helper()
	st := webtest.OpenStores(t)
	n := &node{t: t, log: st.Lines}
	keys := signing.New(st.DB, signing.Options{})
	n.auth = auth.New(st.DB, auth.Options{RootToken: webtest.RootToken})
	n.packages = packages.New(st.DB, st.Blobs, st.Life, packages.Options{MaxPackage: 64 << 10, SpoolDir: st.Spool, Signer: keys, Log: st.Log})
	repositories := &commitapi.API{Commits: commits.New(st.DB, st.Blobs, st.Life, commits.Options{SpoolDir: st.Spool}), Control: access.Control{Auth: n.auth}}
	lumen := lumenpackages.New(st.DB, st.Blobs, st.Life, lumenpackages.Options{MaxPackage: 64 << 10, SpoolDir: st.Spool, Log: st.Log})
	issuers, err := trust.ParseIssuers(nil)
	if err != nil {
		t.Fatal(err)
	}
	trusted := trust.New(st.DB, trust.Options{Issuers: issuers, Log: st.Log})
	t.Cleanup(trusted.Close)
	n.api = &adminapi.API{Auth: n.auth, Trust: trusted, Packages: n.packages, Lumen: lumen, Repositories: repositories, Signing: keys, MaxPackage: 64 << 10, ControlToken: controlToken, Log: st.Log}
	n.handler = httpkit.Front{Log: st.Log}.Handler(n.api.Handler())
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
