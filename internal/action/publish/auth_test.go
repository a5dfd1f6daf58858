package publish

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/action/runner"
	"github.com/org/registry-action/internal/wire"
)

// What a run has decides how it shows who it is; an error names what to give it.
func TestAutoAuth(t *testing.T) {
	oidc := map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": "https://x", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x"}
	artifacts := map[string]string{"ACTIONS_RESULTS_URL": "https://results.example.com", "ACTIONS_RUNTIME_TOKEN": "e30.eyJzY3AiOiJBY3Rpb25zLlJlc3VsdHM6YTpiIn0.x"}
	pull := func(c runner.Context) runner.Context {
		c.EventName, c.PR, c.RunID, c.Repository = "pull_request", 7, 9, "acme/ws"
		return c
	}
	push := runner.Context{EventName: "push", Repository: "acme/ws"}
	fork, dependabot := pull(runner.Context{Fork: true}), pull(runner.Context{Actor: "dependabot[bot]"})
	for _, tt := range []struct {
		name    string
		auth    Auth
		token   string
		env     map[string]string
		event   runner.Context
		desk    bool
		want    Auth
		wantErr string
	}{
		{name: "the job may ask for an id-token", env: oidc, event: push, want: AuthOIDC},
		{name: "and has a token too", token: "t", env: oidc, event: push, want: AuthOIDC},
		{name: "a token", token: "t", event: push, want: AuthToken},
		{name: "a token for a fork", token: "t", env: artifacts, event: fork, want: AuthToken},
		{name: "a fork", env: artifacts, event: fork, want: AuthFork},
		{name: "Dependabot", env: artifacts, event: dependabot, want: AuthFork},
		{name: "a fork where nothing can be attached", event: fork, wantErr: "no service for artifacts"},
		{name: "a fork by pull_request_target", env: artifacts, event: runner.Context{EventName: "pull_request_target", Fork: true, PR: 7}, wantErr: "id-token: write"},
		{name: "nothing", event: push, wantErr: "registry-server trust add github acme/ws"},
		{name: "nothing at a desk", desk: true, want: AuthNone},
		{name: "a token at a desk", desk: true, token: "t", want: AuthToken},
		{name: "told to use the token", auth: AuthToken, token: "t", env: oidc, event: push, want: AuthToken},
		{name: "told to, without one", auth: AuthToken, env: oidc, event: push, wantErr: "set token"},
		{name: "told to use OIDC, not granted", auth: AuthOIDC, token: "t", event: push, wantErr: "id-token: write"},
		{name: "told to claim, on a push", auth: AuthFork, env: artifacts, event: push, wantErr: "pull_request"},
		{name: "told to show nothing", auth: AuthNone, token: "t", env: oidc, event: push, want: AuthNone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			getenv := func(k string) string {
				if k == "GITHUB_ACTIONS" && !tt.desk {
					return "true"
				}
				return tt.env[k]
			}
			registry, err := regclient.New(regclient.Options{BaseURL: "https://registry.example.com"})
			if err != nil {
				t.Fatal(err)
			}
			j := &job{
				opt: Options{Auth: tt.auth, Token: tt.token}, streams: Streams{Getenv: getenv}, event: tt.event, registry: registry,
				runner: runner.New(runner.Options{Getenv: getenv, Stdout: new(bytes.Buffer)}),
			}
			err = j.chooseAuth(t.Context())
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("%v, want an error that speaks of %q", err, tt.wantErr)
				}
				return
			}
			if err != nil || j.auth != tt.want {
				t.Errorf("%q, %v; want %q", j.auth, err, tt.want)
			}
		})
	}
}

