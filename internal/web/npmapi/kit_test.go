package npmapi_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/domain/signing"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/format/signature"
	"github.com/org/registry-action/internal/store/cache"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/store/storetest"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/commitapi"
	"github.com/org/registry-action/internal/web/npmapi"
	"github.com/org/registry-action/internal/web/opsapi"
	"github.com/org/registry-action/internal/web/server"
)

const rootToken = "root-token-of-the-test"

// node is a whole server on real stores, with an upstream in memory.
type node struct {
	t        testing.TB
	url      string
	log      *storetest.Transcript
	auth     *auth.Service
	upstream *upstream
	token    string // sent with every request, unless a header says otherwise
}

// setup changes what a node is made of.
type setup struct {
	readAuth, signUp, open bool // open: without REGISTRY_TOKEN
	baseURL                string
	maxPackage             int64
	log                    slog.Handler // nil: node.log
}

func start(t testing.TB, c setup) *node {
	t.Helper()
	n := &node{t: t, log: &storetest.Transcript{}, token: rootToken, upstream: &upstream{}}
	srv := httptest.NewServer(nil)
	t.Cleanup(srv.Close)
	n.url = srv.URL
	if c.baseURL == "" {
		c.baseURL = srv.URL
	}
	if c.maxPackage == 0 {
		c.maxPackage = 10 << 20
	}
	srv.Config.Handler = n.handler(c)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(n.log)
		}
	})
	t.Cleanup(srv.Close) // before the stores
	return n
}

func (n *node) handler(c setup) http.Handler {
	t, log := n.t, slog.New(slog.NewTextHandler(n.log, nil))
	if c.log != nil {
		log = slog.New(c.log)
	}
	t.Helper()
	db := storetest.OpenDB(t, nil)
	blobs := storetest.OpenBlobs(t)
	kept, err := cache.Open(t.TempDir(), cache.Options{MaxBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })

	life := lifetime.New(db, blobs, lifetime.Options{Horizon: 100 * 24 * time.Hour, Log: log})
	keys := signing.New(db, signing.Options{})
	releases := packages.New(db, blobs, life, packages.Options{MaxPackage: c.maxPackage, SpoolDir: t.TempDir(), Signer: keys, Log: log})
	previews := commits.New(db, blobs, life, commits.Options{SpoolDir: t.TempDir()})
	options := auth.Options{RootToken: rootToken, ReadAuth: c.readAuth, SignUp: c.signUp}
	if c.open {
		options.RootToken = ""
	}
	n.auth = auth.New(db, options)
	shown := catalog.New(catalog.Sources{
		Releases: ours{releases}, Index: ours{releases}, Previews: ofCommits{previews}, Upstream: n.upstream, Signer: keys, Keyrings: []catalog.Keyring{keys},
	}, catalog.Options{Cache: kept, Rewrite: true, Log: log})
	return server.New(server.Config{
		Ops:     &opsapi.API{Log: log},
		Commits: &commitapi.API{Control: access.Control{Auth: n.auth}, Commits: previews, BaseURL: c.baseURL, MaxPackage: c.maxPackage, MaxPublish: 5 * c.maxPackage, Log: log},
		NPM: &npmapi.API{
			Control: access.Control{Auth: n.auth}, Packages: releases, Catalog: shown, Stylesheet: "/style.css?v=1", BaseURL: c.baseURL,
			MaxPackage: c.maxPackage, MaxPublish: 5 * c.maxPackage, SignUp: c.signUp, Log: log,
		},
		Log: log,
	})
}

// ours is what the catalog needs of the released packages.
type ours struct{ *packages.Service }

func (o ours) Version(ctx context.Context, name, versionOrTag string) (catalog.Found, error) {
	v, err := o.Service.Version(ctx, name, versionOrTag)
	return catalog.Found{Version: v.Version, PublishedAt: v.PublishedAt}, err
}

func (o ours) Tarball(ctx context.Context, name, version string, _ catalog.Want) (*catalog.Tarball, error) {
	c, v, err := o.Open(ctx, name, version)
	if err != nil {
		return nil, err
	}
	return &catalog.Tarball{File: c.ReadSeekCloser, Size: c.Size, ETag: v.Artifact.SHA256.Hex(), Closer: c}, nil
}

