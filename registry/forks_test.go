package registry_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/forge/forgetest"
	"github.com/org/registry-action/internal/forge/forgetest/npmfile"
	"github.com/org/registry-action/internal/store/storetest"
	"github.com/org/registry-action/internal/wire"
	"github.com/org/registry-action/registry"
)

const (
	mainSHA = "1111111111aaaaaaaaaabbbbbbbbbbcccccccccc"
	forkSHA = "2222222222aaaaaaaaaabbbbbbbbbbcccccccccc"
	forkRun = 77
)

// forked is a server that lets the forks of acme/ws publish, and the stand-in of GitHub that it asks.
type forked struct {
	*node
	gh *forgetest.Server
}

func startForked(t *testing.T, c registry.Config) forked {
	t.Helper()
	gh := forgetest.New(t)
	gh.AddPull(forgetest.Pull{Number: 7, HeadSHA: forkSHA, HeadRef: "fix", HeadRepo: "mallory/ws", BaseRef: "main", Author: "mallory"})
	gh.PutRun(forgetest.Run{ID: forkRun, HeadSHA: forkSHA, HeadRepo: "mallory/ws", Actor: "mallory"})
	c.Token = serverToken
	c.GitHubAPI, c.WebhookSecret = gh.URL, "webhook secret"
	if c.GitHubApp.ID == "" {
		c.GitHubToken = forgetest.Token
	}
	c.Forks.Repositories = []string{"acme/*"}
	f := forked{start(t, c), gh}
	f.publishOwn("@acme/core", "the repository's")
	f.publishOwn("@acme/ui", "the repository's")
	return f
}

// publishOwn publishes a package of main, with the server's token.
func (f forked) publishOwn(name, text string) {
	f.t.Helper()
	body, header := form(f.t, "sha", mainSHA, "repository", "https://github.com/acme/ws", "ref", "branch/main", "package:"+name, tgz(f.t, name, previewOf(mainSHA), text))
	if a := f.request(http.MethodPost, "/publish/commit", body, header, bearer(serverToken)); a.StatusCode != http.StatusCreated {
		f.t.Fatalf("publishing %s: %d %s", name, a.StatusCode, a.body)
	}
}

func previewOf(sha string) string { return "0.0.0-commit.g" + sha[:10] }

// built is what the run has: two packages, of which one needs the other. more are members of its package.json.
func built(t *testing.T, more string) map[string]string {
	t.Helper()
	ui := strings.Replace(manifestOf("@acme/ui", previewOf(forkSHA)), "}", fmt.Sprintf(`,"dependencies":{"@acme/core":%q}%s}`, previewOf(forkSHA), more), 1)
	return map[string]string{
		"@acme/core": tgz(t, "@acme/core", previewOf(forkSHA), "module.exports = 'of the fork'"),
		"@acme/ui":   archive(t, fileHeader("package/package.json"), ui, fileHeader("package/index.js"), "module.exports = require('@acme/core')"),
	}
}

// claimOf is the claim of the run.
func claimOf(packages map[string]string) wire.Claim {
	c := wire.Claim{Repository: "https://github.com/acme/ws", RunID: forkRun, RunAttempt: 1, SHA: forkSHA, Pull: 7}
	for _, name := range []string{"@acme/core", "@acme/ui"} {
		sum := sha512.Sum512([]byte(packages[name]))
		c.Packages = append(c.Packages, wire.ClaimedPackage{Name: name, Version: previewOf(forkSHA), Integrity: "sha512-" + base64.StdEncoding.EncodeToString(sum[:]), Size: int64(len(packages[name]))})
	}
	return c
}

// claim makes it.
func (f forked) claim(packages map[string]string) wire.Claimed {
	f.t.Helper()
	c := claimOf(packages)
	var claimed wire.Claimed
	f.decode(f.postJSON("/-/ci/v1/claims", c), http.StatusCreated, &claimed)
	return claimed
}

func (f forked) decode(a answer, status int, v any) {
	f.t.Helper()
	if a.StatusCode != status {
		f.t.Fatalf("%s %s: %d %s, want %d", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.body, status)
	}
	if err := json.Unmarshal(a.body, v); err != nil {
		f.t.Fatal(err)
	}
}