// One id-token serves all packages; the merge commit, which a clone one commit deep has, shows the head. The token is
// masked before anything else could print it, and revoked in the end.
func TestPublishByOIDC(t *testing.T) {
	b := newBox(t)
	b.grantOIDC()
	log, err := b.publish()
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	r := b.registry
	if len(r.exchanges) != 1 || r.ids[0] != "id-1" || !slices.Equal(r.exchanges[0].Packages, []string{"@acme/core"}) || r.exchanges[0].Repository != "https://github.com/acme/ws" {
		t.Fatalf("exchanged %+v with %q", r.exchanges, r.ids)
	}
	object, err := base64.StdEncoding.DecodeString(r.exchanges[0].MergeCommit)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(append(fmt.Appendf(nil, "commit %d\x00", len(object)), object...))
	if hex.EncodeToString(sum[:]) != b.merge || strings.Count(string(object), "\nparent ") != 2 || !strings.Contains(string(object), "\nparent "+b.head+"\n") {
		t.Errorf("the merge commit %s came as\n%s", b.merge, object)
	}
	if len(r.published) != 1 || r.published[0].SHA != b.head || r.by[0] != "minted-preview-1" {
		t.Fatalf("published %+v by %q", r.published, r.by)
	}
	if refs := r.published[0].Refs; !slices.Equal(refs, []string{"pr/7"}) {
		t.Errorf("the refs are %q; want only what was proven", refs)
	}
	for _, secret := range []string{"id-1", "minted-preview-1"} {
		if mask := "::add-mask::" + secret; !strings.Contains(log, mask) || strings.Contains(strings.ReplaceAll(log, mask, ""), secret) {
			t.Errorf("%s is not masked, or told elsewhere:\n%s", secret, log)
		}
	}
	if !slices.Equal(r.ended, []string{"minted-preview-1"}) || lastState(b) != "" {
		t.Errorf("revoked %q, and post.js finds %q", r.ended, lastState(b))
	}
}

// lastState is the token that post.js would find.
func lastState(b *box) (token string) {
	lines := strings.Split(b.file("GITHUB_STATE"), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "token<<") {
			token = lines[i+1]
		}
	}
	return token
}

var refused = &wire.Refusal{Error: wire.Error{Error: "no policy fits this run", Code: "no_policy"}, Field: "workflow", Expected: "release.yml", Got: "ci.yml"}

func TestOIDCIsRefused(t *testing.T) {
	b := newBox(t)
	b.grantOIDC()
	b.registry.refusal, b.registry.status, b.registry.token = refused, http.StatusForbidden, "stored"
	if log, err := b.publish(); err == nil || !strings.Contains(err.Error(), `workflow: expected "release.yml", got "ci.yml"`) || len(b.registry.published) != 0 {
		t.Errorf("%v\n%s\nwant an error that says which field differs", err, log)
	}

	b.opt.Token = "stored"
	log, err := b.publish()
	if err != nil || len(b.registry.by) != 1 || b.registry.by[0] != "stored" {
		t.Fatalf("%v, published by %q", err, b.registry.by)
	}
	if !strings.Contains(log, "::notice::") || !strings.Contains(log, `workflow: expected "release.yml"`) {
		t.Errorf("%s\nwant a notice that names the refusal", log)
	}

	b.opt.Auth = AuthOIDC
	if _, err := b.publish(); err == nil || len(b.registry.by) != 1 {
		t.Error("auth: oidc used the token")
	}
}

func TestRegistryKnowsNoExchange(t *testing.T) {
	b := newBox(t)
	b.grantOIDC()
	b.registry.refusal, b.registry.status = &wire.Refusal{Error: wire.Error{Error: "there is nothing here", Code: "not_found"}}, http.StatusNotFound
	if _, err := b.publish(); err == nil || !strings.Contains(err.Error(), "older than this program") || !strings.Contains(err.Error(), "set token") {
		t.Errorf("%v", err)
	}
}

// A registry on this machine may take packages without a token; if it does not, the run's own way is taken.
func TestLocalRegistry(t *testing.T) {
	b := newBox(t)
	b.registry.open = true
	if log, err := b.publish(); err != nil || !slices.Equal(b.registry.by, []string{""}) {
		t.Errorf("%v, published by %q\n%s", err, b.registry.by, log)
	}
	b = newBox(t)
	if _, err := b.publish(); err == nil || !strings.Contains(err.Error(), "REGISTRY_TOKEN") {
		t.Errorf("%v", err)
	}
	b.pull(2)
	b.grantArtifacts()
	if log, err := b.publish(); err != nil || !slices.Equal(b.registry.by, []string{"minted-fork-1"}) {
		t.Errorf("%v, published by %q\n%s", err, b.registry.by, log)
	}
}

