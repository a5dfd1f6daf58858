package publish

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/action/artifact/resultstest"
	"github.com/org/registry-action/internal/wire"
)

// stub is a registry that knows tokens, and publishes nothing.
type stub struct {
	t   *testing.T
	url string

	open    bool   // takes packages without a token
	token   string // one that somebody has stored
	refusal *wire.Refusal
	status  int // of the refusal
	prove   func(n int) (status int, body any)
	claimed func(wire.Claim) wire.Claimed
	noEnd   bool // tokens can't be revoked
	noVouch bool // there is no such endpoint

	mu        sync.Mutex
	minted    map[string]bool
	exchanges []wire.Exchange
	ids       []string // the id tokens that were shown
	claims    []wire.Claim
	proofs    int
	artifacts []resultstest.Artifact
	published []wire.Publication
	by        []string // the tokens that published
	ended     []string
}

func newStub(t *testing.T) *stub {
	t.Helper()
	s := &stub{t: t, minted: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /-/ci/v1/exchange", s.exchange)
	mux.HandleFunc("POST /-/ci/v1/claims", s.claim)
	mux.HandleFunc("POST /-/ci/v1/claims/{id}/prove", s.proof)
	mux.HandleFunc("POST /-/ci/v1/claims/vouched", s.vouch)
	mux.HandleFunc("DELETE /-/ci/v1/tokens/self", s.end)
	mux.HandleFunc("POST /publish/commit/plan", s.publish)
	mux.HandleFunc("POST /publish/commit", s.publish)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Encoding") == "gzip" {
			gz, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Errorf("%s: %v", r.URL, err)
				return
			}
			r.Body = io.NopCloser(gz)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

func bearer(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

func (s *stub) read(r *http.Request, into any) {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		s.t.Errorf("%s: %v", r.URL, err)
	}
}

func respond(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// refuses answers with the refusal, if there is one.
func (s *stub) refuses(w http.ResponseWriter) bool {
	if s.refusal != nil {
		respond(w, s.status, s.refusal)
	}
	return s.refusal != nil
}

func (s *stub) mint(tier string) wire.Exchanged {
	token := fmt.Sprintf("minted-%s-%d", tier, len(s.minted)+1)
	s.minted[token] = true
	return wire.Exchanged{Token: token, Tier: tier, Expires: time.Now().Add(15 * time.Minute)}
}

func (s *stub) exchange(w http.ResponseWriter, r *http.Request) {
	var x wire.Exchange
	s.read(r, &x)
	s.exchanges, s.ids = append(s.exchanges, x), append(s.ids, bearer(r))
	if !s.refuses(w) {
		got := s.mint("preview")
		got.Refs = []string{"pr/7", "branch/main"}
		respond(w, http.StatusOK, got)
	}
}

func (s *stub) claim(w http.ResponseWriter, r *http.Request) {
	var c wire.Claim
	s.read(r, &c)
	s.claims = append(s.claims, c)
	if s.refuses(w) {
		return
	}
	claimed := manifestOf(c, len(s.claims))
	if s.claimed != nil {
		claimed = s.claimed(c)
	}
	respond(w, http.StatusCreated, claimed)
}

func (s *stub) vouch(w http.ResponseWriter, r *http.Request) {
	var c wire.Claim
	s.read(r, &c)
	s.claims, s.ids = append(s.claims, c), append(s.ids, bearer(r))
	if s.noVouch {
		respond(w, http.StatusNotFound, wire.Error{Error: "nothing is here"})
		return
	}
	if !s.refuses(w) {
		got := s.mint("fork")
		got.SHA, got.Refs = c.SHA, []string{"pr/7"}
		respond(w, http.StatusCreated, got)
	}
}

func manifestOf(c wire.Claim, n int) wire.Claimed {
	text, _ := json.Marshal(c) // of strings and numbers
	return wire.Claimed{ID: fmt.Sprintf("clm_%d", n), Artifact: fmt.Sprintf("registry-claim-0123456789abcdef%d", n), Manifest: string(text)}
}

func (s *stub) proof(w http.ResponseWriter, _ *http.Request) {
	if s.proofs++; s.prove != nil {
		if status, body := s.prove(s.proofs); status != 0 {
			respond(w, status, body)
			return
		}
	}
	if n := len(s.artifacts); n == 0 || s.artifacts[n-1].Files(s.t)["claim.json"] != manifestOf(s.claims[len(s.claims)-1], 0).Manifest {
		s.t.Errorf("asked to prove with the artifacts %+v", s.artifacts)
	}
	got := s.mint("fork")
	got.SHA, got.Refs = s.claims[0].SHA, []string{"pr/7"}
	respond(w, http.StatusOK, got)
}

func (s *stub) attached(a resultstest.Artifact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.artifacts = append(s.artifacts, a)
}

func (s *stub) end(w http.ResponseWriter, r *http.Request) {
	if s.noEnd {
		respond(w, http.StatusForbidden, wire.Error{Error: "no"})
		return
	}
	s.ended = append(s.ended, bearer(r))
	delete(s.minted, bearer(r))
	w.WriteHeader(http.StatusNoContent)
}

func (s *stub) publish(w http.ResponseWriter, r *http.Request) {
	var p wire.Publication
	s.read(r, &p)
	if token := bearer(r); !s.open && (token == "" || token != s.token && !s.minted[token]) {
		respond(w, http.StatusUnauthorized, wire.Error{Error: "this needs a token", Code: "unauthenticated"})
		return
	}
	if strings.HasSuffix(r.URL.Path, "/plan") {
		respond(w, http.StatusOK, wire.Plan{SHA: p.SHA})
		return
	}
	s.published, s.by = append(s.published, p), append(s.by, bearer(r))
	out := wire.Published{Success: true, SHA: p.SHA, Repository: p.Repository}
	for _, pkg := range p.Packages {
		out.Packages = append(out.Packages, wire.PublishedPackage{CommitPackage: wire.CommitPackage{Name: pkg.Name, SHA: p.SHA, Version: pkg.Version}})
	}
	respond(w, http.StatusCreated, out)
}

// box is a job of GitHub Actions.
type box struct {
	t        *testing.T
	origin   string // of the clone
	dir      string
	registry *stub
	env      map[string]string
	opt      Options
	head     string // of the pull request
	merge    string // what is checked out
}

// newBox is a job of a pull request that has a clone of its merge commit, one commit deep.
func newBox(t *testing.T) *box {
	t.Helper()
	origin := gitRepo(t, map[string]string{"package.json": `{"name": "@acme/core", "version": "1.0.0"}`})
	as := []string{"-c", "user.name=Test", "-c", "user.email=test@example.com"}
	runGit(t, origin, "switch", "--quiet", "--create", "feature")
	runGit(t, origin, append(as, "commit", "--quiet", "--allow-empty", "--message=feature")...)
	head := revision(t, origin, "HEAD")
	runGit(t, origin, "switch", "--quiet", "main")
	runGit(t, origin, append(as, "merge", "--quiet", "--no-ff", "--message=Merge the head into the base", "feature")...)
	dir := filepath.Join(t.TempDir(), "clone")
	if out, err := exec.Command("git", "clone", "--quiet", "--depth=1", "file://"+origin, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b := &box{t: t, origin: origin, dir: dir, registry: newStub(t), head: head, merge: revision(t, dir, "HEAD")}
	files := t.TempDir()
	b.env = map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": filepath.Join(files, "event.json"), "GITHUB_REPOSITORY": "acme/ws",
		"GITHUB_SHA": b.merge, "GITHUB_REF": "refs/pull/7/merge", "GITHUB_RUN_ID": "9001", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_RUN_NUMBER": "3",
		"GITHUB_STATE": filepath.Join(files, "state"), "GITHUB_OUTPUT": filepath.Join(files, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(files, "summary"),
	}
	b.pull(1)
	b.opt = Options{PackOptions: PackOptions{Dir: dir, RegistryURL: b.registry.url, Siblings: Registry}, Comment: CommentOff}
	return b
}

func revision(t *testing.T, dir, name string) string {
	t.Helper()
	return strings.TrimSpace(gitOutput(t, dir, "rev-parse", name))
}

func gitOutput(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// pull writes the event of a pull request whose head is in a repository; 1 is the one that it goes to.
func (b *box) pull(repository int) {
	event := fmt.Sprintf(`{"number": 7, "repository": {"id": 1, "full_name": "acme/ws"}, "pull_request": {"number": 7,
		"head": {"ref": "feature", "sha": %q, "repo": {"id": %d}}, "base": {"ref": "main", "repo": {"id": 1}}}}`, b.head, repository)
	if err := os.WriteFile(b.env["GITHUB_EVENT_PATH"], []byte(event), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// grantOIDC lets the job ask for tokens, id-1, id-2 and so on.
func (b *box) grantOIDC() {
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("audience") != "npm:127.0.0.1" || bearer(r) != "request-token" {
			b.t.Errorf("asked for a token by %s, %q", r.URL, bearer(r))
		}
		n++
		respond(w, http.StatusOK, map[string]string{"value": fmt.Sprintf("id-%d", n)})
	}))
	b.t.Cleanup(srv.Close)
	b.env["ACTIONS_ID_TOKEN_REQUEST_URL"], b.env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = srv.URL+"?api-version=2.0", "request-token"
}

// grantArtifacts lets the job attach artifacts to its run.
func (b *box) grantArtifacts() {
	for _, v := range resultstest.New(b.t, b.registry.attached).Env("run", "job") {
		name, value, _ := strings.Cut(v, "=")
		b.env[name] = value
	}
}

func (b *box) streams(log *bytes.Buffer) Streams {
	return Streams{Getenv: func(k string) string { return b.env[k] }, Stdout: log, Stderr: log}
}

// publish returns the log.
func (b *box) publish() (string, error) {
	var log bytes.Buffer
	j, cleanup, err := newJob(b.opt, b.streams(&log))
	if err != nil {
		b.t.Fatal(err)
	}
	defer cleanup()
	j.wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	err = j.publish(b.t.Context())
	return log.String(), err
}

// file returns a file that the runner reads.
func (b *box) file(name string) string {
	text, err := os.ReadFile(b.env[name])
	if err != nil && !os.IsNotExist(err) {
		b.t.Fatal(err)
	}
	return string(text)
}
