package webui

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/domain/changes"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/domaintest"
	"github.com/org/registry-action/internal/domain/files"
	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/web/webtest"
)

// previews is a server's pages over real stores.
type previews struct {
	*UI
	t  *testing.T
	db kv.DB
}

const publicURL = "https://packages.example/base"

func newPreviews(t *testing.T, readAuth bool) *previews {
	t.Helper()
	s := webtest.OpenStores(t)
	counts := stats.New(s.DB, stats.Options{})
	t.Cleanup(func() { counts.Close() })
	users := auth.New(s.DB, auth.Options{RootToken: webtest.RootToken, ReadAuth: readAuth})
	return &previews{t: t, db: s.DB, UI: New(Config{
		Commits: commits.New(s.DB, s.Blobs, s.Life, commits.Options{SpoolDir: s.Spool}),
		Zig:     zigpackages.New(s.DB, s.Blobs, s.Life, zigpackages.Options{SpoolDir: s.Spool, Log: s.Log}),
		Lumen:   lumenpackages.New(s.DB, s.Blobs, s.Life, lumenpackages.Options{SpoolDir: s.Spool, Name: "test", Log: s.Log}),
		Catalog: catalog.New(catalog.Sources{Releases: onePackage{}}, catalog.Options{Log: s.Log}),
		Auth:    users, Files: files.New(nil, files.Options{}), Changes: changes.New(changes.Options{Log: s.Log}), Stats: counts, Search: nowhere{},
		Site: "Test", BaseURL: publicURL, Version: "1.0.0", Log: s.Log,
	})}
}

// onePackage is a registry that has left-pad 1.3.0.
type onePackage struct{ catalog.Releases }

func (onePackage) Ours(context.Context, string) (bool, error) { return true, nil }

func (onePackage) Version(_ context.Context, name, version string) (catalog.Found, error) {
	if name != "left-pad" || version != "1.3.0" {
		return catalog.Found{}, fault.New(fault.NotFound, "no %s", name)
	}
	return catalog.Found{}, nil
}

// get asks for a page as a browser does.
func (p *previews) get(path string) *httptest.ResponseRecorder {
	p.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	w := httptest.NewRecorder()
	httpkit.ScopedNames(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if page, _ := p.Wants(r); !page {
			p.t.Errorf("%s is no page", r.URL)
		}
		p.ServeHTTP(w, r)
	})).ServeHTTP(w, r)
	return w
}

// shows fails the test unless a page answers with all texts.
func (p *previews) shows(path string, status int, texts ...string) string {
	p.t.Helper()
	w := p.get(path)
	body := w.Body.String()
	if w.Code != status {
		p.t.Errorf("%s: status %d, want %d: %s", path, w.Code, status, body)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			p.t.Errorf("%s lacks %q: %s", path, text, body)
		}
	}
	return body
}

// source uploads an npm package whose package.json has the commit's version.
func (p *previews) source(sha, name, content string) commits.Source {
	p.t.Helper()
	return p.sourceWith(sha, name, "", content)
}

// sourceWith is source with more members of the package.json.
func (p *previews) sourceWith(sha, name, members, content string) commits.Source {
	p.t.Helper()
	var head, body bytes.Buffer
	hr, err := new(tarball.Packer).WriteHead(&head, fmt.Appendf(nil, `{"name":%q,"version":%q%s}`, name, npm.PreviewVersion(sha), members), sha)
	if err != nil {
		p.t.Fatal(err)
	}
	br, err := new(tarball.Packer).WriteBody(&body, []tarball.File{{
		Name: "index.js", Size: int64(len(content)), Mode: 0o644,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil },
	}})
	if err != nil {
		p.t.Fatal(err)
	}
	recipe := tarball.Join(hr, br)
	p.upload(head.Bytes())
	p.upload(body.Bytes())
	return commits.Source{Name: name, Head: &recipe.Head, Body: &recipe.Body, Holes: recipe.Holes}
}

