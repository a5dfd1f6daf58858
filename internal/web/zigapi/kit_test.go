package zigapi_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"hash/crc32"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/zigmirror"
	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/webtest"
	"github.com/org/registry-action/internal/web/zigapi"
)

// node serves the protocol from real stores.
type node struct {
	webtest.Client
	*webtest.Stores
	auth *auth.Service
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
	n := &node{Stores: webtest.OpenStores(t)}
	n.auth = auth.New(n.DB, auth.Options{RootToken: webtest.RootToken, ReadAuth: c.readAuth})
	n.Client = webtest.Serve(t, n.Log, func(url string) http.Handler {
		api := &zigapi.API{
			Packages: zigpackages.New(n.DB, n.Blobs, n.Life, zigpackages.Options{MaxPackage: c.maxPackage, SpoolDir: n.Spool, Log: n.Log}),
			Mirror:   c.mirror, Control: access.Control{Auth: n.auth}, BaseURL: url, MaxPackage: c.maxPackage, Log: n.Log,
		}
		return api.Handler()
	})
	n.Header = []string{"Accept-Encoding: gzip, deflate"} // as compilers do; the transport must not unpack
	return n
}

// newToken makes a token and is the server, asked with it.
func (n *node) newToken(t auth.NewToken) *node {
	n.T.Helper()
	secret, _, err := n.auth.CreateToken(n.T.Context(), auth.Operator(), t)
	if err != nil {
		n.T.Fatal(err)
	}
	return n.as(secret)
}

// as is the same server, asked with another token.
func (n *node) as(token string) *node {
	other := *n
	other.Token = token
	return &other
}

// part is a part of a form; one called tarball is sent as a file.
type part struct{ name, content string }

func (n *node) postForm(parts ...part) webtest.Answer {
	n.T.Helper()
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
			n.T.Fatal(err)
		}
		io.WriteString(to, p.content)
	}
	if err := w.Close(); err != nil {
		n.T.Fatal(err)
	}
	return n.Do(http.MethodPost, "/zig/publish", &body, "Content-Type: "+w.FormDataContentType())
}

func (n *node) postJSON(text string) webtest.Answer {
	n.T.Helper()
	return n.Do(http.MethodPost, "/zig/publish", strings.NewReader(text), "Content-Type: application/json")
}

// publish publishes a version of a package and returns the answer.
func (n *node) publish(name, version, content string) webtest.Answer {
	n.T.Helper()
	return n.postForm(part{"tarball", archive(n.T, zon(name, version), content)}).Want(n.T, http.StatusCreated, `"success":true`)
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