// token is what the run gets for its proof.
func (f forked) token(packages map[string]string) wire.Exchanged {
	f.t.Helper()
	c := f.claim(packages)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("claim.json")
	if err != nil {
		f.t.Fatal(err)
	}
	fmt.Fprint(w, c.Manifest)
	z.Close()
	f.gh.AddArtifact(forgetest.Artifact{RunID: forkRun, Name: c.Artifact, Zip: b.Bytes()})
	var got wire.Exchanged
	f.decode(f.request(http.MethodPost, "/-/ci/v1/claims/"+c.ID+"/prove", nil), http.StatusOK, &got)
	return got
}

// publishAs publishes as the run of the fork does.
func (f forked) publishAs(token string, packages map[string]string, more ...string) answer {
	f.t.Helper()
	fields := append([]string{"sha", forkSHA, "repository", "https://github.com/acme/ws", "ref", "pr/7"}, more...)
	for name, text := range packages {
		fields = append(fields, "package:"+name, text)
	}
	body, header := form(f.t, fields...)
	return f.request(http.MethodPost, "/publish/commit", body, header, bearer(token))
}

// script is a member of package.json that has clients run something.
const script = `,"scripts":{"postinstall":"node index.js","test":"node --test"}`

// published is a server at which a fork has published.
func published(t *testing.T, c registry.Config, more string) (forked, wire.Published) {
	t.Helper()
	f := startForked(t, c)
	packages := built(t, more)
	token := f.token(packages)
	if token.Tier != "fork" || token.SHA != forkSHA || len(token.Refs) != 1 || token.Refs[0] != "pr/7" || time.Until(token.Expires) > 15*time.Minute {
		t.Errorf("the run gets %+v", token)
	}
	var out wire.Published
	f.decode(f.publishAs(token.Token, packages), http.StatusCreated, &out)
	return f, out
}