func (p *previews) upload(content []byte) tarball.Part {
	p.t.Helper()
	part := tarball.Part{Digest: digest.Of(content), Size: int64(len(content))}
	if _, err := p.Commits.PutPart(p.t.Context(), auth.Operator(), part.Digest, bytes.NewReader(content)); err != nil {
		p.t.Fatal(err)
	}
	return part
}

// publish publishes a commit of a repository.
func (p *previews) publish(sha, repository string, refs []commits.Ref, sources ...commits.Source) {
	p.t.Helper()
	repo, err := commits.ParseRepository(repository)
	if err != nil {
		p.t.Fatal(err)
	}
	_, err = p.Commits.Publish(p.t.Context(), auth.Operator(), commits.Publication{SHA: sha, Repository: repo, Refs: refs, Packages: sources})
	if err != nil {
		p.t.Fatal(err)
	}
}

func commitNo(n int) string { return fmt.Sprintf("%02dabcdef", n) + strings.Repeat("0", 32) }

func branch(name string) []commits.Ref { return []commits.Ref{{Kind: commits.Branch, Name: name}} }

func pr(name string) []commits.Ref { return []commits.Ref{{Kind: commits.PR, Name: name}} }

// world has two commits of main, and two of a pull request of acme/ws.
func (p *previews) world() {
	for i, refs := range [][]commits.Ref{branch("main"), branch("main"), pr("7"), append(pr("7"), branch("feature/a&b #1")...)} {
		sha := commitNo(i + 1)
		p.publish(sha, "Acme/ws", refs, p.source(sha, "@acme/a", "same"), p.source(sha, "@acme/b", strings.Repeat("changed ", i)))
	}
}

func TestCommitPage(t *testing.T) {
	p := newPreviews(t, false)
	p.world()
	sha := commitNo(4)
	p.shows("/commits/"+sha, http.StatusOK,
		`href="/base/commits/`+sha+`/@acme/a"`, `<span class="badge">unchanged</span>`, `<span class="badge warn">changed</span>`,
		`href="https://github.com/Acme/ws/commit/`+sha+`"`, `href="/base/Acme/ws/pull/7"`, `href="/base/Acme/ws/tree/feature/a&amp;b%20%231"`,
		`href="/base/Acme/ws/compare/`+commitNo(2)+`...`+sha+`"`,
		`npm i -E @acme/a@`+npm.PreviewVersion(sha)+` @acme/b@`+npm.PreviewVersion(sha)+` --registry https://packages.example/base/~/Acme/ws`,
		`@acme:registry=https://packages.example/base/~/Acme/ws/`)
	if w := p.get("/commits/" + sha[:9]); w.Code != http.StatusFound || w.Header().Get("Location") != "/base/commits/"+sha {
		t.Errorf("a short SHA leads to %d %s", w.Code, w.Header().Get("Location"))
	}
	p.shows("/commits/"+strings.Repeat("f", 40), http.StatusNotFound, "not published here, or has expired")
	p.shows("/commits/nonsense", http.StatusBadRequest, "is not a commit")
	for _, path := range []string{"/commits/" + sha + "/@acme/a", "/commits/" + sha + "/@acme%2fa"} {
		p.shows(path, http.StatusOK, "npm i --allow-remote=root https://packages.example/base/Acme/ws/@acme/a@"+sha, "sha512-", `href="/base/commits/`+sha+`/@acme/a/tarball"`)
	}
	if w := p.get("/commits/" + sha + "/@acme/a.tgz"); w.Code != http.StatusFound || w.Header().Get("Location") != "/base/commits/"+sha+"/@acme/a/tarball" {
		t.Errorf("a file name leads to %d %s", w.Code, w.Header().Get("Location"))
	}
	p.shows("/commits/"+sha+"/none", http.StatusNotFound, "Commit package not found")
	p.shows("/commits/"+sha+"/@acme/b/diff/"+commitNo(2), http.StatusOK, "2 changed", `href="/base/commits/`+sha+`/@acme/b/diff/`+commitNo(2)+`?file=index.js"`)
}

