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
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/domain/signing"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/store/blob/fsblob"
	"github.com/org/registry-action/internal/store/cache"
	"github.com/org/registry-action/internal/store/kv/boltkv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/web/restapi"
)

const rootToken = "root-token-of-the-test"

// node serves the protocol from real stores, with an upstream in memory.
type node struct {
	t        *testing.T
	url      string
	auth     *auth.Service
	packages *packages.Service
	upstream *upstream
	spool    string
	token    string
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
	kept, err := cache.Open(t.TempDir(), cache.Options{MaxBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	n := &node{t: t, upstream: &upstream{}, spool: t.TempDir(), token: rootToken}
	life := lifetime.New(db, blobs, lifetime.Options{Horizon: time.Hour, Log: log})
	keys := signing.New(db, nil)
	n.packages = packages.New(db, blobs, life, packages.Options{MaxPackage: c.maxPackage, SpoolDir: n.spool, Signer: keys, Log: log})
	n.auth = auth.New(db, auth.Options{RootToken: rootToken, ReadAuth: c.readAuth})
	shown := catalog.New(catalog.Sources{
		Releases: releases{n.packages}, Index: releases{n.packages}, Upstream: n.upstream, Signer: keys, Keyrings: []catalog.Keyring{keys},
	}, catalog.Options{Cache: kept, Rewrite: true, Log: log})
	srv := httptest.NewUnstartedServer(nil)
	srv.Start()
	t.Cleanup(srv.Close)
	n.url = srv.URL
	api := &restapi.API{Catalog: shown, Packages: n.packages, Auth: n.auth, BaseURL: srv.URL, MaxPackage: c.maxPackage, ReadAuth: c.readAuth, Log: log}
	srv.Config.Handler = httpkit.Front{Log: log}.Handler(httpkit.ScopedNames(api.Handler()))
	return n
}

// releases joins the packages to the catalog.
type releases struct{ *packages.Service }

func (r releases) Version(ctx context.Context, name, versionOrTag string) (catalog.Found, error) {
	v, err := r.Service.Version(ctx, name, versionOrTag)
	return catalog.Found{Version: v.Version, PublishedAt: v.PublishedAt, Checksum: v.Artifact.SHA256.String()}, err
}

func (r releases) Tarball(ctx context.Context, name, version string) (*catalog.Tarball, error) {
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

type answer struct {
	*http.Response
	body []byte
}

func (a answer) json() map[string]any {
	var m map[string]any
	_ = json.Unmarshal(a.body, &m) // nil tells enough
	return m
}

// want fails the test if the answer has not the status, or not the text in its body.
func (a answer) want(t *testing.T, status int, text string) answer {
	t.Helper()
	if a.StatusCode != status || !strings.Contains(string(a.body), text) {
		t.Errorf("%s %s = %d %.400s, want %d with %q", a.Request.Method, a.Request.URL.RequestURI(), a.StatusCode, a.body, status, text)
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
	if err != nil && resp.ContentLength != int64(len(b)) && !errors.Is(err, io.ErrUnexpectedEOF) {
		n.t.Fatal(err)
	}
	return answer{resp, b}
}

func (n *node) get(path string, header ...string) answer {
	n.t.Helper()
	return n.do(http.MethodGet, path, nil, header...)
}

// as is the same server, asked with another token; "" shows none.
func (n *node) as(token string) *node {
	other := *n
	other.token = token
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

func (n *node) postForm(parts ...part) answer {
	n.t.Helper()
	body, header := form(n.t, parts...)
	return n.do(http.MethodPost, "/publish", body, header)
}

func (n *node) postJSON(text string) answer {
	n.t.Helper()
	return n.do(http.MethodPost, "/publish", strings.NewReader(text), "Content-Type: application/json")
}

// publish publishes a package.json as the Pantry client does and returns its tarball.
func (n *node) publish(manifest string) string {
	n.t.Helper()
	file := tgz(n.t, manifest)
	n.postForm(part{"metadata", manifest}, part{"tarball", file}).want(n.t, http.StatusCreated, `"success":true`)
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

// spooled lists what is left of uploads.
func (n *node) spooled() []string {
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
