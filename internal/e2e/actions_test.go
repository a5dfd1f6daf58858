package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/org/registry-action/internal/forge/forgetest"
)

// step is a CI step that runs the action's main.js, as the runner would.
type step struct {
	env    []string
	output string // file of outputs
	sum    string // file of the job summary
}

const headSHA = "1111111111111111111111111111111111111111"

// pullRequest is the step of a pull request's run: a merge commit is checked out.
func pullRequest(t *testing.T, gh *forgetest.Server, registry, merge string, run int, inputs ...string) step {
	t.Helper()
	return pullRequestAt(t, gh, registry, headSHA, merge, run, inputs...)
}

// pullRequestAt is pullRequest for a certain head.
func pullRequestAt(t *testing.T, gh *forgetest.Server, registry, head, merge string, run int, inputs ...string) step {
	t.Helper()
	return pullRequestOf(t, gh, registry, 1, head, merge, run, inputs...)
}

// pullRequestOf is pullRequestAt for a head in the repository with an id; 1 is acme/ws itself.
func pullRequestOf(t *testing.T, gh *forgetest.Server, registry string, repository int, head, merge string, run int, inputs ...string) step {
	t.Helper()
	event := map[string]any{
		"action": "synchronize", "number": 7,
		"repository": map[string]any{"id": 1, "full_name": "acme/ws", "default_branch": "main"},
		"pull_request": map[string]any{
			"number": 7,
			"head":   map[string]any{"ref": "feature", "sha": head, "repo": map[string]any{"id": repository, "full_name": "acme/ws"}},
			"base":   map[string]any{"ref": "main", "sha": strings.Repeat("2", 40), "repo": map[string]any{"id": 1, "full_name": "acme/ws"}},
		},
	}
	b, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := step{output: filepath.Join(dir, "output"), sum: filepath.Join(dir, "summary")}
	for name, data := range map[string][]byte{"event.json": b, "output": nil, "summary": nil} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.env = cleanEnv(append([]string{
		"GITHUB_ACTIONS=true", "CI=true", "GITHUB_EVENT_NAME=pull_request", "GITHUB_EVENT_PATH=" + filepath.Join(dir, "event.json"),
		"GITHUB_REPOSITORY=acme/ws", "GITHUB_SERVER_URL=https://github.com", "GITHUB_API_URL=" + gh.URL, "GITHUB_SHA=" + merge, "GITHUB_REF=refs/pull/7/merge",
		fmt.Sprintf("GITHUB_RUN_ID=%d", 9000+run), fmt.Sprintf("GITHUB_RUN_NUMBER=%d", run), "GITHUB_RUN_ATTEMPT=1",
		"GITHUB_OUTPUT=" + s.output, "GITHUB_STEP_SUMMARY=" + s.sum,
		"INPUT_REGISTRY-URL=" + registry, "INPUT_GITHUB-TOKEN=" + forgetest.Token, "INPUT_PACKAGE-MANAGERS=npm, pnpm",
		"INPUT_COMMENT=update", "INPUT_SIBLINGS=url", "INPUT_DRY-RUN=false", "INPUT_TOKEN=",
		"INPUT_BINARY-PATH=" + filepath.Join(bin, "publish-commit"),
	}, inputs...)...)
	return s
}

// run runs main.js.
func (s step) run(t *testing.T, dir string) result {
	t.Helper()
	main, err := filepath.Abs("../../main.js")
	if err != nil {
		t.Fatal(err)
	}
	return exe(t, dir, s.env, "node", main)
}

// read returns the content of an output or summary file.
func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func newGitHub(t *testing.T) *forgetest.Server {
	t.Helper()
	gh := forgetest.New(t)
	gh.AddPull(forgetest.Pull{Number: 7, HeadSHA: headSHA, HeadRef: "feature", HeadRepo: "acme/ws", BaseRef: "main"})
	return gh
}