// The pages of a commit and of a pull request say what a reviewer should know of the packages that changed.
func TestFindings(t *testing.T) {
	p := newPreviews(t, false)
	p.publish(commitNo(1), "acme/ws", branch("main"), p.sourceWith(commitNo(1), "@acme/a", `,"scripts":{"postinstall":"x"}`, "1"), p.source(commitNo(1), "@acme/b", "1"))
	p.publish(commitNo(2), "acme/ws", pr("7"), p.source(commitNo(2), "@acme/b", "2"),
		p.sourceWith(commitNo(2), "@acme/a", `,"types":"./<none>.d.ts","scripts":{"postinstall":"y"},"dependencies":{"ms":"^2.0.0"}`, "1"))
	for _, path := range []string{"/commits/" + commitNo(2), "/acme/ws/pull/7"} {
		body := p.shows(path, http.StatusOK, `href="/base/commits/`+commitNo(2)+`/@acme/a/diff/`+commitNo(1)+`"`, "<code>types</code> leads to <code>./&lt;none&gt;.d.ts</code>",
			"<code>postinstall</code> <code>x</code> → <code>y</code>", "<code>ms</code> <code>^2.0.0</code>")
		if strings.Contains(body, "@acme/b/diff") {
			t.Errorf("%s has a finding of a package of which only a file changed", path)
		}
	}
	if w := p.get("/commits/" + commitNo(2) + "/changes?base=" + commitNo(1)); w.Code != http.StatusFound || w.Header().Get("Location") != "/base/commits/"+commitNo(2) {
		t.Errorf("the address of the API leads to %d %s", w.Code, w.Header().Get("Location"))
	}
	if body := p.shows("/commits/"+commitNo(1), http.StatusOK); strings.Contains(body, "What changed in them") {
		t.Error("a commit without a base has findings")
	}
}

// However much there is to say, the page stays small.
func TestFindingsHaveRoom(t *testing.T) {
	p := newPreviews(t, false)
	var members []string
	for i := range 20 {
		members = append(members, fmt.Sprintf(`"%d%s":"%s"`, i, strings.Repeat("&", 190), strings.Repeat("<", 200)))
	}
	var before, after []commits.Source
	for i := range 10 {
		name := fmt.Sprintf("p%d", i)
		before = append(before, p.source(commitNo(1), name, "1"))
		after = append(after, p.sourceWith(commitNo(2), name, `,"scripts":{"install":"x"},"dependencies":{"small":"1"}`, "1"))
	}
	after[0] = p.sourceWith(commitNo(2), "p0", `,"dependencies":{`+strings.Join(members, ",")+`}`, "1")
	p.publish(commitNo(1), "acme/ws", branch("main"), before...)
	p.publish(commitNo(2), "acme/ws", pr("7"), after...)
	body := p.shows("/commits/"+commitNo(2), http.StatusOK, "of 1 other changed package than", "<code>small</code> <code>1</code>")
	if n := strings.Count(body, "<code>install</code>, new: <code>x</code>"); n != 9 || len(body) > 50_000 {
		t.Errorf("a page of %d bytes has %d findings, want 9", len(body), n)
	}
}

func TestRefPages(t *testing.T) {
	p := newPreviews(t, false)
	p.world()
	p.shows("/acme/ws/pull/7", http.StatusOK, "Pull request #7", `href="https://github.com/Acme/ws/pull/7"`,
		`href="/base/commits/`+commitNo(4)+`"`, `href="/base/commits/`+commitNo(3)+`"`, // now, and earlier
		`href="/base/Acme/ws/compare/`+commitNo(3)+`...`+commitNo(4)+`"`, "@acme/a@pr-7", `badge.svg?pr=7`)
	p.shows("/acme/ws/tree/main", http.StatusOK, "Branch main", `href="/base/commits/`+commitNo(1)+`"`, "@acme/b@branch-main")
	p.shows("/acme/ws/tree/feature/a&b%20%231", http.StatusOK, "Branch feature/a&amp;b #1", `badge.svg?branch=feature%2Fa%26b&#43;%231)`)
	p.shows("/acme/ws/pull/8", http.StatusNotFound, "none were published for it, or all have expired")
	p.shows("/acme/ws/pull/main", http.StatusBadRequest, "a pull request has a number")
	p.shows("/acme/ws/tag/v1", http.StatusNotFound, "no packages of tag/v1")
	p.shows("/acme/other/tree/main", http.StatusNotFound, "no packages of branch/main")
}

