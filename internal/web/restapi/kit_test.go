package restapi_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/domain/signing"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/store/cache"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/restapi"
	"github.com/org/registry-action/internal/web/webtest"
)

// node serves the protocol from real stores, with an upstream in memory.
type node struct {
	webtest.Client
	*webtest.Stores
	auth     *auth.Service
	packages *packages.Service
	upstream *upstream
}

type setup struct {
	readAuth   bool
	maxPackage int64
}

func start(t *testing.T, c setup) *node {
	t.Helper()
	if c.maxPackage == 0 {
		c.maxPackage = 1 << 20
	}
	kept, err := cache.Open(t.TempDir(), cache.Options{MaxBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })
	n := &node{Stores: webtest.OpenStores(t), upstream: &upstream{}}
	keys := signing.New(n.DB, signing.Options{})
	n.packages = packages.New(n.DB, n.Blobs, n.Life, packages.Options{MaxPackage: c.maxPackage, SpoolDir: n.Spool, Signer: keys, Log: n.Log})
	n.auth = auth.New(n.DB, auth.Options{RootToken: webtest.RootToken, ReadAuth: c.readAuth})
	shown := catalog.New(catalog.Sources{
		Releases: releases{n.packages}, Index: releases{n.packages}, Upstream: n.upstream, Signer: keys, Keyrings: []catalog.Keyring{keys},
	}, catalog.Options{Cache: kept, Rewrite: true, Log: n.Log})
	n.Client = webtest.Serve(t, n.Log, func(url string) http.Handler {
		api := &restapi.API{Control: access.Control{Auth: n.auth}, Catalog: shown, Packages: n.packages, BaseURL: url, MaxPackage: c.maxPackage, Log: n.Log}
		return api.Handler()
	})
	return n
}

// releases joins the packages to the catalog.
type releases struct{ *packages.Service }

func (r releases) Version(ctx context.Context, name, versionOrTag string) (catalog.Found, error) {
	v, err := r.Service.Version(ctx, name, versionOrTag)
	return catalog.Found{Version: v.Version, PublishedAt: v.PublishedAt, Checksum: v.Artifact.SHA256.String()}, err
}

func (r releases) Tarball(ctx context.Context, name, version string, _ catalog.Want) (*catalog.Tarball, error) {
	c, v, err := r.Open(ctx, name, version)
	if err != nil {
		return nil, err
	}
	return &catalog.Tarball{File: c.ReadSeekCloser, Closer: c, Size: c.Size, ETag: v.Artifact.SHA256.Hex()}, nil
}

func (r releases) Search(ctx context.Context, text string, from, size int) ([]catalog.Result, int, error) {
	found, total, err := r.Service.Search(ctx, text, from, size)
	var out []catalog.Result
	for _, s := range found {
		out = append(out, catalog.Result{Name: s.Name, Version: s.Version, Description: s.Description, Keywords: s.Keywords, Author: s.Author})
	}
	return out, total, err
}

// upstream is the registry behind ours.
type upstream struct {
	texts map[string]string // packuments by name
	files map[string]string // tarballs by file
	short bool              // tarballs break off
	asked []string
}

func (u *upstream) Packument(_ context.Context, name string, _ packument.Form, _ bool) (*catalog.Foreign, error) {
	u.asked = append(u.asked, name)
	text, ok := u.texts[name]
	if !ok {
		return nil, fault.New(fault.NotFound, "there is no package %q upstream", name)
	}
	return &catalog.Foreign{Text: io.NopCloser(strings.NewReader(text)), Size: int64(len(text)), ID: fmt.Sprint(len(text))}, nil
}

func (u *upstream) Tarball(_ context.Context, name, file string, _ bool) (*catalog.Tarball, error) {
	u.asked = append(u.asked, name)
	text, ok := u.files[file]
	if !ok {
		return nil, fault.New(fault.NotFound, "there is no tarball %q upstream", file)
	}
	t := &catalog.Tarball{Size: int64(len(text)), ETag: "up-" + file}
	if u.short {
		text = text[:len(text)/2]
	}
	t.Stream = io.NopCloser(strings.NewReader(text))
	return t, nil
}

func (u *upstream) Search(context.Context, string, int, int) ([]json.RawMessage, int, error) {
	return []json.RawMessage{json.RawMessage(`{"package":{"name":"of-upstream","version":"3.0.0"}}`)}, 1, nil
}

func (u *upstream) Advisories(context.Context, map[string][]string) (map[string]json.RawMessage, error) {
	return nil, errors.New("not asked here")
}

func (u *upstream) Attestations(context.Context, string, string) (json.RawMessage, error) {
	return nil, errors.New("not asked here")
}

// as is the same server, asked with another token; "" shows none.
func (n *node) as(token string) *node {
	other := *n
	other.Token = token
	return &other
}

// part is a part of a form, as a Pantry client sends it: the metadata as
// text/plain, the tarball as a file.
type part struct{ name, content string }

func form(t *testing.T, parts ...part) (body *bytes.Buffer, header string) {
	t.Helper()
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	for _, p := range parts {
		h := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf("form-data; name=%q", p.name)}, "Content-Type": {"text/plain"}}
		if p.name == "tarball" {
			h = textproto.MIMEHeader{"Content-Disposition": {`form-data; name="tarball"; filename="package.tgz"`}, "Content-Type": {"application/gzip"}}
		}
		part, err := w.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(part, p.content)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return body, "Content-Type: " + w.FormDataContentType()
}

func (n *node) postForm(parts ...part) webtest.Answer {
	n.T.Helper()
	body, header := form(n.T, parts...)
	return n.Do(http.MethodPost, "/publish", body, header)
}

func (n *node) postJSON(text string) webtest.Answer {
	n.T.Helper()
	return n.Do(http.MethodPost, "/publish", strings.NewReader(text), "Content-Type: application/json")
}

// publish publishes a package.json as the Pantry client does and returns its tarball.
func (n *node) publish(manifest string) string {
	n.T.Helper()
	file := tgz(n.T, manifest)
	n.postForm(part{"metadata", manifest}, part{"tarball", file}).Want(n.T, http.StatusCreated, `"success":true`)
	return file
}

// tgz makes a tarball as npm would.
func tgz(t *testing.T, manifest string) string {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	for _, f := range [][2]string{{"package/package.json", manifest}, {"package/index.js", "module.exports = 1"}} {
		if err := tw.WriteHeader(&tar.Header{Name: f[0], Mode: 0o644, Size: int64(len(f[1]))}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(tw, f[1])
	}
	tw.Close()
	gz.Close()
	return b.String()
}

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