func TestPullRequest(t *testing.T) {
	t.Parallel()
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	dir, merge := checkout(t, workspace)
	first := pullRequest(t, gh, s.url, merge, 1)
	first.run(t, dir).must(t)

	comments := gh.Comments(7)
	if len(comments) != 1 {
		t.Fatalf("%d comments, want one", len(comments))
	}
	for _, want := range []string{"@acme/core", "acme-cli", headSHA, "/actions/runs/9001/attempts/1", "pnpm add"} {
		if !strings.Contains(comments[0].Body, want) {
			t.Errorf("the comment lacks %q:\n%s", want, comments[0].Body)
		}
	}
	outputs := read(t, first.output)
	for _, want := range []string{"urls<<", "packages<<", "sha<<", headSHA, "comment-id<<", fmt.Sprint(comments[0].ID)} {
		if !strings.Contains(outputs, want) {
			t.Errorf("the outputs lack %q:\n%s", want, outputs)
		}
	}
	if sum := read(t, first.sum); !strings.Contains(sum, "acme-mid") {
		t.Errorf("the summary is %q", sum)
	}
	// The pull request's names point at its head commit, not at the merge.
	got := exe(t, dir, cleanEnv(), "curl", "-s", s.url+"/acme/ws/acme-cli@pr-7?resolve").must(t)
	if !strings.Contains(got.stdout, `"sha":"`+headSHA+`"`) {
		t.Errorf("@pr-7 resolves to %s", got.stdout)
	}

	pullRequest(t, gh, s.url, merge, 2).run(t, dir).must(t)
	if now := gh.Comments(7); len(now) != 1 || now[0].ID != comments[0].ID || !strings.Contains(now[0].Body, "/runs/9002/") {
		t.Errorf("after a second run: %+v, want the same comment, updated", now)
	}
	r := pullRequest(t, gh, s.url, merge, 1).run(t, dir).must(t)
	if now := gh.Comments(7); len(now) != 1 || !strings.Contains(now[0].Body, "/runs/9002/") {
		t.Errorf("a stale run overwrote the comment: %+v\n%v", now, r)
	}
}

// Two runs find no comment and both make one: what stays is one, of the later run.
func TestTwoRunsCommentAtOnce(t *testing.T) {
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	dir, merge := checkout(t, workspace)
	var arrived atomic.Int32
	both := make(chan struct{})
	gh.Hook(func(r forgetest.Request) {
		if r.Route != forgetest.CreateComment {
			return
		}
		if arrived.Add(1) == 2 {
			close(both)
		}
		select {
		case <-both:
		case <-t.Context().Done():
		}
	})
	var wg sync.WaitGroup
	results := make([]result, 2)
	for i := range results {
		st := pullRequest(t, gh, s.url, merge, i+1)
		wg.Go(func() { results[i] = st.run(t, dir) })
	}
	wg.Wait()
	for _, r := range results {
		r.must(t)
	}
	if c := gh.Comments(7); len(c) != 1 || !strings.Contains(c[0].Body, "/runs/9002/") || arrived.Load() != 2 {
		t.Errorf("%d comments were made, and these stay: %+v", arrived.Load(), c)
	}
}

func TestForksDegradeToTheSummary(t *testing.T) {
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	gh.Grant("fork-token", forgetest.Account{Login: "github-actions[bot]", Installation: true, ReadOnly: true})
	dir, merge := checkout(t, workspace)
	fork := pullRequest(t, gh, s.url, merge, 1, "INPUT_GITHUB-TOKEN=fork-token")
	r := fork.run(t, dir).must(t)
	if !strings.Contains(r.stdout, "::warning") || !strings.Contains(r.stdout, "read-only") || len(gh.Comments(7)) != 0 {
		t.Errorf("%v\nwant a warning that explains it", r)
	}
	if sum := read(t, fork.sum); !strings.Contains(sum, "@acme/core") {
		t.Errorf("the summary is %q", sum)
	}
}

func TestAnotherCommitIsCheckedOut(t *testing.T) {
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	dir, _ := checkout(t, workspace)
	r := pullRequest(t, gh, s.url, strings.Repeat("3", 40), 1).run(t, dir)
	if r.code != 1 || !strings.Contains(r.stderr, "::error") || !strings.Contains(r.stderr, "is checked out") {
		t.Errorf("%v\nwant a refusal as an annotation", r)
	}
}

// A workflow that checks out the head itself has packed the head, and the comment says so.
func TestHeadIsCheckedOut(t *testing.T) {
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	dir, head := checkout(t, workspace)
	pullRequestAt(t, gh, s.url, head, strings.Repeat("4", 40), 1).run(t, dir).must(t)
	merged, merge := checkout(t, workspace+"-- base.txt --\nof the base branch\n")
	pullRequest(t, gh, s.url, merge, 2, "INPUT_COMMENT-KEY=merged").run(t, merged).must(t)
	comments := gh.Comments(7)
	if len(comments) != 2 || strings.Contains(comments[0].Body, "merge commit") || !strings.Contains(comments[1].Body, "packed from the merge commit") {
		t.Errorf("the comments are %+v, want the first about the head and the second about the merge", comments)
	}
}