func TestComparePage(t *testing.T) {
	p := newPreviews(t, false)
	p.world()
	sha := commitNo(5)
	p.publish(sha, "acme/ws", nil, p.source(sha, "@acme/new", "x"), p.source(sha, "@acme/a", "same"))
	p.publish(commitNo(6), "acme/other", nil, p.source(commitNo(6), "x", "x"))
	body := p.shows("/acme/ws/compare/main..."+sha, http.StatusOK, `<span class="badge good">added</span>`, `<span class="badge bad">removed</span>`, "1 package is unchanged", `href="/base/acme/ws/compare/`+sha+`...main"`)
	if strings.Contains(body, `badge">unchanged`) {
		t.Error("an unchanged package is listed")
	}
	p.shows("/acme/ws/compare/branch:main...pr-7", http.StatusOK, `/@acme/b/diff/`+commitNo(2)+`"`)
	p.shows("/acme/ws/compare/branch:feature/a&b%20%231...main", http.StatusOK, "The other way round", `/compare/main...branch:feature/a&amp;b%20%231"`)
	for _, path := range []string{"/acme/ws/compare/main", "/acme/ws/compare/...main", "/acme/ws/compare/main...pr-x"} {
		p.shows(path, http.StatusBadRequest)
	}
	p.shows("/acme/ws/compare/main...gone", http.StatusNotFound, "no package published under")
	p.shows("/acme/ws/compare/main..."+commitNo(6), http.StatusNotFound, "has no packages of acme/ws")
}

func TestRepositoryPage(t *testing.T) {
	p := newPreviews(t, false)
	p.world()
	p.shows("/ACME/ws", http.StatusOK, "<h1>Acme/ws</h1>", `href="https://github.com/Acme/ws"`, "Branches", "Pull requests", `href="/base/Acme/ws/tree/main"`, `>#7</a>`,
		`href="/base/commits/`+commitNo(1)+`"`, "[![previews](https://packages.example/base/Acme/ws/badge.svg?branch=main)](https://packages.example/base/Acme/ws/tree/main)")
	p.shows("/acme/none", http.StatusNotFound, "no commit of a repository of this owner and name")
	p.shows("/left-pad/1.0.0", http.StatusNotFound)
	if w := p.get("/left-pad/1.3.0"); w.Code != http.StatusFound || w.Header().Get("Location") != "/base/packages/left-pad/1.3.0" {
		t.Errorf("the address of a version of a package leads to %d %s", w.Code, w.Header().Get("Location"))
	}
	for i := range commits.MaxOverviewCommits {
		sha := commitNo(i + 10)
		p.publish(sha, "acme/ws", nil, p.source(sha, "@acme/a", "same"))
	}
	p.shows("/acme/ws", http.StatusOK, `href="?from=30"`)
	p.shows("/acme/ws?from=30", http.StatusOK, `href="?from=0"`, "31 to 34 of 34")
	p.shows("/acme/ws?from=99999999999999999999", http.StatusOK)
	p.shows("/acme/ws?from=4000", http.StatusOK, "34 to 34 of 34")
}

// Whoever is not known here gets no link to their host.
func TestOtherForges(t *testing.T) {
	p := newPreviews(t, false)
	sha := commitNo(1)
	p.publish(sha, "https://git.evil.example/acme/ws", pr("1"), p.source(sha, "a", "x"))
	for _, path := range []string{"/commits/" + sha, "/commits/" + sha + "/a", "/acme/ws", "/acme/ws/pull/1"} {
		if body := p.shows(path, http.StatusOK); strings.Contains(body, `href="https://git.evil`) {
			t.Errorf("%s links to a host that is not known: %s", path, body)
		}
	}
}

