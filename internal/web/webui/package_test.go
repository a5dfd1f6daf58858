package webui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/domain/domaintest"
	"github.com/org/registry-action/internal/domain/files"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/domain/signing"
	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/store/cache"
	"github.com/org/registry-action/internal/web/webtest"
)

// shelf is a server's pages of npm packages over real stores, with an upstream in memory.
type shelf struct {
	previews
	upstream *beyond
	needed   *needed
}

func newShelf(t *testing.T, readAuth bool) *shelf {
	t.Helper()
	s := webtest.OpenStores(t)
	kept, err := cache.Open(t.TempDir(), cache.Options{MaxBytes: 1 << 28})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })
	counts := stats.New(s.DB, stats.Options{})
	t.Cleanup(func() { counts.Close() })
	keys := signing.New(s.DB, signing.Options{})
	ours := packages.New(s.DB, s.Blobs, s.Life, packages.Options{SpoolDir: s.Spool, Signer: keys, Log: s.Log})
	up := &beyond{texts: map[string]string{}, files: map[string]string{}}
	index := &needed{by: map[string][]Found{}}
	return &shelf{previews{t: t, db: s.DB, UI: New(Config{
		Packages: ours,
		Catalog: catalog.New(catalog.Sources{
			Releases: shelved{ours}, Index: shelved{ours}, Upstream: up, Signer: keys, Keyrings: []catalog.Keyring{keys},
		}, catalog.Options{Cache: kept, Rewrite: true, Log: s.Log}),
		Auth:  auth.New(s.DB, auth.Options{RootToken: webtest.RootToken, ReadAuth: readAuth}),
		Files: files.New(kept, files.Options{}), Stats: counts, Search: index,
		Site: "Test", BaseURL: publicURL, Version: "1.0.0", Log: s.Log,
	})}, up, index}
}

// shelved joins the packages to the catalog.
type shelved struct{ *packages.Service }

func (r shelved) Version(ctx context.Context, name, versionOrTag string) (catalog.Found, error) {
	v, err := r.Service.Version(ctx, name, versionOrTag)
	return catalog.Found{Version: v.Version, PublishedAt: v.PublishedAt, Checksum: v.Artifact.SHA256.String()}, err
}

func (r shelved) Tarball(ctx context.Context, name, version string, _ catalog.Want) (*catalog.Tarball, error) {
	c, v, err := r.Open(ctx, name, version)
	if err != nil {
		return nil, err
	}
	return &catalog.Tarball{File: c.ReadSeekCloser, Closer: c, Size: c.Size, ETag: v.Artifact.SHA256.Hex()}, nil
}

func (r shelved) Search(context.Context, string, int, int) ([]catalog.Result, int, error) {
	return nil, 0, nil
}

// beyond is the registry behind ours.
type beyond struct {
	texts map[string]string // packuments by name
	files map[string]string // tarballs by file
}

func (b *beyond) Packument(_ context.Context, name string, _ packument.Form, _ bool) (*catalog.Foreign, error) {
	text, ok := b.texts[name]
	if !ok {
		return nil, fault.New(fault.NotFound, "there is no package %q upstream", name)
	}
	return &catalog.Foreign{Text: io.NopCloser(strings.NewReader(text)), Size: int64(len(text)), ID: fmt.Sprint(len(text))}, nil
}

func (b *beyond) Tarball(_ context.Context, _, file string, _ bool) (*catalog.Tarball, error) {
	text, ok := b.files[file]
	if !ok {
		return nil, fault.New(fault.Unavailable, "upstream is away")
	}
	return &catalog.Tarball{Size: int64(len(text)), Stream: io.NopCloser(strings.NewReader(text))}, nil
}

func (b *beyond) Search(context.Context, string, int, int) ([]json.RawMessage, int, error) {
	return nil, 0, nil
}

func (b *beyond) Advisories(context.Context, map[string][]string) (map[string]json.RawMessage, error) {
	return nil, errors.New("not asked here")
}

func (b *beyond) Attestations(context.Context, string, string) (json.RawMessage, error) {
	return nil, errors.New("not asked here")
}

