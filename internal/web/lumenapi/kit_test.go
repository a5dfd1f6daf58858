package lumenapi_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/lumenapi"
	"github.com/org/registry-action/internal/web/webtest"
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
	unscoped   bool
	signatures lumenpackages.SignaturePolicy
	now        func() time.Time
}

func start(t *testing.T, c setup) *node {
	t.Helper()
	if c.maxPackage == 0 {
		c.maxPackage = 1 << 20
	}
	n := &node{Stores: webtest.OpenStores(t)}
	n.auth = auth.New(n.DB, auth.Options{RootToken: webtest.RootToken, ReadAuth: c.readAuth})
	n.Client = webtest.Serve(t, n.Log, func(string) http.Handler {
		api := &lumenapi.API{
			Packages: lumenpackages.New(n.DB, n.Blobs, n.Life, lumenpackages.Options{
				MaxPackage: c.maxPackage, SpoolDir: n.Spool, Unscoped: c.unscoped, Signatures: c.signatures, Name: "my-lumen-registry", Now: c.now, Log: n.Log,
			}),
			Control: access.Control{Auth: n.auth}, MaxPackage: c.maxPackage, Log: n.Log,
		}
		return api.Handler()
	})
	n.Header = []string{"Accept-Encoding: gzip, deflate"} // the transport must not unpack
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

// push publishes an archive as the client does.
func (n *node) push(name, version, archive string) webtest.Answer {
	n.T.Helper()
	sum := sha256.Sum256([]byte(archive))
	body := fmt.Sprintf(`{"name":%q,"version":%q,"tarball":%q,"shasum":"%x","signature":{"signature":"c2ln","certificate":"k","identity":"ed25519","key_id":"k","timestamp":"2026-03-11T10:20:30.123456789+00:00"},"proof":{"timestamp":"t","resolver_type":"SAT-v1","explanation":"","decisions":[],"conflicts_solved":0}}`,
		name, version, base64.StdEncoding.EncodeToString([]byte(archive)), sum)
	return n.put("/lumen/v1/wares", body, "Content-Type: application/json", fmt.Sprintf("X-Lumen-Content-Hash: sha256:%x", sum),
		"X-Lumen-Signature: ed25519=c2ln", "X-Lumen-Key-Id: k", "X-Lumen-Timestamp: 2026-03-11T10:20:30.123456789+00:00")
}

func (n *node) put(path, body string, header ...string) webtest.Answer {
	n.T.Helper()
	return n.Do(http.MethodPut, path, strings.NewReader(body), header...)
}

// publish publishes a version of a package.
func (n *node) publish(name, version string) webtest.Answer {
	n.T.Helper()
	return n.push(name, version, archive(n.T, manifest(name, version), name+version)).Want(n.T, http.StatusCreated, `"success":true`)
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