// Repositories in groups have all that others have; npm's own paths are none of theirs.
func TestGroups(t *testing.T) {
	p := newPreviews(t, false)
	p.publish(commitNo(1), "https://gitlab.com/group/sub/ws", branch("feat/tree/x"), p.source(commitNo(1), "acme-web", "old"))
	p.publish(commitNo(2), "https://gitlab.com/group/sub/ws", pr("7"), p.source(commitNo(2), "acme-web", "new"))
	const at = "/group/sub/ws"
	p.shows(at, 200, "<h1>group/sub/ws</h1>", publicURL+"/~/group%2Fsub/ws/", `href="/base/group/sub/ws/pull/7"`, "https://gitlab.com/group/sub/ws")
	p.shows("/Group/sub/ws?from=1", 200, `href="/base/commits/`+commitNo(1)+`"`)
	p.shows(at+"/pull/7", 200, "Pull request #7", "--registry "+publicURL+"/~/group%2Fsub/ws")
	p.shows(at+"/tree/feat/tree/x", 200, "Branch feat/tree/x")
	p.shows(at+"/compare/"+commitNo(1)+"..."+commitNo(2), 200, `href="/base/group/sub/ws"`)
	p.shows("/commits/"+commitNo(2), 200, `<a href="/base/group/sub/ws">group/sub/ws</a>`, "https://gitlab.com/group/sub/ws/-/commit/"+commitNo(2))
	p.shows("/commits/"+commitNo(2)+"/acme-web", 200, "group/sub/ws/acme-web@"+commitNo(2))
	p.shows(at+"/badge.svg?pr=7", 200, "pr-7")
	p.shows("/group/sub/none", 404, "There is nothing here")
	for _, path := range []string{"/room/-/room-1.0.0.tgz", "/group/sub/ws/@acme/web@pr-7", "/npm/a/b/c", "/1/2/3/4/5/6/7"} {
		if _, here := p.Wants(httptest.NewRequest("GET", path, nil)); here {
			t.Errorf("%s has a page", path)
		}
	}
	// What would be the address of another page has none.
	p.publish(commitNo(3), "https://gitlab.com/group/sub/tree", nil, p.source(commitNo(3), "acme-web", "old"))
	if body := p.shows("/commits/"+commitNo(3), 200, "group/sub/tree"); strings.Contains(body, `href="/base/group/sub/tree"`) {
		t.Error("the commit's page links to one that there is not")
	}
}

func TestBadge(t *testing.T) {
	p := newPreviews(t, false)
	p.world()
	for path, want := range map[string]string{
		"/acme/ws/badge.svg":              "previews: " + npm.PreviewVersion(commitNo(4)),
		"/acme/ws/badge.svg?pr=7":         "previews: pr-7 · 04abcde",
		"/acme/ws/badge.svg?branch=main":  "previews: branch-main · 02abcde",
		"/acme/ws/badge.svg?pr=8":         "previews: none",
		"/acme/none/badge.svg":            "previews: none",
		"/acme/ws/badge.svg?branch=<x>\"": "previews: none",
	} {
		r := httptest.NewRequest(http.MethodGet, strings.NewReplacer("<", "%3C", ">", "%3E", `"`, "%22").Replace(path), nil)
		r.Header.Set("Accept", "image/avif,image/svg+xml,image/*;q=0.8,*/*;q=0.5")
		if page, _ := p.Wants(r); !page {
			t.Errorf("%s is not served as an image", path)
		}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/svg+xml; charset=utf-8" || !strings.Contains(w.Body.String(), "<title>"+want+"</title>") {
			t.Errorf("%s = %d %s, want %q", path, w.Code, w.Body, want)
		}
		if cache := w.Header().Get("Cache-Control"); cache != "public, max-age=300" {
			t.Errorf("%s has Cache-Control %q", path, cache)
		}
	}
	if got := drawBadge("previews", strings.Repeat(`<&">`, 100), true); strings.ContainsAny(strings.ReplaceAll(got, "\n", ""), "\x00") || strings.Contains(got, `<&`) || len(got) > 2000 {
		t.Errorf("a hostile text makes the badge %s", got)
	}
	p.shows("/acme/ws/badge.svg?pr=x", http.StatusBadRequest, "a pull request has a number")
}

