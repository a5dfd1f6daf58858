package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/trust/issuertest"
	"github.com/org/registry-action/internal/forge/forgetest"
)

// trustRepository has a server trust the previews of acme/ws.
func trustRepository(t *testing.T, s *server, args ...string) {
	t.Helper()
	operate(t, s, "", append([]string{"trust", "add", "github", "acme/ws", "--tier", "preview",
		"--repository-id", fmt.Sprint(issuertest.RepositoryID), "--owner-id", fmt.Sprint(issuertest.OwnerID)}, args...)...)
}

// mergeCommit commits what is in a folder, and another commit on top of it, which it merges as GitHub does.
func mergeCommit(t *testing.T, dir string) (head, merge string) {
	t.Helper()
	commit(t, dir)
	git := func(args ...string) {
		exe(t, dir, cleanEnv(), "git", append([]string{"-c", "user.name=Tester", "-c", "user.email=tester@example.com"}, args...)...).must(t)
	}
	git("switch", "-q", "-c", "feature")
	head = commit(t, dir)
	git("switch", "-q", "-")
	git("merge", "-q", "--no-ff", "-m", "Merge it", "feature")
	return head, strings.TrimSpace(exe(t, dir, cleanEnv(), "git", "rev-parse", "HEAD").must(t).stdout)
}

// trusting is a server that wants a token and trusts an issuer.
func trusting(t *testing.T, i *issuertest.Issuer, env ...string) *server {
	t.Helper()
	env = append(env, "REGISTRY_TOKEN="+registryToken, "OIDC_ISSUERS="+i.URL+";forge=https://github.com")
	return startServerIn(t, cleanEnv(env...), t.TempDir())
}

// A run of the repository publishes with no secret: its pull request's head is shown by the merge commit that is checked out.
func TestPublishWithoutSecret(t *testing.T) {
	t.Parallel()
	issuer, gh := issuertest.New(t), forgetest.New(t)
	s := trusting(t, issuer)
	dir := t.TempDir()
	write(t, dir, workspace)
	head, merge := mergeCommit(t, dir)
	gh.AddPull(forgetest.Pull{Number: 7, HeadSHA: head, HeadRef: "feature", HeadRepo: "acme/ws", BaseRef: "main"})
	st := pullRequestAt(t, gh, s.url, head, merge, 1, issuer.Job(issuertest.PullRequest("acme/ws", merge, 7))...)
	state := filepath.Join(t.TempDir(), "state")
	st.env = append(st.env, "GITHUB_STATE="+state)

	r := st.run(t, dir)
	if r.code == 0 || !strings.Contains(r.stderr, "::error::") || !strings.Contains(r.stderr, "registry-server trust add github") {
		t.Fatalf("%v\nwant a refusal that says how to be trusted", r)
	}
	trustRepository(t, s, "--packages", "@acme/core")
	r = st.run(t, dir)
	if r.code == 0 || !strings.Contains(r.stderr, "packages: expected") || !strings.Contains(r.stderr, "acme-cli") {
		t.Fatalf("%v\nwant a refusal that names the packages that are not covered", r)
	}
	trustRepository(t, s)
	r = st.run(t, dir).must(t)
	got := exe(t, dir, cleanEnv(), "curl", "-s", s.url+"/acme/ws/acme-cli@pr-7?resolve").must(t)
	if !strings.Contains(got.stdout, `"sha":"`+head+`"`) {
		t.Errorf("@pr-7 resolves to %s", got.stdout)
	}
	// The registry's token is told once, to be masked, and is good for nothing any more.
	token := masked(t, r.stdout)
	if strings.Count(r.stdout+r.stderr, token) != 1 {
		t.Errorf("the token is told:\n%v", r)
	}
	if name := whoami(t, s, token); name != "" {
		t.Errorf("the token still speaks for %q", name)
	}
	if text := read(t, state); strings.HasSuffix(strings.TrimSpace(text), token) {
		t.Errorf("post.js would find the token:\n%s", text)
	}
}

// masked is the registry's token in a log: what is masked beside the id-token, which has two dots.
func masked(t *testing.T, log string) string {
	t.Helper()
	for line := range strings.Lines(log) {
		if secret, ok := strings.CutPrefix(strings.TrimSpace(line), "::add-mask::"); ok && strings.Count(secret, ".") != 2 {
			return secret
		}
	}
	t.Fatalf("nothing of the registry's is masked:\n%s", log)
	return ""
}

// A job that is killed while it uploads leaves a token, which post.js revokes.
func TestPostRevokesToken(t *testing.T) {
	t.Parallel()
	issuer, gh := issuertest.New(t), forgetest.New(t)
	s := trusting(t, issuer)
	trustRepository(t, s)
	dir, sha := checkout(t, workspace)
	st := pullRequestAt(t, gh, s.url, sha, strings.Repeat("4", 40), 1, "INPUT_COMMENT=off")
	token := exchange(t, s, issuer.Token("npm:localhost", issuertest.Push("acme/ws", sha)))
	if whoami(t, s, token) == "" {
		t.Fatal("the token is good for nothing from the beginning")
	}
	post, err := filepath.Abs("../../post.js")
	if err != nil {
		t.Fatal(err)
	}
	env := append(st.env, "STATE_binary="+filepath.Join(bin, "publish-commit"), "STATE_ended=true", "STATE_token="+token)
	r := exe(t, dir, env, "node", post).must(t)
	if name := whoami(t, s, token); name != "" || strings.Contains(r.stdout+r.stderr, "::warning") {
		t.Errorf("the token speaks for %q: %v", name, r)
	}
	s.kill()
	if r := exe(t, dir, env, "node", post).must(t); strings.Contains(strings.ReplaceAll(r.stdout, "::add-mask::"+token, "")+r.stderr, token) {
		t.Errorf("the token is told: %v", r)
	}
}

// exchange gets a token by hand.
func exchange(t *testing.T, s *server, idToken string) string {
	t.Helper()
	got := exe(t, os.TempDir(), cleanEnv(), "curl", "-sf", "-X", "POST", "-H", "Authorization: Bearer "+idToken, "-H", "Content-Type: application/json",
		"-d", `{"packages": ["acme-cli"]}`, "http://"+s.addr+"/-/ci/v1/exchange").must(t)
	_, rest, _ := strings.Cut(got.stdout, `"token":"`)
	token, _, ok := strings.Cut(rest, `"`)
	if !ok {
		t.Fatalf("the exchange answers %s", got.stdout)
	}
	return token
}