// tgz packs files as npm does.
func tgz(t *testing.T, manifest string, content map[string]string) []byte {
	t.Helper()
	all := map[string]string{"package/package.json": manifest}
	for name, text := range content {
		all["package/"+name] = text
	}
	return domaintest.Gzip(t, domaintest.Tar(t, all))
}

// release publishes a version.
func (s *shelf) release(manifest string, content map[string]string, tags ...string) {
	s.t.Helper()
	up, err := s.Packages.Receive(s.t.Context(), auth.Operator(), bytes.NewReader(tgz(s.t, manifest, content)))
	if err != nil {
		s.t.Fatal(err)
	}
	defer up.Close()
	if _, err := s.Packages.Publish(s.t.Context(), auth.Operator(), packages.Release{Upload: up, Tags: tags}); err != nil {
		s.t.Fatal(err)
	}
}

// acme is a package with two versions.
func (s *shelf) acme() {
	s.release(`{"name":"@acme/core","version":"1.0.0","description":"The core.","dependencies":{"left-pad":"^1.0.0","gone":"1"},"scripts":{"test":"old"}}`, map[string]string{
		"README.md": "# Core\n\nOld.", "lib/index.js": "one\ntwo\nthree\n", "old.js": "x",
	})
	s.release(`{"name":"@acme/core","version":"1.1.0","description":"The core.","license":"MIT","homepage":"javascript:alert(1)","repository":{"type":"git","url":"git+https://github.com/acme/core.git"},
		"bugs":"https://a.example/issues","keywords":["fast","<b>"],"dependencies":{"left-pad":"^1.1.0","@acme/util":"~2"},"devDependencies":{"x":"*"},"bin":{"core":"lib/index.js"}}`, map[string]string{
		"README.md":    "# Core\n\nSee [the code](lib/index.js), [nothing](none.js) and ![logo](img/logo.png) ![far](https://far.example/x.png).\n\n<script>window.pwned=1</script>",
		"lib/index.js": "one\n2\nthree\n", "img/logo.png": "\x89PNG\r\n\x1a\n\x00", "img/x.svg": `<svg xmlns="http://www.w3.org/2000/svg"><script>window.pwned=1</script></svg>`, "page.html": "<script>window.pwned=1</script>", "data.bin": "\x00\x01",
	})
}

func TestPackagePage(t *testing.T) {
	s := newShelf(t, false)
	s.acme()
	for _, path := range []string{"/packages/@acme/core", "/packages/@acme%2fcore", "/packages/@acme/core/1.1.0", "/packages/@acme/core/latest"} {
		body := s.shows(path, http.StatusOK, `<title>@acme/core 1.1.0 · Test</title>`, "The core.", `<h2 id="readme-core">Core</h2>`,
			`href="/base/packages/@acme%2Fcore/1.1.0/files/lib/index.js"`, `src="/base/-/web/raw/packages/@acme%2Fcore/1.1.0/img/logo.png"`,
			`<a href="https://far.example/x.png" rel="nofollow noopener noreferrer ugc">far</a>`,
			"npm install @acme/core --registry https://packages.example/base/", "@acme:registry=https://packages.example/base/",
			"MIT", `<a href="https://github.com/acme/core" rel=`, `href="/base/search?q=%3cb%3e"`, "sha512-", `<span class="badge good">verified</span>`,
			`href="https://packages.example/base/@acme/core/-/core-1.1.0.tgz"`)
		for _, bad := range []string{"pwned", "javascript:", "<b>", " style=", "none.js"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s shows %q: %s", path, bad, body)
			}
		}
		if len(body) > 60<<10 {
			t.Errorf("%s has %d bytes", path, len(body))
		}
	}
	s.shows("/packages/@acme/core/1.0.0", http.StatusOK, `The latest version is <a href="/base/packages/@acme%2Fcore">1.1.0</a>`, "npm install @acme/core@1.0.0 ", "Old.")
	s.shows("/packages/@acme/core/9.9.9", http.StatusNotFound, "has no version or dist-tag &#34;9.9.9&#34;")
	s.shows("/packages/none", http.StatusNotFound, "There is nothing here")
	s.shows("/packages/@acme/core/1.1.0/dependencies", http.StatusOK, `href="/base/packages/@acme%2Futil"`, "~2", "Development dependencies")
	s.shows("/packages/@acme/core/versions", http.StatusOK, `<option selected>1.0.0</option>`, `<span class="badge good">latest</span>`, `href="/base/packages/@acme%2Fcore/1.0.0"`)
}