// A private server shows nothing to who has not signed in, and no cache may keep what others see.
func TestPrivatePreviews(t *testing.T) {
	p := newPreviews(t, true)
	p.world()
	for _, path := range []string{"/commits/" + commitNo(1), "/commits/" + commitNo(1) + "/@acme/a", "/acme/ws", "/acme/ws/pull/7", "/acme/ws/tree/main", "/acme/ws/compare/main...pr-7", "/acme/ws/badge.svg", "/zig/packages/a", "/lumen/packages/@a/b", "/acme/none"} {
		if w := p.get(path); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/base/-/web/login?") {
			t.Errorf("%s = %d %s, want a way to sign in", path, w.Code, w.Header().Get("Location"))
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/acme/ws/badge.svg", nil)
	r.AddCookie(p.cookie(webtest.RootToken, time.Hour))
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "private, max-age=300" {
		t.Errorf("the badge for who has signed in = %d, Cache-Control %q", w.Code, w.Header().Get("Cache-Control"))
	}
}

// counted counts downloads, and makes the pages see them.
func (p *previews) counted(kind stats.Kind, name, version string, n int) {
	p.t.Helper()
	for range n {
		p.Stats.Count(string(kind), name, version, "")
	}
	if err := p.Stats.Close(); err != nil { // that writes them
		p.t.Fatal(err)
	}
	p.Stats = stats.New(p.db, stats.Options{})
	p.t.Cleanup(func() { p.Stats.Close() })
}

// forkRun is the run of a fork's pull request 7.
type forkRun struct {
	auth.Principal
	sha string
}

func (forkRun) IsAdmin() bool                 { return false }
func (forkRun) GrantedRepository(string) bool { return true }
func (r forkRun) Proof() *provenance.Proof {
	return &provenance.Proof{Tier: provenance.Fork, Repository: "acme/ws", SHA: r.sha, Pull: 7, Author: "mallory"}
}

// ciRun is a run of acme/ws's own workflow.
type ciRun struct {
	auth.Principal
	id int64
}

func (ciRun) IsAdmin() bool                 { return false }
func (ciRun) GrantedRepository(string) bool { return true }
func (r ciRun) Proof() *provenance.Proof {
	return &provenance.Proof{Tier: provenance.Preview, Repository: "acme/ws", Workflow: "acme/ws/.github/workflows/ci.yml@refs/heads/main", RunID: r.id, RunURL: fmt.Sprintf("https://github.com/acme/ws/actions/runs/%d", r.id)}
}

// The pages of a commit and of a ref say which run has built their packages, if it is one for all.
func TestBuiltBy(t *testing.T) {
	p := newPreviews(t, false)
	sha := commitNo(1)
	for i, name := range []string{"@acme/a", "@acme/b"} {
		by := commits.Publication{SHA: sha, Repository: commits.Repository{Host: "github.com", Path: "acme/ws"}, Refs: pr("7"), Packages: []commits.Source{p.source(sha, name, "x")}}
		if _, err := p.Commits.Publish(t.Context(), ciRun{auth.Operator(), int64(41 + i)}, by); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/commits/" + sha, "/acme/ws/pull/7"} {
			body := p.shows(path, http.StatusOK)
			const built = `<dt>Built by</dt><dd>acme/ws · ci.yml · <a href="https://github.com/acme/ws/actions/runs/41" rel="noopener noreferrer nofollow">run 41</a>`
			if one := i == 0; strings.Contains(body, built) != one || strings.Contains(body, "Built by") != one {
				t.Errorf("%s names its run: %t, want %t: %s", path, !one, one, body)
			}
		}
	}
}

