package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/domain/trust/issuertest"
	"github.com/org/registry-action/internal/forge/forgetest"
	"github.com/org/registry-action/internal/release"
)

// released is a version of the action as its users get it: its files, with a cli.json
// that names the program of this run, and a folder of that release for a server.
func released(t *testing.T) (action, cliDir string) {
	t.Helper()
	action, cliDir = filepath.Join(t.TempDir(), "action"), t.TempDir()
	cli, err := release.Place(filepath.Join(bin, "publish-commit"), cliDir, "v1.2.3", release.Target{OS: runtime.GOOS, Arch: runtime.GOARCH})
	if err == nil {
		err = release.CopyAction("../..", action, cli)
	}
	if err != nil {
		t.Fatal(err)
	}
	return action, cliDir
}

// stubs stand in for GitHub's own actions, which would be fetched; act has actions/checkout itself.
const stubs = `-- setup-node/action.yml --
name: setup-node
description: Node is there.
runs: {using: composite, steps: [{run: node --version, shell: bash}]}
-- upload-artifact/action.yml --
name: upload-artifact
description: Keeps a folder for another job.
inputs: {name: {required: true}, path: {required: true}}
runs:
  using: composite
  steps:
    - run: mkdir -p "$ARTIFACTS" && cp -R "${{ inputs.path }}" "$ARTIFACTS/${{ inputs.name }}"
      shell: bash
-- download-artifact/action.yml --
name: download-artifact
description: Gets it.
inputs: {name: {required: true}, path: {required: true}, run-id: {}, github-token: {}}
runs:
  using: composite
  steps:
    - run: cp -R "$ARTIFACTS/${{ inputs.name }}" "${{ inputs.path }}"
      shell: bash
`

var yamlBlock = regexp.MustCompile("(?s)\n```yaml\n(.*?)```\n")

// documented is a workflow of docs/action.md, by its name.
func documented(t *testing.T, name string) string {
	t.Helper()
	text := read(t, "../../docs/action.md")
	for _, m := range yamlBlock.FindAllStringSubmatch(text, -1) {
		if strings.HasPrefix(m[1], "name: "+name+"\n") {
			return m[1]
		}
	}
	t.Fatalf("docs/action.md has no workflow %q", name)
	return ""
}

// runnerBox runs documented workflows with act, on this machine, in a repository of their own.
type runnerBox struct {
	t         *testing.T
	gh        *forgetest.Server
	issuer    *issuertest.Issuer
	server    *server
	dir       string
	head, sha string // of pull request 7, and its merge into main, which is checked out
	home      string
	action    string
	artifacts string
}

// npmWorkspace is workspace as npm, which has no workspace:, takes it.
var npmWorkspace = regexp.MustCompile(`workspace:[*^~]`).ReplaceAllString(workspace, "*") + `
-- packages/docs/package.json --
{"name": "@acme/docs", "version": "1.0.0"}
`

// newRunnerBox has a server that trusts the previews of acme/ws, and hands out the program.
func newRunnerBox(t *testing.T) *runnerBox {
	t.Helper()
	return newRunnerBoxOn(t, forgetest.New(t))
}

// newRunnerBoxOn is newRunnerBox on a forge, with more environment for the server.
func newRunnerBoxOn(t *testing.T, gh *forgetest.Server, env ...string) *runnerBox {
	t.Helper()
	b := newUntrusted(t, gh, env...)
	trustRepository(t, b.server)
	return b
}

// newUntrusted is newRunnerBoxOn whose server trusts nobody yet.
func newUntrusted(t *testing.T, gh *forgetest.Server, env ...string) *runnerBox {
	t.Helper()
	b := &runnerBox{t: t, gh: gh, issuer: issuertest.New(t), home: t.TempDir(), artifacts: filepath.Join(t.TempDir(), "artifacts")}
	var cliDir string
	b.action, cliDir = released(t)
	env = append(env, "REGISTRY_TOKEN="+registryToken, "OIDC_ISSUERS="+b.issuer.URL+";forge=https://github.com")
	b.server = startServerIn(t, cleanEnv(env...), t.TempDir(), "--cli-dir", cliDir)
	b.dir = t.TempDir()
	write(t, b.dir, npmWorkspace)
	exe(t, b.dir, cleanEnv(), "npm", "install", "--package-lock-only", "--offline", "--no-audit", "--no-fund").must(t)
	b.head, b.sha = mergeCommit(t, b.dir)
	b.gh.AddPull(forgetest.Pull{Number: 7, HeadSHA: b.head, HeadRef: "feature", HeadRepo: "acme/ws", BaseRef: "main"})
	write(t, b.home, stubs)
	return b
}