// The head and its merge into the base are packed under one commit: what was
// published first stays, with a warning, and the pull request has its comment.
func TestHeadAndMergeOfOneCommit(t *testing.T) {
	t.Parallel()
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	dir, head := checkout(t, workspace)
	pullRequestAt(t, gh, s.url, head, strings.Repeat("4", 40), 1, "INPUT_COMMENT=off").run(t, dir).must(t)
	merged, merge := checkout(t, workspace+"-- packages/core/index.js --\nmodule.exports = 'of the merge';\n")
	r := pullRequestAt(t, gh, s.url, head, merge, 2).run(t, merged).must(t)
	if !strings.Contains(r.stdout, "::warning") || !strings.Contains(r.stdout, "@acme/core: this commit was published before with other bytes") {
		t.Errorf("%v\nwant a warning that names what stays", r)
	}
	if c := gh.Comments(7); len(c) != 1 || strings.Contains(c[0].Body, "merge commit") {
		t.Errorf("the comments are %+v, want one that does not speak of the merge", c)
	}
	replaced := pullRequestAt(t, gh, s.url, head, merge, 3, "INPUT_FORCE=true").run(t, merged).must(t)
	if strings.Contains(replaced.stdout, "::warning") {
		t.Errorf("forced: %v", replaced)
	}
}

// A failure of the comment does not hide that the packages are published.
func TestCommentFails(t *testing.T) {
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	gh.Fail(forgetest.Fault{Route: forgetest.ListComments, Times: 99, Status: 422})
	dir, merge := checkout(t, workspace)
	st := pullRequest(t, gh, s.url, merge, 1)
	r := st.run(t, dir)
	if r.code != 1 || !strings.Contains(r.stderr, "the packages are published") {
		t.Errorf("%v\nwant exit code 1 and a sentence that says what happened", r)
	}
	if out, sum := read(t, st.output), read(t, st.sum); !strings.Contains(out, "urls<<") || !strings.Contains(sum, "acme-cli") {
		t.Errorf("the outputs are %q and the summary %q, want what is published", out, sum)
	}
}

// Without binary-path the action builds the program from its checkout.
func TestShimBuildsWithGo(t *testing.T) {
	t.Parallel()
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	dir, merge := checkout(t, workspace)
	st := pullRequest(t, gh, s.url, merge, 1, "INPUT_BINARY-PATH=", "INPUT_DRY-RUN=true")
	if r := st.run(t, dir).must(t); !strings.Contains(r.stdout, "acme-cli@0.0.0-commit.g1111111111") {
		t.Errorf("%v", r)
	}
	st.env = append(st.env, "PATH="+filepath.Dir(which(t, "node")))
	if r := st.run(t, dir); r.code != 1 || !strings.Contains(r.stdout, "::error::") || !strings.Contains(r.stdout, "binary-path") {
		t.Errorf("without Go: %v\nwant an error that names the way out", r)
	}
}

func which(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(exe(t, ".", os.Environ(), "bash", "-c", "readlink -f $(command -v "+name+")").must(t).stdout)
}

// The moving tag goes to the highest version, whichever is released last, and never to a prerelease.
func TestMovingTag(t *testing.T) {
	t.Parallel()
	var workflow struct {
		Jobs map[string]struct{ Steps []struct{ Run string } }
	}
	if err := yaml.Unmarshal([]byte(read(t, "../../.github/workflows/release.yml")), &workflow); err != nil {
		t.Fatal(err)
	}
	steps := workflow.Jobs["move"].Steps
	tools := t.TempDir()
	if err := os.WriteFile(filepath.Join(tools, "gh"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	origin, dir := t.TempDir(), t.TempDir()
	git := func(args ...string) string {
		as := []string{"-C", dir, "-c", "user.name=Test", "-c", "user.email=test@example.com"}
		return strings.TrimSpace(exe(t, dir, cleanEnv(), "git", append(as, args...)...).must(t).stdout)
	}
	git("init", "--quiet", "--bare", origin)
	git("init", "--quiet")
	git("remote", "add", "origin", origin)
	for _, tt := range []struct{ version, want string }{
		{"v1.2.0", "v1.2.0"}, {"v1.10.0", "v1.10.0"}, {"v1.9.1", "v1.10.0"}, {"v2.0.0", "v1.10.0"}, {"v1.11.0-v1.12.0", "v1.10.0"}, {"v1.10.1", "v1.10.1"},
	} {
		git("commit", "--quiet", "--allow-empty", "--message="+tt.version)
		git("tag", tt.version)
		git("push", "--quiet", "origin", "refs/tags/"+tt.version)
		env := append(cleanEnv("VERSION="+tt.version), "PATH="+tools+string(filepath.ListSeparator)+os.Getenv("PATH"))
		exe(t, dir, env, "bash", "-ec", steps[len(steps)-1].Run).must(t)
		if got := git("ls-remote", "--refs", origin, "refs/tags/v1"); !strings.HasPrefix(got, git("rev-parse", tt.want)) {
			t.Errorf("after the release of %s the tag v1 is %q, want %s", tt.version, got, tt.want)
		}
	}
}
