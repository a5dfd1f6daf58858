package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/action/artifact/resultstest"
	"github.com/org/registry-action/internal/domain/trust/issuertest"
	"github.com/org/registry-action/internal/forge/forgetest"
)

const forkRun = 9001

// forkEnv is the environment of a server that takes previews from forks.
func forkEnv(gh *forgetest.Server) []string {
	return []string{"REGISTRY_TOKEN=" + registryToken, "FORK_PREVIEWS=acme/*", "GITHUB_URL=https://github.com", "GITHUB_API_URL=" + gh.URL, "GITHUB_TOKEN=" + forgetest.Token}
}

// forkPull is pull request 7 of a fork, with its run in progress.
func forkPull(gh *forgetest.Server, head string) {
	gh.SetPull(forgetest.Pull{Number: 7, HeadSHA: head, HeadRef: "feature", HeadRepo: "stranger/ws", BaseRef: "main", Author: "stranger"})
	gh.PutRun(forgetest.Run{ID: forkRun, HeadSHA: head, HeadRef: "feature", HeadRepo: "stranger/ws"})
	gh.Grant("fork-token", forgetest.Account{Login: "github-actions[bot]", Installation: true, ReadOnly: true})
}

// A fork's run has no secret and no rights: it publishes below its pull request by proving which run it is.
func TestPublishFromFork(t *testing.T) {
	gh := forgetest.New(t)
	s := startServerIn(t, cleanEnv(forkEnv(gh)...), t.TempDir())
	dir := t.TempDir()
	write(t, dir, workspace)
	head, merge := mergeCommit(t, dir)
	forkPull(gh, head)
	results := resultstest.New(t, func(a resultstest.Artifact) {
		gh.AddArtifact(forgetest.Artifact{RunID: forkRun, Name: a.Name, Zip: a.Zip})
	})
	inputs := append(results.Env("run", "job"), "INPUT_GITHUB-TOKEN=fork-token", "INPUT_SIBLINGS=registry", "GITHUB_STATE="+filepath.Join(t.TempDir(), "state"))
	st := pullRequestOf(t, gh, s.url, 2, head, merge, 1, inputs...)

	// The repository has published nothing yet, so that nobody knows whose the names are.
	r := st.run(t, dir).must(t)
	if !strings.Contains(r.stdout, "::notice::Nothing was published") || !strings.Contains(r.stdout, "not known as a package of acme/ws") || !strings.Contains(read(t, st.sum), "not known as a package") {
		t.Fatalf("%v\nwant a notice that says why, and success", r)
	}
	publishCommit(t, dir, cleanEnv("REGISTRY_TOKEN="+registryToken), "--registry-url", s.url, "--repository", "https://github.com/acme/ws").must(t)

	r = st.run(t, dir).must(t)
	if strings.Contains(r.stdout, "Nothing was published") {
		t.Fatalf("%v", r)
	}
	got := exe(t, dir, cleanEnv(), "curl", "-s", s.url+"/acme/ws/acme-cli@pr-7?resolve").must(t)
	if !strings.Contains(got.stdout, `"sha":"`+head+`"`) {
		t.Errorf("@pr-7 resolves to %s", got.stdout)
	}
	token := masked(t, r.stdout)
	if strings.Count(r.stdout+r.stderr, token) != 1 || whoami(t, s, token) != "" {
		t.Errorf("the token is told, or still good:\n%v", r)
	}
	if sum := read(t, st.sum); !strings.Contains(sum, "@acme/core") {
		t.Errorf("the summary is %q", sum)
	}

	// Another run of the same kind that is over has nothing to claim.
	gh.PutRun(forgetest.Run{ID: forkRun, HeadSHA: head, HeadRef: "feature", HeadRepo: "stranger/ws", Status: "completed"})
	r = st.run(t, dir).must(t)
	if !strings.Contains(r.stdout, "not in progress") {
		t.Errorf("%v\nwant a notice about the run's status", r)
	}
	st.env = append(st.env, "INPUT_FAIL-ON-FORK=true")
	if r := st.run(t, dir); r.code != 1 || !strings.Contains(r.stderr, `status: expected "in_progress", got "completed"`) {
		t.Errorf("%v\nwant a failure that says what differs", r)
	}
}

// The documented workflow is for forks too.
func TestDocumentedForks(t *testing.T) {
	for _, workflow := range []string{"Preview", "Preview in two jobs"} {
		t.Run(workflow, func(t *testing.T) {
			t.Parallel()
			gh := forgetest.New(t)
			documentedFork(t, gh, workflow, forkEnv(gh), func(forgetest.Request) {})
		})
	}
}

// Where the server is a GitHub App, it writes the comment that the fork's run may not write.
func TestDocumentedForkComment(t *testing.T) {
	t.Parallel()
	gh := forgetest.New(t)
	env := append(forkEnv(gh), append(appEnv(t, gh), "GITHUB_TOKEN=")...)
	written, looked := false, make(chan struct{}, 100) // it looks at the comments once more when it has written one
	b := documentedFork(t, gh, "Preview", env, func(r forgetest.Request) {
		switch {
		case r.Route == forgetest.CreateComment:
			written = true
		case r.Route == forgetest.ListComments && written:
			looked <- struct{}{}
		}
	})
	select {
	case <-looked:
	case <-time.After(patience):
		t.Fatal("nobody comments")
	}
	comments := gh.Comments(7)
	if len(comments) != 1 || comments[0].Login != "previews[bot]" {
		t.Fatalf("the comments are %+v, want one of the App's", comments)
	}
	for _, want := range []string{"Built from fork code by `@stranger`, unreviewed", "npm i -E @acme/core@pr-7 --registry " + b.server.url + "/~/acme/ws/-/pr/7"} {
		if !strings.Contains(comments[0].Body, want) {
			t.Errorf("the comment lacks %q:\n%s", want, comments[0].Body)
		}
	}
}