// job is the arguments by which a workflow's jobs may ask for tokens with these claims.
func (b *runnerBox) job(claims issuertest.Claims) (args []string) {
	for _, v := range b.issuer.Job(claims) {
		args = append(args, "--env", v)
	}
	return append(args, "--secret", "GITHUB_TOKEN="+forgetest.Token)
}

// run runs a workflow for an event; args are further arguments of act.
func (b *runnerBox) run(workflow, event string, payload map[string]any, args ...string) result {
	b.t.Helper()
	folder := b.t.TempDir()
	text, err := json.Marshal(payload)
	if err != nil {
		b.t.Fatal(err)
	}
	yml := strings.ReplaceAll(documented(b.t, workflow), "https://registry.example.com", b.server.url)
	err = errors.Join(os.WriteFile(filepath.Join(folder, "workflow.yml"), []byte(yml), 0o644), os.WriteFile(filepath.Join(folder, "event.json"), text, 0o644))
	if err != nil {
		b.t.Fatal(err)
	}
	args = slices.Concat([]string{event, "--workflows", filepath.Join(folder, "workflow.yml"), "--eventpath", filepath.Join(folder, "event.json"),
		"--platform", "ubuntu-latest=-self-hosted", "--platform", "self-hosted=-self-hosted", "--platform", "linux=-self-hosted",
		"--env", "GITHUB_API_URL=" + b.gh.URL, "--env", "ARTIFACTS=" + b.artifacts, "--use-gitignore=false", "--no-cache-server", "--artifact-server-addr", "127.0.0.1",
		"--local-repository", "org/registry-action@v1=" + b.action, "--local-repository", "actions/setup-node@v6=" + filepath.Join(b.home, "setup-node"),
		"--local-repository", "actions/upload-artifact@v7=" + filepath.Join(b.home, "upload-artifact"), "--local-repository", "actions/download-artifact@v8=" + filepath.Join(b.home, "download-artifact"),
	}, args)
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, clients.Get(b.t, clients.Act).Path, args...)
	cmd.Dir, cmd.WaitDelay = b.dir, lastWords
	node := filepath.Dir(clients.Get(b.t, clients.Node24).Path)
	cmd.Env = cleanEnv("HOME="+b.home, "XDG_CACHE_HOME="+filepath.Join(b.home, "cache"), "XDG_CONFIG_HOME="+b.home, "DOCKER_HOST=", "PATH="+node+":"+os.Getenv("PATH"))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		b.t.Fatal(err)
	}
	return result{stdout: out.String(), code: cmd.ProcessState.ExitCode()}
}

func repository(id int, name string) map[string]any {
	return map[string]any{"id": id, "full_name": name, "default_branch": "main"}
}

// pullEvent is the event of pull request 7, whose head is in a repository.
func (b *runnerBox) pullEvent(head map[string]any) map[string]any {
	base := repository(1, "acme/ws")
	return map[string]any{"action": "synchronize", "number": 7, "repository": base, "pull_request": map[string]any{
		"number": 7, "head": map[string]any{"ref": "feature", "sha": b.head, "repo": head}, "base": map[string]any{"ref": "main", "sha": strings.Repeat("2", 40), "repo": base},
	}}
}

// resolves fails the test unless a ref of a package is of a commit.
func (b *runnerBox) resolves(ref, sha string) {
	b.t.Helper()
	got := exe(b.t, b.dir, cleanEnv(), "curl", "-s", b.server.url+"/acme/ws/acme-cli@"+ref+"?resolve").must(b.t)
	if !strings.Contains(got.stdout, `"sha":"`+sha+`"`) {
		b.t.Errorf("@%s resolves to %s, want commit %s", ref, got.stdout, sha)
	}
}

const registryToken = "a-token-of-the-registry-in-a-test"