func (o ours) Search(ctx context.Context, text string, from, size int) ([]catalog.Result, int, error) {
	found, total, err := o.Service.Search(ctx, text, from, size)
	var out []catalog.Result
	for _, s := range found {
		out = append(out, catalog.Result{Name: s.Name, Version: s.Version, Description: s.Description, Keywords: s.Keywords,
			Author: s.Author, Publisher: s.Publisher, Owners: s.Owners, Date: s.Date})
	}
	return out, total, err
}

// ofCommits is what the catalog needs of the packages of commits.
type ofCommits struct{ *commits.Service }

func (p ofCommits) Revision(ctx context.Context, repository string) (string, error) {
	return p.PreviewRevision(ctx, repository)
}

func (p ofCommits) Previews(ctx context.Context, repository, name string) (catalog.PreviewSet, error) {
	found, err := p.Service.Previews(ctx, repository, name)
	set := catalog.PreviewSet{Tags: found.Tags, Latest: found.Latest, Until: found.Until}
	for _, v := range found.Versions {
		pv, err := packument.FromArchive(v.Archive)
		if err != nil {
			return set, err
		}
		pv.Dist = packument.Dist{Integrity: v.Artifact.Integrity, Shasum: v.Artifact.Shasum}
		set.Versions = append(set.Versions, catalog.Preview{Version: pv, PublishedAt: v.PublishedAt})
	}
	return set, err
}

func (p ofCommits) Tarball(ctx context.Context, repository, name, version string, _ catalog.Want) (*catalog.Tarball, error) {
	pkg, err := p.Preview(ctx, repository, name, version)
	if err != nil {
		return nil, err
	}
	c, err := p.Open(ctx, pkg)
	if err != nil {
		return nil, err
	}
	return &catalog.Tarball{File: c.ReadSeeker, Size: c.Size, ETag: pkg.Artifact.SHA256.Hex(), Closer: c}, nil
}

// upstream is a registry behind ours.
type upstream struct {
	mu       sync.Mutex
	texts    map[string]string // by name
	tarballs map[string]string // by file
	cut      bool              // tarballs end after half of them
	down     bool              // and what is known is stale
	asked    []string
}

func (u *upstream) note(name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.asked = append(u.asked, name)
}

func (u *upstream) Packument(_ context.Context, name string, _ packument.Form, _ bool) (*catalog.Foreign, error) {
	u.note(name)
	text, ok := u.texts[name]
	switch {
	case !ok && u.down:
		return nil, fault.New(fault.Unavailable, "upstream can't be asked for %q", name)
	case !ok:
		return nil, fault.New(fault.NotFound, "there is no package %q upstream", name)
	}
	return &catalog.Foreign{Text: io.NopCloser(strings.NewReader(text)), Size: int64(len(text)), ID: fmt.Sprintf("%x", sha1.Sum([]byte(text))), Stale: u.down}, nil
}

func (u *upstream) Tarball(_ context.Context, name, file string, _ bool) (*catalog.Tarball, error) {
	u.note(name)
	text, ok := u.tarballs[file]
	if !ok {
		return nil, fault.New(fault.NotFound, "there is no %s upstream", file)
	}
	size := int64(len(text))
	if u.cut {
		text = text[:len(text)/2]
	}
	return &catalog.Tarball{Stream: io.NopCloser(&ending{strings.NewReader(text), u.cut}), Size: size, ETag: "up-" + file}, nil
}

// ending is a stream that breaks off.
type ending struct {
	io.Reader
	broken bool
}

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	if err == io.EOF && e.broken {
		err = errors.New("connection reset")
	}
	return n, err
}

func (u *upstream) Search(context.Context, string, int, int) ([]json.RawMessage, int, error) {
	return []json.RawMessage{json.RawMessage(`{"package":{"name":"of-upstream","version":"3.0.0","date":"2020-01-01T00:00:00.000Z","publisher":{"username":"u"},"maintainers":[]},"searchScore":5}`)}, 1, nil
}

func (u *upstream) Advisories(_ context.Context, versions map[string][]string) (map[string]json.RawMessage, error) {
	for name := range versions {
		u.note(name)
	}
	return map[string]json.RawMessage{"lodash": json.RawMessage(`[{"id":1,"title":"bad"}]`)}, nil
}

func (u *upstream) Attestations(_ context.Context, name, _ string) (json.RawMessage, error) {
	u.note(name)
	return nil, fault.New(fault.NotFound, "no attestations")
}