// The start tells what is downloaded most of each kind, and nothing that nobody has looked at. A package of commits is that of one that is here.
func TestTop(t *testing.T) {
	p := newPreviews(t, false)
	p.world()
	sha := commitNo(2)
	p.counted(stats.NPM, "left-pad", "1.3.0", 3)
	p.counted(stats.Lumen, "@acme/lamp", "1.0.0", 1)
	p.counted(stats.Commit, "@acme/a", npm.PreviewVersion(commitNo(99)), 1) // it has expired
	p.counted(stats.Commit, "@acme/a", npm.PreviewVersion(sha), 1)
	p.counted(stats.Commit, "@acme/gone", npm.PreviewVersion(commitNo(99)), 9)
	p.counted(stats.Commit, "@acme/none", "1.0.0", 9)
	fork := commits.Publication{SHA: commitNo(5), Refs: pr("7"), Packages: []commits.Source{p.source(commitNo(5), "@acme/fork", "x")}}
	fork.Repository = commits.Repository{Host: "github.com", Path: "acme/ws"}
	if _, err := p.Commits.Publish(t.Context(), forkRun{auth.Operator(), commitNo(5)}, fork); err != nil {
		t.Fatal(err)
	}
	p.shows("/commits/"+commitNo(5)+"/@acme/fork", http.StatusOK, "unreviewed")
	p.counted(stats.Commit, "@acme/fork", npm.PreviewVersion(commitNo(5)), 9)
	body := p.shows("/", http.StatusOK, "<h3>npm</h3>", `<a href="/base/packages/left-pad">left-pad</a>`, "3 downloads",
		"<h3>Of commits</h3>", `<a href="/base/commits/`+sha+`/@acme/a">@acme/a</a>`, "Acme/ws 02abcde", "2 downloads",
		"<h3>Lumen</h3>", `<a href="/base/lumen/packages/@acme/lamp">`, "1 download<")
	for _, text := range []string{"<h3>Zig</h3>", "@acme/gone", "@acme/none", "@acme/fork"} {
		if strings.Contains(body, text) {
			t.Errorf("the start has %s: %s", text, body)
		}
	}
}

// zigPackage publishes a version of a Zig package.
func (p *previews) zigPackage(name, version, description, readme string) {
	p.t.Helper()
	fingerprint := uint64(crc32.ChecksumIEEE([]byte(name)))<<32 | 0x1234567
	manifest := fmt.Sprintf(`.{ .name = .%s, .version = %q, .fingerprint = 0x%016x, .minimum_zig_version = "0.14.0", .paths = .{""}, .dependencies = .{
		.evil = .{ .url = "javascript://x/%%0aalert(1)", .hash = "evil-1.0.0-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
		.good = .{ .url = "https://a.example/x.tar.gz", .hash = "good-1.0.0-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" } } }`, name, version, fingerprint)
	archive := domaintest.Gzip(p.t, domaintest.Tar(p.t, map[string]string{"lib/build.zig.zon": manifest, "lib/build.zig": "", "lib/README.md": readme}))
	up, err := p.Zig.Receive(p.t.Context(), auth.Operator(), bytes.NewReader(archive))
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.Zig.Publish(p.t.Context(), auth.Operator(), zigpackages.Release{Upload: up, Description: description}); err != nil {
		p.t.Fatal(err)
	}
}

const hostile = `<script>window.pwned = 1</script><img src=x onerror="window.pwned = 1">`

// unharmed fails the test if a page has something of what is hostile as HTML.
func (p *previews) unharmed(body string) {
	p.t.Helper()
	for _, bad := range []string{"<script>", "onerror=\"", `href="javascript`, "<img src=x"} {
		if strings.Contains(body, bad) {
			p.t.Errorf("the page has %q: %s", bad, body)
		}
	}
}