func TestDeprecatedAndGone(t *testing.T) {
	s := newShelf(t, false)
	s.acme()
	if err := s.Packages.Deprecate(t.Context(), auth.Operator(), "@acme/core", map[string]string{"1.0.0": "use <b>1.1.0</b>"}); err != nil {
		t.Fatal(err)
	}
	s.shows("/packages/@acme/core/1.0.0", http.StatusOK, "<strong>Deprecated:</strong> use &lt;b&gt;1.1.0&lt;/b&gt;")
	s.shows("/packages/@acme/core/versions", http.StatusOK, ">deprecated</span>")
	if err := s.Packages.UnpublishAll(t.Context(), auth.Operator(), "@acme/core", ""); err != nil {
		t.Fatal(err)
	}
	s.shows("/packages/@acme/core", http.StatusNotFound, "was unpublished on")
	s.shows("/packages/@acme/core/1.1.0/files/package.json", http.StatusNotFound)
}

// The list of versions is remembered, and shows each change at once.
func TestVersionsPageIsUpToDate(t *testing.T) {
	s := newShelf(t, false)
	for _, version := range []string{"1.0.0", "1.2.0", "1.1.0"} {
		s.release(fmt.Sprintf(`{"name":"growing","version":%q}`, version), nil)
		s.shows("/packages/growing/versions", http.StatusOK, ">"+version+"<")
	}
	if err := s.Packages.Deprecate(t.Context(), auth.Operator(), "growing", map[string]string{"1.0.0": "old"}); err != nil {
		t.Fatal(err)
	}
	s.shows("/packages/growing/versions", http.StatusOK, ">deprecated</span>")
	if err := s.Packages.Unpublish(t.Context(), auth.Operator(), "growing", "", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	if body := s.shows("/packages/growing/versions", http.StatusOK); strings.Contains(body, ">1.0.0<") {
		t.Error("an unpublished version is listed")
	}
}

func TestFilePages(t *testing.T) {
	s := newShelf(t, false)
	s.acme()
	at := "/packages/@acme/core/1.1.0/files"
	s.shows(at, http.StatusOK, "7 files", `href="/base/packages/@acme%2Fcore/1.1.0/files/img/x.svg"`)
	s.shows(at+"/lib/index.js", http.StatusOK, `<span class="line" id="L2"><a href="#L2" tabindex="-1">2</a>2</span>`, "/base/-/web/raw/packages/@acme%2Fcore/1.1.0/lib/index.js")
	s.shows(at+"/page.html", http.StatusOK, "&lt;script&gt;")
	s.shows(at+"/data.bin", http.StatusOK, "It is binary.")
	s.shows(at+"/img/logo.png", http.StatusOK, `<img src="/base/-/web/raw/packages/@acme%2Fcore/1.1.0/img/logo.png"`)
	s.shows(at+"/none", http.StatusNotFound, "there is no file &#34;none&#34;")
	s.shows(at+"/lib/%2e%2e/package.json", http.StatusNotFound)
}

// Bytes of a package are data to a browser, whatever they are called: it runs and shows nothing of them as ours.
func TestRaw(t *testing.T) {
	s := newShelf(t, false)
	s.acme()
	for name, want := range map[string]string{"img/logo.png": "image/png", "img/x.svg": "image/svg+xml", "page.html": "application/octet-stream", "package.json": "application/octet-stream", "lib/index.js": "application/octet-stream"} {
		r := httptest.NewRequest(http.MethodGet, "/-/web/raw/packages/@acme%2Fcore/1.1.0/"+name, nil)
		r.Header.Set("Accept", "image/avif,image/webp,*/*;q=0.8")
		if page, _ := s.Wants(r); !page {
			t.Errorf("%s is not served", name)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		h := w.Header()
		if w.Code != http.StatusOK || h.Get("Content-Type") != want || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || h.Get("Content-Length") != fmt.Sprint(w.Body.Len()) {
			t.Errorf("%s: %d %v", name, w.Code, h)
		}
		if attached := strings.HasPrefix(h.Get("Content-Disposition"), "attachment"); attached != (want == "application/octet-stream") {
			t.Errorf("%s: Content-Disposition %q", name, h.Get("Content-Disposition"))
		}
		r.Header.Set("If-None-Match", h.Get("ETag"))
		again := httptest.NewRecorder()
		if s.ServeHTTP(again, r); again.Code != http.StatusNotModified {
			t.Errorf("%s again: %d", name, again.Code)
		}
	}
}

func TestDiffPage(t *testing.T) {
	s := newShelf(t, false)
	s.acme()
	body := s.shows("/packages/@acme/core/1.1.0/diff/1.0.0", http.StatusOK, "3 changed, 4 added, 1 removed, 0 the same",
		`<del class="removed">-two</del>`, `<ins class="added">+2</ins>`, `<code>^1.0.0</code></td><td><code>^1.1.0</code>`,
		`?file=lib%2Findex.js"`, `href="/base/packages/@acme%2Fcore/1.0.0/diff/1.1.0"`)
	start := strings.Index(body, "<p>3 changed")
	golden(t, "diff", body[start:strings.Index(body, "</main>")])
	body = s.shows("/packages/@acme/core/1.1.0/diff/1.0.0?file=lib/index.js", http.StatusOK, "+2", "All files")
	if strings.Contains(body, "old.js") {
		t.Error("the page of one file shows others")
	}
	s.shows("/packages/@acme/core/1.1.0/diff/1.0.0?file=data.bin", http.StatusOK, "The file is binary.")
	s.shows("/packages/@acme/core/1.1.0/diff/1.0.0?file=none", http.StatusNotFound, "no file that changed")
	s.shows("/packages/@acme/core/1.1.0/diff/7.0.0", http.StatusNotFound)
	s.shows("/packages/@acme/core/1.1.0/diff/1.1.0", http.StatusOK, "The files are the same.")
	w := s.get("/-/web/compare/@acme%2Fcore?from=1.0.0&to=" + url.QueryEscape("//evil.example/"))
	if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || to != "/base/packages/@acme%2Fcore/%2F%2Fevil.example%2F/diff/1.0.0" {
		t.Errorf("the form leads to %d %s", w.Code, to)
	}
	s.shows("/-/web/compare/@acme%2Fcore", http.StatusBadRequest)
}

// Pages stay small whatever is in a package.
func TestLargePackage(t *testing.T) {
	s := newShelf(t, false)
	content := map[string]string{"README.md": strings.Repeat("Some *text* and [a link](https://a.example).\n\n", 20_000), "big.js": strings.Repeat("const a = 1;\n", 10_000), "long.js": strings.Repeat("x", 300_000), "huge.txt": strings.Repeat("y\n", 2<<20)}
	for i := range 600 {
		content[fmt.Sprintf("files/%04d.js", i)] = fmt.Sprint(i)
	}
	s.release(`{"name":"large","version":"1.0.0"}`, map[string]string{"big.js": "a"})
	s.release(`{"name":"large","version":"2.0.0"}`, content)
	for path, want := range map[string]string{
		"/packages/large":                              "The README goes on",
		"/packages/large/2.0.0/files":                  `href="?from=250"`,
		"/packages/large/2.0.0/files?from=250":         `href="?from=500"`,
		"/packages/large/2.0.0/files/big.js":           `rel="next"`,
		"/packages/large/2.0.0/files/big.js?from=9000": `id="L9001"`,
		"/packages/large/2.0.0/files/long.js":          "too long to be shown",
		"/packages/large/2.0.0/files/huge.txt":         "too large to be shown",
		"/packages/large/2.0.0/diff/1.0.0":             `href="?from=200"`,
		"/packages/large/2.0.0/diff/1.0.0?file=big.js": "too long to be shown",
	} {
		if body := s.shows(path, http.StatusOK); !strings.Contains(body, want) || len(body) > 85<<10 {
			t.Errorf("%s has %d bytes; %q in it: %v", path, len(body), want, strings.Contains(body, want))
		}
	}
}

// What a package says of itself is text: no page takes any of it for its own.
func TestHostilePackage(t *testing.T) {
	s := newShelf(t, false)
	evil := `"><script>window.pwned=1</script><img src=x onerror=pwned=1>`
	quoted, err := json.Marshal(evil)
	if err != nil {
		t.Fatal(err)
	}
	manifest := func(version string) string {
		return strings.NewReplacer("EVIL", string(quoted), "VERSION", version).Replace(`{"name":"evil","version":"VERSION","description":EVIL,"license":EVIL,"homepage":"https://a.example/\"onmouseover=pwned=1",
			"keywords":[EVIL],"dependencies":{EVIL:EVIL,"../../x":"1"},"scripts":{EVIL:EVIL},"repository":"git+ssh://git@\"><script>pwned=1</script>/x","bugs":{"url":"javascript:pwned=1"},"bin":{"x":EVIL}}`)
	}
	s.release(manifest("1.0.0"), map[string]string{"README.md": evil, "a<b>&'.js": evil, "\u202egnp.js": "a\u202eb"})
	s.release(manifest("1.0.1"), map[string]string{"README": evil + "2", "a<b>&'.js": evil + "2", "\u202egnp.js": "c\u202ed"})
	script, handler := regexp.MustCompile(`<script(?: src="/base/-/web/assets/)?`), regexp.MustCompile(`<[^>"]*(?:"[^"]*"[^>"]*)* on[a-z]+=`)
	for _, path := range []string{"/packages/evil", "/packages/evil/1.0.0", "/packages/evil/versions", "/packages/evil/1.0.1/dependencies", "/packages/evil/1.0.1/files",
		"/packages/evil/1.0.1/files/a%3Cb%3E&'.js", "/packages/evil/1.0.1/files/%E2%80%AEgnp.js", "/packages/evil/1.0.1/diff/1.0.0", "/packages/evil/1.0.1/diff/1.0.0?file=%E2%80%AEgnp.js"} {
		body := s.shows(path, http.StatusOK)
		for _, found := range script.FindAllString(body, -1) {
			if found == "<script" {
				t.Errorf("%s has a script: %s", path, body)
			}
		}
		if handler.MatchString(body) || strings.Contains(body, `href="javascript:`) || strings.Contains(body, "\u202e") {
			t.Errorf("%s is not safe: %s", path, body)
		}
	}
}

// A package of upstream is shown like ours, and when upstream is away, as far as it is known.
func TestUpstreamPackage(t *testing.T) {
	s := newShelf(t, false)
	s.upstream.texts["left-pad"] = `{"name":"left-pad","dist-tags":{"latest":"1.1.0"},"time":{"created":"x","1.0.0":"2019-05-06T07:08:09.000Z","1.1.0":"2020-01-02T03:04:05Z"},"versions":{
		"1.0.0":{"name":"left-pad","version":"1.0.0","dist":{"tarball":"https://up.example/left-pad-1.0.0.tgz","shasum":"aa"}},
		"1.1.0":{"name":"left-pad","version":"1.1.0","description":"Pads.","dist":{"tarball":"https://up.example/left-pad-1.1.0.tgz","integrity":"sha512-x","signatures":[{"keyid":"SHA256:other","sig":"x"}],
			"attestations":{"url":"https://up.example/x","provenance":{"predicateType":"https://slsa.dev/provenance/v1"}}}}}}`
	s.shows("/packages/left-pad", http.StatusOK, "from upstream", "Pads.", "can&#39;t be read at the moment", "2020-01-02", "not checked",
		`<dt>Provenance</dt><dd><a href="/base/-/npm/v1/attestations/left-pad@1.1.0">https://slsa.dev/provenance/v1</a></dd>`)
	if body := s.shows("/packages/left-pad/1.0.0", http.StatusOK); strings.Contains(body, "Provenance") {
		t.Errorf("a version without provenance has some: %s", body)
	}
	s.upstream.files["left-pad-1.1.0.tgz"] = string(tgz(t, `{"name":"left-pad","version":"1.1.0"}`, map[string]string{"README.md": "# Pads\n"}))
	s.shows("/packages/left-pad", http.StatusOK, `<h2 id="readme-pads">Pads</h2>`)
	s.shows("/packages/left-pad/versions", http.StatusOK, `href="/base/packages/left-pad/1.0.0"`, "2019-05-06", "2020-01-02")
	s.shows("/packages/left-pad/1.1.0/files/README.md", http.StatusOK, "# Pads")
}

// A private server shows nothing of a package to who has not signed in.
func TestPrivatePackage(t *testing.T) {
	s := newShelf(t, true)
	s.acme()
	for _, path := range []string{"/packages/@acme/core", "/packages/@acme/core/versions", "/packages/@acme/core/1.1.0", "/packages/@acme/core/1.1.0/dependencies", "/packages/@acme/core/1.1.0/files",
		"/packages/@acme/core/1.1.0/files/package.json", "/packages/@acme/core/1.1.0/diff/1.0.0", "/-/web/raw/packages/@acme%2Fcore/1.1.0/img/logo.png", "/-/web/compare/@acme%2Fcore?from=1.0.0&to=1.1.0", "/packages/none"} {
		if w := s.get(path); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/base/-/web/login?") {
			t.Errorf("%s = %d %s, want a way to sign in", path, w.Code, w.Header().Get("Location"))
		}
	}
}

// The fragments are what they were.
func TestPackageFragments(t *testing.T) {
	s := newShelf(t, false)
	s.acme()
	between := func(body, from, to string) string {
		t.Helper()
		start := strings.Index(body, from)
		if start < 0 || !strings.Contains(body[start:], to) {
			t.Fatalf("there is no %q before %q: %s", from, to, body)
		}
		return body[start : start+strings.Index(body[start:], to)]
	}
	golden(t, "packagehead", between(s.shows("/packages/@acme/core/1.0.0", http.StatusOK), "<h1>", "<div class"))
	golden(t, "files", between(s.shows("/packages/@acme/core/1.0.0/files", http.StatusOK), "<p>4 files", "</main>"))
	golden(t, "source", between(s.shows("/packages/@acme/core/1.0.0/files/lib/index.js", http.StatusOK), "<h2>", "</main>"))
	var days []stats.DayCount
	for i := range 30 {
		days = append(days, stats.DayCount{Date: fmt.Sprintf("2026-01-%02d", i+1), Count: int64(i % 4)})
	}
	c := drawChart("Downloads of <core>", days)
	if c.Total != 43 || c.Weekly != 10 {
		t.Errorf("in all %d downloads, this week %d", c.Total, c.Weekly)
	}
	var b bytes.Buffer
	if err := s.pages["package"].ExecuteTemplate(&b, "chart", c); err != nil {
		t.Fatal(err)
	}
	golden(t, "chart", b.String())
}

// Registries and names are quoted so that a shell takes each for one word.
func TestInstallRelease(t *testing.T) {
	u := &UI{Config: Config{BaseURL: "http://localhost:3000"}}
	v := &subject{tags: map[string]string{"latest": "2.0.0"}}
	v.Name, v.Version.Version = "it's;rm", "1.0.0"
	lines, config := u.installRelease(v)
	want := `YARN_NPM_REGISTRY_SERVER=http://localhost:3000 YARN_UNSAFE_HTTP_WHITELIST=localhost yarn add 'it'\''s;rm@1.0.0'`
	if lines[3].Text != want || config != "registry=http://localhost:3000/" {
		t.Errorf("got %s and %s, want %s", lines[3].Text, config, want)
	}
}

func TestRepositoryURL(t *testing.T) {
	for in, want := range map[string]string{
		"git+https://github.com/a/b.git": "https://github.com/a/b", "github:a/b": "https://github.com/a/b", "git+ssh://git@github.com/a/b.git": "https://github.com/a/b",
		"git://a.example/b.git": "https://a.example/b", "javascript:alert(1)": "", "a/b": "", "https://user:secret@a.example/b": "", "": "", "data:text/html,x": "", "https://": "",
	} {
		if got := repositoryURL(in); got != want {
			t.Errorf("repositoryURL(%q) = %q, want %q", in, got, want)
		}
	}
}
