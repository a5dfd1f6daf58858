package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/forge/forgetest"
	"github.com/org/registry-action/internal/release"
)

// measureStep runs a whole step of the action: a push to a pull request that changes one of 100 packages, from the start
// of main.js to the comment, which tells what changed.
func measureStep(ctx context.Context, b *bench, dir string) (t table, err error) {
	repo, err := b.layOut(ctx, dir)
	if err != nil {
		return t, err
	}
	t.Title = fmt.Sprintf("a push to a pull request that changes 1 of %d packages", len(repo.ws.Members))
	s, err := newStep(ctx, b, repo, dir)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	packages, err := repo.packAll(ctx, packing(dir, ""))
	if err != nil {
		return t, err
	}
	changed := middle(packages)
	var runs, programs []usage
	for i := range rounds + 1 {
		if err := repo.touch(changed, fmt.Sprint("round ", i)); err != nil {
			return t, err
		}
		u, err := s.run(ctx, i, s.node, filepath.Join(s.action, "main.js"))
		if err != nil {
			return t, err
		}
		p, err := s.again(ctx, i, filepath.Join(b.Bin, "publish-commit"), "publish")
		if err != nil {
			return t, err
		}
		if i > 0 { // the first round fills the tool cache
			runs, programs = append(runs, u), append(programs, p)
		}
	}
	t.aim("the step, from the start of main.js to its end, with the comment", typical(runs).Wall.Seconds(), seconds, atMost, 3)
	t.add("… CPU time", typical(runs).CPU.Seconds(), seconds)
	t.add("the program by itself, of a commit that is published already", typical(programs).Wall.Seconds(), seconds)
	t.note("%d rounds; %s is changed. The server is on this machine, GitHub a stand-in that checks each request.", rounds, changed.Name)
	return t, nil
}

// step is what a runner has: a checkout, the action, a registry and GitHub.
type step struct {
	root, dir    string
	node, action string
	base, head   string
	server       *server
	github       *forgetest.Server
	host         *host
}

func newStep(ctx context.Context, b *bench, repo *monorepo, dir string) (*step, error) {
	s := &step{root: repo.root, dir: dir, action: filepath.Join(dir, "action"), host: &host{ctx: ctx}}
	node, err := clients.Install(ctx, clients.Node24)
	if err != nil {
		return nil, err
	}
	s.node = node.Path
	releases := filepath.Join(dir, "releases")
	cli, err := release.Place(filepath.Join(b.Bin, "publish-commit"), releases, "v1.2.3", release.Target{OS: runtime.GOOS, Arch: runtime.GOARCH})
	if err == nil {
		err = release.CopyAction(".", s.action, cli)
	}
	if err != nil {
		return nil, err
	}
	if err := s.git(ctx, "init", "--quiet", "--initial-branch=main"); err != nil {
		return nil, err
	}
	if s.base, err = s.commit(ctx); err != nil {
		return nil, err
	}
	s.github = forgetest.New(s.host)
	if s.server, err = b.startServer(ctx, filepath.Join(dir, "data"), "--cli-dir", releases); err != nil {
		return nil, errors.Join(err, s.host.close())
	}
	_, err = runTool(ctx, s.root, environment(), filepath.Join(b.Bin, "publish-commit"),
		"--registry-url", s.server.url, "--sha", s.base, "--repository", "https://github.com/acme/ws", "--ref", "branch/main", "--ignore-scripts")
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *step) close() error { return errors.Join(s.server.stop(), s.host.close()) }

func (s *step) git(ctx context.Context, args ...string) error {
	base := []string{"-C", s.root, "-c", "user.name=Bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false", "-c", "gc.auto=0"}
	_, err := runTool(ctx, s.root, environment(), "git", append(base, args...)...)
	return err
}

// commit commits all that is there, and returns the commit.
func (s *step) commit(ctx context.Context) (string, error) {
	if err := errors.Join(s.git(ctx, "add", "--all", "--force"), s.git(ctx, "commit", "--quiet", "--message=commit")); err != nil {
		return "", err
	}
	sha, err := os.ReadFile(filepath.Join(s.root, ".git", "refs", "heads", "main"))
	return strings.TrimSpace(string(sha)), err
}

// run commits what was changed, as the next push to pull request n, and runs a program as its step.
func (s *step) run(ctx context.Context, n int, program string, args ...string) (usage, error) {
	var err error
	if s.head, err = s.commit(ctx); err != nil {
		return usage{}, err
	}
	s.github.AddPull(forgetest.Pull{Number: n + 1, HeadSHA: s.head, HeadRef: "feature", HeadRepo: "acme/ws", BaseRef: "main", BaseSHA: s.base})
	return s.again(ctx, n, program, args...)
}

// again runs a program as the step of the push before.
func (s *step) again(ctx context.Context, n int, program string, args ...string) (usage, error) {
	repository := map[string]any{"id": 1, "full_name": "acme/ws", "default_branch": "main"}
	event, err := json.Marshal(map[string]any{"action": "synchronize", "number": n + 1, "repository": repository, "pull_request": map[string]any{
		"number": n + 1, "head": map[string]any{"ref": "feature", "sha": s.head, "repo": repository}, "base": map[string]any{"ref": "main", "sha": s.base, "repo": repository},
	}})
	if err != nil {
		return usage{}, err
	}
	path := filepath.Join(s.dir, "event.json")
	if err := os.WriteFile(path, event, 0o644); err != nil {
		return usage{}, err
	}
	env := append(environment(), "GITHUB_ACTIONS=true", "GITHUB_EVENT_NAME=pull_request", "GITHUB_EVENT_PATH="+path, "GITHUB_REPOSITORY=acme/ws", "GITHUB_API_URL="+s.github.URL,
		"GITHUB_SHA="+s.head, "GITHUB_RUN_ID=1", "GITHUB_RUN_NUMBER=1", "GITHUB_RUN_ATTEMPT=1", "RUNNER_TOOL_CACHE="+filepath.Join(s.dir, "tools"), "RUNNER_TEMP="+s.dir,
		"INPUT_REGISTRY-URL="+s.server.url, "INPUT_GITHUB-TOKEN="+forgetest.Token, "INPUT_IGNORE-SCRIPTS=true")
	u, err := runTool(ctx, s.root, env, program, args...)
	if err != nil {
		return u, err
	}
	if c := s.github.Comments(n + 1); len(c) != 1 || !strings.Contains(c[0].Body, "**1 changed**") {
		return u, fmt.Errorf("the step wrote %d comments, want one that tells of one package that changed", len(c))
	}
	return u, s.host.failed()
}