func (u *upstream) Keys(context.Context) ([]signature.Key, error) { return nil, nil }

// answer is a response with its body.
type answer struct {
	*http.Response
	body []byte
}

func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.body, &m); err != nil {
		t.Fatalf("%s %s answered %d with %.300q, not JSON", a.Request.Method, a.Request.URL, a.StatusCode, a.body)
	}
	return m
}

// want fails the test if the answer has not the status, or not the text in its body.
func (a answer) want(t testing.TB, status int, text string) answer {
	t.Helper()
	if a.StatusCode != status || !strings.Contains(string(a.body), text) {
		t.Fatalf("%s %s = %d %.500s, want %d with %q", a.Request.Method, a.Request.URL.RequestURI(), a.StatusCode, a.body, status, text)
	}
	return a
}

// do makes a request as it stands, without cleaning its path or decoding the
// answer. header holds "Name: value" lines; "Name: " removes what is sent else.
func (n *node) do(method, path string, body any, header ...string) answer {
	n.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case []byte:
		r = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			n.t.Fatal(err)
		}
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(n.t.Context(), method, n.url+"/", r)
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
	req.Header.Set("User-Agent", "test")
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		if req.Header.Set(name, value); value == "" {
			req.Header.Del(name)
		}
	}
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
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
	return n.do("GET", path, nil, header...)
}

// as is the same server, asked with another token; "" shows none.
func (n *node) as(token string) *node {
	other := *n
	other.token = token
	return &other
}

// user makes an account and returns the server as that user sees it.
func (n *node) user(name string) *node {
	n.t.Helper()
	body := map[string]string{"name": name, "password": "password of " + name, "email": name + "@example.com"}
	a := n.as(rootToken).do("PUT", "/-/user/org.couchdb.user:"+name, body).want(n.t, 201, `"token"`)
	return n.as(a.json(n.t)["token"].(string))
}

// tgz makes a tarball as npm would; manifest has the members of package.json besides name and version.
func tgz(t testing.TB, name, version string, manifest ...string) []byte {
	t.Helper()
	text := fmt.Sprintf(`{"name":%q,"version":%q%s}`, name, version, strings.Join(append([]string{""}, manifest...), ","))
	return pack(t, text, "module.exports = "+version)
}

// pack makes a tarball of a package.json and an index.js.
func pack(t testing.TB, manifest, index string) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	for _, f := range [][2]string{{"package/package.json", manifest}, {"package/index.js", index}} {
		if err := tw.WriteHeader(&tar.Header{Name: f[0], Mode: 0o644, Size: int64(len(f[1]))}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(tw, f[1])
	}
	tw.Close()
	gz.Close()
	return b.Bytes()
}

func integrity(b []byte) string {
	sum := sha512.Sum512(b)
	return "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

type object = map[string]any

// document is the body of a publish as npm sends it; edit changes it.
func document(name, version string, tarball []byte, edit ...func(doc, release object)) object {
	sum := sha1.Sum(tarball)
	release := object{
		"_id": name + "@" + version, "name": name, "version": version, "readme": "# " + name, "gitHead": "abc123", "_nodeVersion": "24.0.0", "_npmVersion": "11.0.0",
		"dist": object{"integrity": integrity(tarball), "shasum": hex.EncodeToString(sum[:]), "tarball": "http://evil.example/x.tgz"},
	}
	doc := object{
		"_id": name, "name": name, "dist-tags": object{"latest": version}, "versions": object{version: release}, "access": nil,
		"_attachments": object{name + "-" + version + ".tgz": object{
			"content_type": "application/octet-stream", "data": base64.StdEncoding.EncodeToString(tarball), "length": len(tarball)}},
	}
	for _, f := range edit {
		f(doc, release)
	}
	return doc
}

func escaped(name string) string { return strings.Replace(name, "/", "%2f", 1) }

// publish publishes a package and fails the test if that is refused.
func (n *node) publish(name, version string, manifest ...string) []byte {
	n.t.Helper()
	b := tgz(n.t, name, version, manifest...)
	n.do("PUT", "/"+escaped(name), document(name, version, b)).want(n.t, 201, `"ok":true`)
	return b
}

// packument reads a packument as somebody who is about to write.
func (n *node) packument(name string) object {
	n.t.Helper()
	return n.get("/"+escaped(name)+"?write=true").want(n.t, 200, "").json(n.t)
}