// A fork publishes with no secret, and it is found below its pull request only.
func TestForkPublishes(t *testing.T) {
	f, out := published(t, registry.Config{}, script)
	if want := f.url + "/~/acme/ws/-/pr/7/"; out.PreviewRegistry != want || out.Repository != "https://github.com/acme/ws" {
		t.Errorf("it is published at %s of %s, want %s", out.PreviewRegistry, out.Repository, want)
	}
	if out.Comment != "" { // there is no App
		t.Errorf("the comment is written by %q", out.Comment)
	}
	ui := out.Packages[1]
	if !ui.Fork || ui.Provenance == nil || ui.Provenance.Tier != "fork" || ui.Provenance.Author != "mallory" || len(ui.InstallScripts) != 1 || ui.InstallScripts[0] != "postinstall" {
		t.Errorf("the answer does not say whose it is and what it runs: %+v", ui)
	}
	var own wire.Commit
	f.decode(f.get("/commits/"+mainSHA), http.StatusOK, &own)
	if own.Packages[0].Fork {
		t.Error("the repository's own is a fork's")
	}

	version := previewOf(forkSHA)
	for _, path := range []string{"/~/acme/ws/@acme%2fcore", "/@acme%2fcore", "/~/acme/ws/-/package/@acme%2fcore/dist-tags", "/search?q=acme", "/-/v1/search?text=acme", "/~/acme/ws/-/v1/search?text=core", "/acme/ws", "/"} {
		if a := f.get(path); strings.Contains(string(a.body), version) || strings.Contains(string(a.body), forkSHA[:10]) || strings.Contains(string(a.body), "mallory") {
			t.Errorf("%s shows what the fork has published:\n%s", path, a.body)
		}
	}
	for path, want := range map[string]int{
		"/~/acme/ws/@acme/core/-/core-" + version + ".tgz":                   http.StatusNotFound,
		"/~/acme/ws/@acme%2fcore/pr-7":                                       http.StatusNotFound,
		"/~/acme/ws/@acme%2fcore/" + version:                                 http.StatusNotFound,
		"/~/acme/ws/-/pr/8/@acme%2fcore":                                     http.StatusNotFound,
		"/~/acme/ws/-/pr/07/@acme%2fcore":                                    http.StatusNotFound,
		"/~/acme/ws/-/pr/7/@acme/core/-/core-" + version + ".tgz":            http.StatusOK,
		"/~/acme/ws/-/pr/7/@acme/core/-/core-" + previewOf(mainSHA) + ".tgz": http.StatusOK,
		"/~/acme/ws/-/pr/7/@acme%2fcore/pr-7":                                http.StatusOK,
		"/~/acme/ws/-/pr/7/@acme%2fcore/branch-main":                         http.StatusOK,
		"/~/acme/ws/-/pr/7/":                                                 http.StatusOK,
		"/acme/ws/@acme/core@" + forkSHA:                                     http.StatusOK,
		"/acme/ws/@acme/core@pr-7":                                           http.StatusFound,
		"/commits/" + forkSHA + "/@acme/core/tarball":                        http.StatusOK,
	} {
		if a := f.get(path); a.StatusCode != want {
			t.Errorf("GET %s = %d %.200s, want %d", path, a.StatusCode, a.body, want)
		}
	}
	for _, path := range []string{"/commits/" + forkSHA, "/commits/" + forkSHA + "/@acme/ui", "/acme/ws/pull/7"} {
		page := string(f.get(path, "Accept: text/html").body)
		for _, want := range []string{"Built from fork code by @mallory, unreviewed.", "mallory/ws", "postinstall", "actions/runs/77", "/~/acme/ws/-/pr/7", "https://github.com/acme/ws/commit/" + forkSHA} {
			if !strings.Contains(page, want) {
				t.Errorf("the page %s lacks %q", path, want)
			}
		}
	}
	for _, path := range []string{"/", "/acme/ws", "/search?q=acme", "/search?q=mallory", "/commits/" + mainSHA, "/acme/ws/tree/main", "/acme/ws/badge.svg?pr=7", "/acme/ws/badge.svg"} {
		if page := string(f.get(path, "Accept: text/html").body); strings.Contains(page, "fork code") || strings.Contains(page, version) || strings.Contains(page, forkSHA[:7]) {
			t.Errorf("the page %s shows what the fork has published:\n%s", path, page)
		}
	}
	if page := string(f.get("/acme/ws/compare/branch:main...pr-7", "Accept: text/html").body); !strings.Contains(page, "@acme/ui") {
		t.Errorf("what the pull request changes is not compared:\n%s", page)
	}
	var changes wire.Changes
	f.decode(f.get("/commits/"+forkSHA+"/changes?branch=main"), http.StatusOK, &changes)
	if len(changes.Packages) != 2 || changes.Base == nil || changes.Base.SHA != mainSHA || changes.Packages[1].Scripts == nil {
		t.Errorf("what it changes is %s", f.get("/commits/"+forkSHA+"/changes?branch=main").body)
	}
	p := f.get("/~/acme/ws/-/pr/7/@acme%2fcore").json(t)
	tags := p["dist-tags"].(map[string]any)
	if tags["pr-7"] != version || tags["latest"] != previewOf(mainSHA) || tags["branch-main"] != previewOf(mainSHA) {
		t.Errorf("the registry of the pull request has the tags %v", tags)
	}
	f.sound()
}