// The workflows of docs/action.md for pull requests of the repository itself do what they promise, with no
// secret but the job's own token. None is in their log.
func TestDocumentedWorkflows(t *testing.T) {
	for workflow, runner := range map[string]string{
		"Preview": "github-hosted", "Preview in two jobs": "github-hosted", "Preview of a monorepo": "github-hosted",
		"Preview on our own runners": "self-hosted",
	} {
		t.Run(workflow, func(t *testing.T) {
			t.Parallel()
			b := newUntrusted(t, forgetest.New(t))
			trustRepository(t, b.server, documentedTrust(t, runner)...)
			if strings.Contains(documented(t, workflow), "secrets.") {
				t.Error("the workflow wants a secret")
			}
			job := b.job(issuertest.PullRequest("acme/ws", b.sha, 7).With(issuertest.Claims{"runner_environment": runner}))
			r := b.run(workflow, "pull_request", b.pullEvent(repository(1, "acme/ws")), job...).must(t)
			b.resolves("pr-7", b.head)
			if comments := b.gh.Comments(7); len(comments) != 1 || !strings.Contains(comments[0].Body, "@acme/core") {
				t.Errorf("the comments are %+v, want one about the packages", comments)
			} else if excluded := workflow == "Preview of a monorepo"; strings.Contains(comments[0].Body, "@acme/docs") == excluded {
				t.Errorf("that @acme/docs is left out should be %v:\n%s", excluded, comments[0].Body)
			}
			if strings.Contains(r.stdout, forgetest.Token) {
				t.Error("the log has the job's token")
			}
		})
	}
}

// documentedTrust is the flags that docs/action.md adds to the policy for previews of runs on a kind of runner.
func documentedTrust(t *testing.T, runner string) []string {
	t.Helper()
	const line = "registry-server trust add github acme/widgets --tier preview"
	lines := blocks(t, "docs/action.md", line)
	if len(lines) != 2 {
		t.Fatalf("docs/action.md has the policies %q, want one for the forge's runners and one for others", lines)
	}
	at := 0
	if runner == "self-hosted" {
		at = 1
	}
	return strings.Fields(strings.TrimPrefix(lines[at], line))
}

func TestDocumentedPush(t *testing.T) {
	t.Parallel()
	b := newRunnerBox(t)
	event := map[string]any{"ref": "refs/heads/main", "after": b.sha, "repository": repository(1, "acme/ws")}
	b.run("Preview", "push", event, b.job(issuertest.Push("acme/ws", b.sha))...).must(t)
	b.resolves("branch:main", b.sha)
	if comments := b.gh.Comments(7); len(comments) != 0 {
		t.Errorf("a push to main commented on a pull request of another commit: %+v", comments)
	}
}

// All workflows, those of the documents among them, pass actionlint, pin what they use and say what they may do.
func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(files) < 3 {
		t.Fatalf("the workflows are %q (%v)", files, err)
	}
	pinned := regexp.MustCompile(`^(\./|[\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$)`)
	uses := regexp.MustCompile(`(?m)^\s*(?:- )?uses: (.*)$`)
	for _, file := range files {
		text := read(t, file)
		for _, m := range uses.FindAllStringSubmatch(text, -1) {
			if !pinned.MatchString(m[1]) {
				t.Errorf("%s uses %s, which is not pinned by commit and version", file, m[1])
			}
		}
		if !strings.Contains(text, "\npermissions: {}\n") {
			t.Errorf("%s does not begin with no permissions", file)
		}
	}
	for i, m := range yamlBlock.FindAllStringSubmatch(read(t, "../../docs/action.md")+read(t, "../../docs/trust.md")+read(t, "../../docs/migrate-pkg-pr-new.md"), -1) {
		if strings.Contains(m[1], "\njobs:\n") {
			file := filepath.Join(t.TempDir(), fmt.Sprintf("workflow-%d.yml", i))
			if err := os.WriteFile(file, []byte(m[1]), 0o644); err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
	}
	if len(files) < 8 {
		t.Errorf("only %d workflows were found", len(files))
	}
	r := exe(t, "../..", cleanEnv(), clients.Get(t, clients.Actionlint).Path, absolute(t, files)...)
	if r.code != 0 {
		t.Errorf("actionlint: %v", r)
	}
}

func absolute(t *testing.T, files []string) (out []string) {
	t.Helper()
	for _, file := range files {
		path, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, path)
	}
	return out
}