func TestZigPage(t *testing.T) {
	p := newPreviews(t, false)
	p.zigPackage("my_lib", "1.0.0", "old", "# One")
	p.zigPackage("my_lib", "1.1.0-rc.1+b", hostile, hostile+"\n\n# Read me\n\n[x](javascript:alert(1)) [code](build.zig)")
	if _, err := p.Zig.Yank(t.Context(), auth.Operator(), "my_lib", "1.0.0", true, "leaks "+hostile); err != nil {
		t.Fatal(err)
	}
	body := p.shows("/zig/packages/my-lib", http.StatusOK, "1.1.0-rc.1&#43;b", "&lt;script&gt;", "Zig 0.14", "at least 0.14.0",
		"zig fetch --save https://packages.example/base/zig/packages/my_lib/1.1.0-rc.1&#43;b/tarball", "dependency.module(&#34;my_lib&#34;)",
		`href="/base/zig/packages/my_lib/1.0.0"`, `<span class="badge bad">yanked</span>`, `href="https://a.example/x.tar.gz"`, `/zig/packages/my_lib/1.1.0-rc.1+b/files/build.zig"`)
	p.unharmed(body)
	p.unharmed(p.shows("/zig/packages/my_lib/1.0.0", http.StatusOK, "This version is yanked", "leaks &lt;script&gt;"))
	p.shows("/zig/packages/my_lib/1.1.0-rc.1+b/files", http.StatusOK, "build.zig.zon")
	p.unharmed(p.shows("/zig/packages/my_lib/1.1.0-rc.1+b/files/README.md", http.StatusOK, "&lt;script&gt;"))
	p.shows("/zig/packages/my_lib/2.0.0", http.StatusNotFound, "has no version")
	p.shows("/zig/packages/none", http.StatusNotFound, "Package not found")
	p.shows("/zig/packages/%3Cscript%3E", http.StatusNotFound, "&lt;script&gt;")
}

// lumenPackage publishes a version of a Lumen package.
func (p *previews) lumenPackage(manifest, readme string) {
	p.t.Helper()
	archive := domaintest.Tar(p.t, map[string]string{"lumen.toml": manifest, "src/main.lm": "fn main() {}\n", "README.md": readme})
	up, err := p.Lumen.Receive(p.t.Context(), auth.Operator(), bytes.NewReader(archive))
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.Lumen.Publish(p.t.Context(), auth.Operator(), lumenpackages.Release{Upload: up}); err != nil {
		p.t.Fatal(err)
	}
}

func TestLumenPage(t *testing.T) {
	p := newPreviews(t, false)
	p.lumenPackage("[package]\nname = \"@acme/http\"\nversion = \"1.0.0\"\n", "# One")
	p.lumenPackage("[package]\nname = \"@acme/http\"\nversion = \"1.1.0\"\ndescription = '"+hostile+"'\nrepository = \"javascript:alert(1)\"\nlicense = \"MIT\"\n[dependencies]\n\"@acme/io\" = \"^1.0.0\"\n", hostile)
	for _, path := range []string{"/lumen/packages/@acme/http", "/lumen/packages/@acme%2fhttp/1.1.0"} {
		body := p.shows(path, http.StatusOK, "&lt;script&gt;", `default = &#34;https://packages.example/base/lumen&#34;`, "&#34;@acme/http&#34; = &#34;^1.1.0&#34;",
			`href="/base/lumen/packages/@acme/io"`, `href="/base/lumen/packages/@acme/http/1.0.0"`, "MIT", `href="/base/lumen/packages/@acme/http/1.1.0.json"`)
		p.unharmed(body)
	}
	p.shows("/lumen/packages/@acme/http/1.0.0", http.StatusOK, "The latest version is")
	p.shows("/lumen/packages/@acme/http/1.0.0/files/lumen.toml", http.StatusOK, "version = ")
	p.shows("/lumen/packages/@acme/http/3.0.0", http.StatusNotFound, "has no version")
	r := httptest.NewRequest(http.MethodGet, "/lumen/packages/@acme%2Fhttp/1.0.0.json", nil)
	r.Header.Set("Accept", "text/html")
	if page, here := p.Wants(r); page || here {
		t.Error("a document of the tree is taken for a page")
	}
}

// A commit of very many packages is shown in parts.
func TestLargeCommit(t *testing.T) {
	p := newPreviews(t, false)
	sha := commitNo(1)
	var all []commits.Source
	for i := range 250 {
		all = append(all, p.source(sha, fmt.Sprintf("@acme/package-with-a-long-name-%03d", i), "x"))
	}
	p.publish(sha, "acme/ws", branch("main"), all...)
	for _, path := range []string{"/commits/" + sha, "/acme/ws/tree/main"} {
		if body := p.shows(path, http.StatusOK, "1 to 100 of 250", `href="?from=100"`, "@acme:registry="); len(body) > 60_000 {
			t.Errorf("%s has %d bytes", path, len(body))
		}
		p.shows(path+"?from=200", http.StatusOK, "201 to 250 of 250", "name-249")
	}
}