// What a token of a fork does not let it do.
func TestForkTokens(t *testing.T) {
	f := startForked(t, registry.Config{})
	packages := built(t, "")
	id := f.claim(packages).ID
	f.request(http.MethodPost, "/-/ci/v1/claims/"+id+"/prove", nil)
	token := f.token(packages).Token
	core := map[string]string{"@acme/core": packages["@acme/core"]}
	other := map[string]string{"@acme/core": tgz(t, "@acme/core", previewOf(forkSHA), "other bytes")}
	for name, a := range map[string]answer{
		"other bytes":     f.publishAs(token, other),
		"another ref":     f.publishAs(token, core, "ref", "branch/main"),
		"another package": f.publishAs(token, map[string]string{"react": tgz(t, "react", previewOf(forkSHA), "x")}),
		"another place":   f.publishAs(token, core, "repository", "https://github.com/acme/ws/-/pr/8"),
		"a release":       f.request(http.MethodPut, "/@acme%2fcore", strings.NewReader(`{"name":"@acme/core","versions":{}}`), bearer(token), "Content-Type: application/json"),
		"a token":         f.postJSON("/-/npm/v1/tokens", map[string]any{"password": "x"}, bearer(token)),
		"an owner":        f.request(http.MethodPut, "/publish/commit/owners/mallory?repository=acme/ws", nil, bearer(token)),
		"a dist-tag":      f.request(http.MethodPut, "/-/package/@acme%2fcore/dist-tags/latest", strings.NewReader(`"1.0.0"`), bearer(token), "Content-Type: application/json"),
	} {
		if a.StatusCode != http.StatusForbidden && a.StatusCode != http.StatusUnauthorized && a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	if a := f.get("/commits/" + forkSHA); a.StatusCode != http.StatusNotFound {
		t.Errorf("something of the commit is there: %s", a.body)
	}
	for _, want := range []int{http.StatusCreated, http.StatusOK} {
		if a := f.publishAs(token, core); a.StatusCode != want {
			t.Errorf("what it is for: %d %s, want %d", a.StatusCode, a.body, want)
		}
	}
	if a := f.request(http.MethodDelete, "/-/ci/v1/tokens/self", nil, bearer(token)); a.StatusCode >= 300 {
		t.Errorf("ending it: %d %s", a.StatusCode, a.body)
	}
	if a := f.publishAs(token, core); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("after its end: %d %s", a.StatusCode, a.body)
	}
	if log := f.log.String(); strings.Contains(log, token) || strings.Contains(log, id) {
		t.Error("the log has the token, or the id of the claim")
	}
	f.sound()
}

// Each package manager installs from the registry of a pull request, by its dist-tag and from its lockfile.
func TestManagersInstallFromPullRegistry(t *testing.T) {
	f, out := published(t, registry.Config{}, "")
	root := strings.TrimSuffix(out.PreviewRegistry, "/")
	for _, i := range installers() {
		t.Run(string(i.tool), func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"package.json": `{"name": "app", "version": "1.0.0", "private": true}`, "yarn.lock": ""} {
				if name == i.lockfile || name == "package.json" {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, args := range [][]string{append(i.add, "@acme/ui@pr-7"), i.frozen} {
				if err := os.RemoveAll(filepath.Join(dir, "node_modules")); err != nil {
					t.Fatal(err)
				}
				i.run(t, dir, root, args...)
				if text, err := os.ReadFile(filepath.Join(dir, "node_modules", "@acme", "ui", "package.json")); err != nil || !strings.Contains(string(text), previewOf(forkSHA)) {
					t.Errorf("%s %s installs %s, %v", i.tool, args[0], text, err)
				}
				if got := required(t, dir); got != "of the fork" {
					t.Errorf("%s %s: the sibling is %q", i.tool, args[0], got)
				}
			}
			if lock, err := os.ReadFile(filepath.Join(dir, i.lockfile)); err != nil || !strings.Contains(string(lock), previewOf(forkSHA)) {
				t.Errorf("%s locks %s, %v", i.tool, lock, err)
			}
		})
	}
	if log := f.log.String(); strings.Contains(log, "level=ERROR ") {
		t.Error("the server had an error")
	}
}

// required is what a program in dir gets of @acme/ui.
func required(t *testing.T, dir string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, node, "-p", "require('@acme/ui')")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("node: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// withApp makes a server's App known to the stand-in, and returns how the server knows it.
func withApp(t *testing.T) (registry.GitHubApp, forgetest.App) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "app.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return registry.GitHubApp{ID: "12", KeyFile: file}, forgetest.App{ID: "12", Slug: "previews", Key: &key.PublicKey}
}

// commented waits until the stand-in has seen the server look at what it has written, n times, and returns the comments.
func (f forked) commented(n int) func() []forgetest.Comment {
	seen := make(chan struct{}, 100)
	writes := 0
	f.gh.Hook(func(r forgetest.Request) {
		switch r.Route {
		case forgetest.CreateComment, forgetest.UpdateComment:
			writes++
		case forgetest.ListComments:
			if writes == n {
				seen <- struct{}{}
			}
		}
	})
	return func() []forgetest.Comment {
		f.t.Helper()
		select {
		case <-seen:
		case <-time.After(patience):
			f.t.Fatal("no comment")
		}
		f.gh.Hook(nil)
		return f.gh.Comments(7)
	}
}

