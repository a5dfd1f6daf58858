package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/forge/forgetest"
)

// eventEnv is the environment of a run that an event started.
func eventEnv(t *testing.T, gh *forgetest.Server, name, payload, sha string, vars ...string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(path, []byte(payload), 0o644); err != nil {
		t.Fatal(err)
	}
	return cleanEnv(append([]string{
		"GITHUB_ACTIONS=true", "GITHUB_EVENT_NAME=" + name, "GITHUB_EVENT_PATH=" + path, "GITHUB_REPOSITORY=acme/ws",
		"GITHUB_API_URL=" + gh.URL, "GITHUB_SHA=" + sha, "GITHUB_RUN_ID=9001", "GITHUB_RUN_NUMBER=1", "GITHUB_RUN_ATTEMPT=1",
	}, vars...)...)
}

// The push that removes a branch runs with the default branch checked out.
func TestRemovedBranch(t *testing.T) {
	gh := newGitHub(t)
	dir, sha := checkout(t, workspace)
	env := eventEnv(t, gh, "push", `{"ref": "refs/heads/old", "deleted": true, "after": "`+strings.Repeat("0", 40)+`"}`, sha, "REGISTRY_URL=http://localhost:1")
	if r := publishCommit(t, dir, env).must(t); !strings.Contains(r.stderr, "nothing to publish") {
		t.Errorf("%v\nwant a sentence that nothing is to be done", r)
	}
}

// A comment starts a run with the default branch checked out: without a token
// to ask for the pull request's head, that branch must not be taken for it.
func TestCommentWithoutToken(t *testing.T) {
	gh := newGitHub(t)
	dir, sha := checkout(t, workspace)
	env := eventEnv(t, gh, "issue_comment", `{"issue": {"number": 7, "pull_request": {}}}`, sha, "REGISTRY_URL=http://localhost:1")
	if r := publishCommit(t, dir, env); r.code != 1 || !strings.Contains(r.stderr, "::error::") || !strings.Contains(r.stderr, "github-token") {
		t.Errorf("%v\nwant a refusal that names github-token", r)
	}
}

// A push to the branch of a pull request publishes under the pull request's name too.
func TestPushToAPullRequest(t *testing.T) {
	gh, s := forgetest.New(t), startServer(t, t.TempDir())
	dir, sha := checkout(t, workspace)
	gh.AddPull(forgetest.Pull{Number: 7, HeadSHA: sha, HeadRef: "feature", HeadRepo: "acme/ws", BaseRef: "main"})
	env := eventEnv(t, gh, "push", `{"ref": "refs/heads/feature", "after": "`+sha+`"}`, sha, "REGISTRY_URL="+s.url, "GITHUB_TOKEN="+forgetest.Token)
	publishCommit(t, dir, env).must(t)
	got := exe(t, dir, cleanEnv(), "curl", "-s", s.url+"/acme/ws/acme-cli@pr-7?resolve").must(t)
	if !strings.Contains(got.stdout, `"sha":"`+sha+`"`) || len(gh.Comments(7)) != 1 {
		t.Errorf("@pr-7 resolves to %s, with %d comments", got.stdout, len(gh.Comments(7)))
	}
}

// Standard output is JSON or nothing, also of a dry run and of a failure in CI.
func TestStandardOutputStaysJSON(t *testing.T) {
	dir, sha := checkout(t, workspace)
	r := publishCommit(t, dir, cleanEnv(), "--dry-run", "--json").must(t)
	var plan struct {
		DryRun   bool
		SHA      string
		Packages []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(r.stdout), &plan); err != nil || !plan.DryRun || plan.SHA != sha || len(plan.Packages) != 3 {
		t.Errorf("--dry-run --json printed %s (%v)", r.stdout, err)
	}
	env := eventEnv(t, newGitHub(t), "push", `{"ref": "refs/heads/main", "after": "`+sha+`"}`, sha)
	if r := publishCommit(t, dir, env, "--dry-run", "--json", "acme-clj"); r.code != 1 || r.stdout != "" || !strings.Contains(r.stderr, "::error::") {
		t.Errorf("a failure: %v\nwant it on standard error", r)
	}
}

// A reader that goes away leaves nothing behind.
func TestClosedPipe(t *testing.T) {
	onlyLocal(t, "it starts no server, or one of its own")
	dir, _ := checkout(t, workspace)
	temp := t.TempDir()
	exe(t, dir, cleanEnv("TMPDIR="+temp), "bash", "-c", `"$0" --dry-run 2>&1 | true`, filepath.Join(bin, "publish-commit")).must(t)
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("it left %v (%v)", left, err)
	}
}