// appEnv makes a GitHub App known to the stand-in, and is the environment of a server that is it.
func appEnv(t *testing.T, gh *forgetest.Server) []string {
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
	gh.SetApp(forgetest.App{ID: "12", Slug: "previews", Key: &key.PublicKey})
	return []string{"GITHUB_APP_ID=12", "GITHUB_APP_PRIVATE_KEY_FILE=" + file}
}

// documentedFork has a run of a fork's pull request publish by a documented workflow; see is shown what the forge is asked.
// The artifact goes to act's own service, which is no kin of our stand-in.
func documentedFork(t *testing.T, gh *forgetest.Server, workflow string, env []string, see func(forgetest.Request)) *runnerBox {
	t.Helper()
	b := newRunnerBoxOn(t, gh, env...)
	publishCommit(t, b.dir, cleanEnv("REGISTRY_TOKEN="+registryToken), "--registry-url", b.server.url, "--repository", "https://github.com/acme/ws").must(t)
	forkPull(gh, b.head)
	kept := t.TempDir()
	attach := attachKept(t, gh, kept)
	var mu sync.Mutex
	gh.Hook(func(r forgetest.Request) {
		mu.Lock()
		defer mu.Unlock()
		attach(r)
		see(r)
	})
	r := b.run(workflow, "pull_request", b.pullEvent(repository(2, "stranger/ws")), "--secret", "GITHUB_TOKEN=fork-token", "--env", "GITHUB_RUN_ID=9001",
		"--artifact-server-path", kept, "--artifact-server-port", freePort(t)).must(t)
	if strings.Contains(r.stdout, "Nothing was published") {
		t.Fatalf("%v", r)
	}
	b.resolves("pr-7", b.head)
	return b
}

// Where a fork's run can't reach the registry it only packs, and a workflow of the default branch publishes that, as the
// fork's and with no stored secret.
func TestDocumentedForkPreviews(t *testing.T) {
	t.Parallel()
	gh := forgetest.New(t)
	b := newRunnerBoxOn(t, gh, forkEnv(gh)...)
	trustRepository(t, b.server, "--repository-id", fmt.Sprint(forgetest.ID("acme/ws")), "--event", "workflow_run", "--workflow", "publish.yml")
	publishCommit(t, b.dir, cleanEnv("REGISTRY_TOKEN="+registryToken), "--registry-url", b.server.url, "--repository", "https://github.com/acme/ws").must(t)
	forkPull(gh, b.head)
	stranger := repository(2, "stranger/ws")
	b.run("Fork packages", "pull_request", b.pullEvent(stranger), "--secret", "GITHUB_TOKEN=fork-token").must(t)
	gh.PutRun(forgetest.Run{ID: forkRun, HeadSHA: b.head, HeadRef: "feature", HeadRepo: "stranger/ws", Status: "completed"})

	if strings.Contains(documented(t, "Fork previews"), "secrets.") || strings.Contains(documented(t, "Fork previews"), "checkout") {
		t.Error("the workflow wants a secret, or checks something out")
	}
	after := map[string]any{"action": "completed", "repository": repository(1, "acme/ws"), "workflow_run": map[string]any{
		"id": forkRun, "run_attempt": 1, "run_number": 3, "event": "pull_request", "conclusion": "success",
		"head_sha": b.head, "head_branch": "feature", "head_repository": stranger, "pull_requests": []any{},
	}}
	claims := issuertest.Push("acme/ws", b.sha).With(issuertest.Claims{"event_name": "workflow_run", "repository_id": fmt.Sprint(forgetest.ID("acme/ws"))})
	r := b.run("Fork previews", "workflow_run", after, b.job(claims)...).must(t)
	if strings.Contains(r.stdout, "Nothing was published") {
		t.Fatalf("%v", r)
	}
	b.resolves("pr-7", b.head)
	if comments := b.gh.Comments(7); len(comments) != 1 || !strings.Contains(comments[0].Body, "Built from fork code by `@stranger`, unreviewed") {
		t.Errorf("the comments are %+v, want one that says whose code it is", comments)
	}
}

// attachKept has the forge know the artifacts that act's service keeps, by the time that somebody asks for them; one call at a time.
func attachKept(t *testing.T, gh *forgetest.Server, dir string) func(forgetest.Request) {
	seen := map[string]bool{}
	return func(r forgetest.Request) {
		if r.Route != forgetest.ListArtifacts {
			return
		}
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".zip" || seen[path] {
				return err
			}
			archive, err := os.ReadFile(path)
			seen[path] = true
			gh.AddArtifact(forgetest.Artifact{RunID: forkRun, Name: strings.TrimSuffix(filepath.Base(path), ".zip"), Zip: archive})
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