// The server comments on what a fork has published: the run may not.
func TestForkComment(t *testing.T) {
	github, app := withApp(t)
	f := startForked(t, registry.Config{GitHubApp: github})
	f.gh.SetApp(app)
	packages := built(t, script)
	token := f.token(packages).Token
	wait := f.commented(1)
	a := f.publishAs(token, packages)
	if a.StatusCode != http.StatusCreated || !strings.Contains(string(a.body), `"comment":"server"`) {
		t.Fatalf("publishing: %d %s, want the word that the server comments", a.StatusCode, a.body)
	}
	got := wait()
	if len(got) != 1 || got[0].Login != "previews[bot]" {
		t.Fatalf("the comments are %+v, want one of the App's", got)
	}
	for _, want := range []string{
		"**Built from fork code by `@mallory`, unreviewed.** It runs code when it is installed: `@acme/ui`.", "@acme/core@pr-7",
		f.url + "/~/acme/ws/-/pr/7", "https://github.com/acme/ws/actions/runs/77", "registry-action:v1 key=fork", "**2 changed** since [`" + mainSHA[:7], "the newest of branch `main`", "`@acme/ui`: + `postinstall`: `node index.js`", "expires " + f.ends(forkSHA).Format(time.DateOnly),
	} {
		if !strings.Contains(got[0].Body, want) {
			t.Errorf("the comment lacks %q:\n%s", want, got[0].Body)
		}
	}
	if strings.Contains(got[0].Body, token) {
		t.Error("the comment has the token")
	}

	wait = f.commented(1)
	at := time.Now()
	if a := f.deliver("1", "pull_request", payload(t, "pull_request", "closed", closedAt(at)), "webhook secret"); a.StatusCode != http.StatusOK {
		t.Fatalf("the webhook: %d %s", a.StatusCode, a.body)
	}
	if got := wait(); len(got) != 1 || !strings.Contains(got[0].Body, "expires "+at.Add(14*24*time.Hour).UTC().Format(time.DateOnly)) {
		t.Errorf("after the end of the pull request the comments are %+v", got)
	}
	f.stop() // waits for what writes comments
}

// What waits for its comment when the server is stopped gets it: nobody would ask for it before the next push.
func TestForkCommentAtTheEnd(t *testing.T) {
	github, app := withApp(t)
	f := startForked(t, registry.Config{GitHubApp: github})
	f.gh.SetApp(app)
	packages := built(t, "")
	token := f.token(packages).Token
	writing, stopped := make(chan struct{}), make(chan struct{})
	held, release := context.WithCancel(t.Context())
	defer release()
	f.gh.Hook(func(r forgetest.Request) {
		if r.Route == forgetest.CreateComment && r.N == 1 {
			close(writing)
			<-held.Done()
		}
	})
	if a := f.publishAs(token, packages); a.StatusCode != http.StatusCreated {
		t.Fatalf("publishing: %d %s", a.StatusCode, a.body)
	}
	<-writing
	at := time.Now()
	if a := f.deliver("1", "pull_request", payload(t, "pull_request", "closed", closedAt(at)), "webhook secret"); a.StatusCode != http.StatusOK {
		t.Fatalf("the webhook: %d %s", a.StatusCode, a.body)
	}
	go func() {
		defer close(stopped)
		f.stop()
	}()
	eventually(t, "the server waits for its comments", func() bool { return strings.Contains(f.log.String(), "writing the comments of forks that wait") })
	release()
	<-stopped
	if got := f.gh.Comments(7); len(got) != 1 || !strings.Contains(got[0].Body, "expires "+at.Add(14*24*time.Hour).UTC().Format(time.DateOnly)) {
		t.Errorf("the comments are %+v, want one that knows that the pull request is closed", got)
	}
}

// deliver sends a webhook as GitHub does.
func (f forked) deliver(id, event string, payload []byte, secret string) answer {
	f.t.Helper()
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(payload)
	return f.request(http.MethodPost, "/-/ci/v1/webhook", bytes.NewReader(payload), "Content-Type: application/json", "X-GitHub-Event: "+event,
		"X-GitHub-Delivery: "+id, "X-Hub-Signature-256: sha256="+hex.EncodeToString(mac.Sum(nil)))
}