// The head alone is checked out: the merge commit is fetched with the job's own token.
func TestHeadAloneIsCheckedOut(t *testing.T) {
	b := newBox(t)
	b.grantOIDC()
	root := filepath.Dir(b.origin)
	runGit(t, b.origin, "config", "uploadpack.allowAnySHA1InWant", "true")
	runGit(t, b.origin, "config", "uploadpack.allowFilter", "true")
	exec := strings.TrimSpace(gitOutput(t, b.origin, "--exec-path"))
	backend := &cgi.Handler{Path: filepath.Join(exec, "git-http-backend"), Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "x-access-token" || password != "github-token" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	defer srv.Close()
	if err := os.MkdirAll(filepath.Join(root, "acme"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(b.origin, filepath.Join(root, "acme", "ws")); err != nil {
		t.Fatal(err)
	}
	b.env["GITHUB_SERVER_URL"] = srv.URL
	b.opt.Dir = gitRepo(t, map[string]string{"package.json": `{"name": "@acme/core", "version": "1.0.0"}`})
	b.opt.AllowDirty, b.opt.GitHubToken = true, "github-token"
	log, err := b.publish()
	if err != nil || b.registry.exchanges[0].MergeCommit == "" || strings.Contains(log, "github-token") {
		t.Errorf("%v, exchanged %+v\n%s", err, b.registry.exchanges, log)
	}
}

// The job that publishes has no checkout: pack hands the merge commit on.
func TestPackedInAnotherJob(t *testing.T) {
	b := newBox(t)
	dist := t.TempDir()
	var log bytes.Buffer
	if err := Pack(t.Context(), PackOptions{Dir: b.dir, Siblings: Registry}, dist, false, b.streams(&log)); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	b.grantOIDC()
	b.opt.Dir, b.opt.Paths = t.TempDir(), []string{filepath.Join(dist, "*.tgz")}
	if log, err := b.publish(); err != nil || b.registry.exchanges[0].MergeCommit == "" || b.registry.published[0].SHA != b.head {
		t.Fatalf("%v, exchanged %+v\n%s", err, b.registry.exchanges, log)
	}
	if err := os.WriteFile(filepath.Join(dist, mergeFile), []byte("tree x\nparent forged\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	text, err := b.publish()
	if err != nil || b.registry.exchanges[1].MergeCommit != "" || !strings.Contains(text, "is not the commit") {
		t.Errorf("%v, exchanged %+v\n%s", err, b.registry.exchanges[1], text)
	}
}

// What could not be revoked is left to post.js.
func TestTokenIsLeftToPost(t *testing.T) {
	b := newBox(t)
	b.grantOIDC()
	b.registry.noEnd = true
	if log, err := b.publish(); err != nil || lastState(b) != "minted-preview-1" {
		t.Fatalf("%v, the state is %q\n%s", err, lastState(b), log)
	}
	b.env["STATE_token"], b.env["STATE_ended"] = lastState(b), "true"
	finish := func() (string, error) {
		var log bytes.Buffer
		err := Finish(t.Context(), b.opt, b.streams(&log))
		return log.String(), err
	}
	if _, err := finish(); err == nil || !strings.Contains(err.Error(), "within minutes") {
		t.Errorf("%v", err)
	}
	b.registry.noEnd = false
	if log, err := finish(); err != nil || !cmp.Equal(b.registry.ended, []string{"minted-preview-1"}) || strings.Contains(strings.ReplaceAll(log, "::add-mask::minted", ""), "minted-") {
		t.Errorf("%v, revoked %q\n%s", err, b.registry.ended, log)
	}
}

func TestScriptsSeeNoSecrets(t *testing.T) {
	env := []string{"PATH=/bin", "ACTIONS_ID_TOKEN_REQUEST_URL=u", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=t", "ACTIONS_RUNTIME_TOKEN=t", "ACTIONS_RESULTS_URL=u", "REGISTRY_TOKEN=t", "INPUT_TOKEN=t", "ACTIONS_STEP_DEBUG=true"}
	if got := scriptEnv(env); !slices.Equal(got, []string{"PATH=/bin", "ACTIONS_STEP_DEBUG=true"}) {
		t.Errorf("scripts see %q", got)
	}
}