// payload is one of GitHub's own examples, about pull request 7 of acme/ws.
func payload(t *testing.T, event, action string, change func(map[string]any)) []byte {
	t.Helper()
	path, err := npmfile.Get(t.Context(), npmfile.File{
		Package: "@octokit/webhooks-examples", Version: "7.6.1", Path: "package/api.github.com/index.json", As: "index.json"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var events []struct {
		Name     string           `json:"name"`
		Examples []map[string]any `json:"examples"`
	}
	if err := json.Unmarshal(text, &events); err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		for _, example := range e.Examples {
			if e.Name != event || example["action"] != action {
				continue
			}
			example["repository"].(map[string]any)["html_url"] = "https://github.com/acme/ws"
			if pull, ok := example["pull_request"].(map[string]any); ok {
				pull["updated_at"] = time.Now().Format(time.RFC3339)
			}
			if example["number"] != nil {
				example["number"] = 7
			}
			if change != nil {
				change(example)
			}
			text, err := json.Marshal(example)
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
	}
	t.Fatalf("there is no example of %s %s", event, action)
	return nil
}

// closedAt says when the pull request of a payload was closed.
func closedAt(at time.Time) func(map[string]any) {
	return func(e map[string]any) { e["pull_request"].(map[string]any)["closed_at"] = at.Format(time.RFC3339) }
}

func (f forked) ends(sha string) time.Time {
	f.t.Helper()
	var c wire.Commit
	f.decode(f.get("/commits/"+sha), http.StatusOK, &c)
	return c.ExpiresAt
}

// The last preview of a pull request lives for as long as webhooks say that this is open, whatever RETENTION is.
func TestOpenPullsAreKept(t *testing.T) {
	k := storetest.ClockAt(time.Now())
	f, _ := published(t, registry.Config{Now: k.Now, Retention: 30 * 24 * time.Hour, Forks: registry.Forks{AfterClose: 24 * time.Hour}}, "")
	deliver := func(action string, change func(map[string]any)) {
		t.Helper()
		if a := f.deliver(action, "pull_request", payload(t, "pull_request", action, change), "webhook secret"); a.StatusCode != http.StatusOK || !strings.Contains(string(a.body), "taken") {
			t.Errorf("%s: %d %s", action, a.StatusCode, a.body)
		}
	}
	pass := func(days int) {
		t.Helper()
		for range days {
			k.Pass(24 * time.Hour)
			if _, err := f.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	status := func(path string) int { return f.get(path).StatusCode }
	tarball := "/~/acme/ws/-/pr/7/@acme/core/-/core-" + previewOf(forkSHA) + ".tgz"
	deliver("opened", nil)
	pass(70)
	if status("/commits/"+mainSHA) != http.StatusNotFound || status(tarball) != http.StatusOK {
		t.Errorf("after 70 days main's commit answers %d, and what the open pull request has %d", status("/commits/"+mainSHA), status(tarball))
	}
	deliver("closed", func(e map[string]any) {
		closedAt(k.Now())(e)
		e["pull_request"].(map[string]any)["updated_at"] = k.Now().Format(time.RFC3339)
	})
	pass(2)
	if got := status(tarball); got != http.StatusNotFound {
		t.Errorf("two days after the close it answers %d", got)
	}
	f.sound()
}

// What a fork published stays while its pull request is open, and some days.
func TestWebhooks(t *testing.T) {
	k := storetest.ClockAt(time.Now())
	f, _ := published(t, registry.Config{Now: k.Now, Retention: 90 * 24 * time.Hour, Forks: registry.Forks{AfterClose: 24 * time.Hour}}, "")
	long, own := f.ends(forkSHA), f.ends(mainSHA)
	want := func(a answer, status int, done string) {
		t.Helper()
		if a.StatusCode != status || !strings.Contains(string(a.body), done) {
			t.Errorf("%d %s, want %d %s", a.StatusCode, a.body, status, done)
		}
	}
	const secret = "webhook secret"
	closed := payload(t, "pull_request", "closed", closedAt(k.Now()))
	want(f.deliver("1", "pull_request", closed, "a guess"), http.StatusUnauthorized, "bad_signature")
	want(f.request(http.MethodPost, "/-/ci/v1/webhook", bytes.NewReader(closed), "X-GitHub-Event: pull_request", "X-GitHub-Delivery: 1"), http.StatusUnauthorized, "bad_signature")
	want(f.deliver("1", "pull_request", []byte("payload=%7B"), secret), http.StatusBadRequest, "invalid_webhook")
	want(f.deliver("labeled", "pull_request", payload(t, "pull_request", "labeled", nil), secret), http.StatusOK, "ignored")
	want(f.deliver("run", "workflow_run", payload(t, "workflow_run", "completed", nil), secret), http.StatusOK, "ignored")
	want(f.deliver("elsewhere", "pull_request", payload(t, "pull_request", "closed", func(e map[string]any) {
		e["repository"].(map[string]any)["html_url"] = "https://git.example/acme/ws"
	}), secret), http.StatusOK, "ignored")
	for name, change := range map[string]func(pull map[string]any){
		"of last week":   func(pull map[string]any) { pull["updated_at"] = k.Now().Add(-5 * 24 * time.Hour).Format(time.RFC3339) },
		"without a time": func(pull map[string]any) { delete(pull, "updated_at") },
	} {
		old := payload(t, "pull_request", "closed", func(e map[string]any) { change(e["pull_request"].(map[string]any)) })
		want(f.deliver(name, "pull_request", old, secret), http.StatusOK, "ignored")
	}
	want(f.deliver("large", "pull_request", bytes.Repeat([]byte(" "), 1<<20+1), secret), http.StatusRequestEntityTooLarge, "")
	if got := f.ends(forkSHA); !got.Equal(long) {
		t.Errorf("what is refused or ignored has the commit end at %s", got)
	}

	want(f.deliver("2", "pull_request", closed, secret), http.StatusOK, "taken")
	want(f.deliver("2", "pull_request", closed, secret), http.StatusOK, "again")
	want(f.deliver("of another id, which is not signed", "pull_request", closed, secret), http.StatusOK, "again")
	if got := f.ends(forkSHA); got.Sub(k.Now()) > 24*time.Hour || got.Sub(k.Now()) < 23*time.Hour {
		t.Errorf("closed, the commit ends at %s, want a day from %s", got, k.Now())
	}
	if got := f.ends(mainSHA); !got.Equal(own) {
		t.Errorf("what main has ends at %s, want %s", got, own)
	}
	want(f.deliver("3", "pull_request", payload(t, "pull_request", "reopened", nil), secret), http.StatusOK, "taken")
	if got := f.ends(forkSHA); !got.Equal(long) {
		t.Errorf("opened again, the commit ends at %s, want %s", got, long)
	}
	want(f.deliver("replayed", "pull_request", closed, secret), http.StatusOK, "again")
	if got := f.ends(forkSHA); !got.Equal(long) {
		t.Errorf("who repeats an older webhook has the commit end at %s, want %s", got, long)
	}
	closed = payload(t, "pull_request", "closed", closedAt(k.Now().Add(time.Second)))
	want(f.deliver("4", "pull_request", closed, secret), http.StatusOK, "taken")
	k.Pass(26 * time.Hour)
	if _, err := f.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/commits/" + forkSHA, "/acme/ws/@acme/core@pr-7", "/~/acme/ws/-/pr/7/@acme/core/-/core-" + previewOf(forkSHA) + ".tgz"} {
		if a := f.get(path); a.StatusCode != http.StatusNotFound {
			t.Errorf("a day later GET %s = %d", path, a.StatusCode)
		}
	}
	if a := f.get("/commits/" + mainSHA); a.StatusCode != http.StatusOK {
		t.Errorf("main's commit: %d", a.StatusCode)
	}
	for _, line := range []string{"msg=audit who=anonymous action=webhook target=pull_request", `msg=audit who="the forge" action=webhook target=pull_request`, "msg=audit who=anonymous action=claim target=https://github.com/acme/ws"} {
		if !strings.Contains(f.log.String(), line) {
			t.Errorf("the log lacks %s", line)
		}
	}
	f.sound()
}

func TestNoWebhooksWithoutASecret(t *testing.T) {
	n := start(t, registry.Config{Token: serverToken})
	if a := (forked{node: n}).deliver("1", "pull_request", []byte("{}"), ""); a.StatusCode != http.StatusNotFound {
		t.Errorf("a webhook signed with no secret: %d %s", a.StatusCode, a.body)
	}
}
