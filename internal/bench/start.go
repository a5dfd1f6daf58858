package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/release"
)

// measureStart compares a step of the action with the program that it runs: what
// main.js costs when the program is in the tool cache, and when the registry sends it.
func measureStart(ctx context.Context, b *bench, dir string) (t table, err error) {
	t.Title = "start of the action"
	node, err := clients.Install(ctx, clients.Node24)
	if err != nil {
		return t, err
	}
	workspace, releases, action := filepath.Join(dir, "workspace"), filepath.Join(dir, "releases"), filepath.Join(dir, "action")
	program := filepath.Join(b.Bin, "publish-commit")
	cli, err := release.Place(program, releases, "v1.2.3", release.Target{OS: runtime.GOOS, Arch: runtime.GOARCH})
	if err != nil {
		return t, err
	}
	err = errors.Join(release.CopyAction(".", action, cli), os.Mkdir(workspace, 0o755),
		os.WriteFile(filepath.Join(workspace, "package.json"), []byte(`{"name": "a", "version": "1.0.0"}`), 0o644))
	if err != nil {
		return t, err
	}
	s, err := b.startServer(ctx, filepath.Join(dir, "data"), "--cli-dir", releases)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()

	env := append(environment(), "INPUT_REGISTRY-URL="+s.url, "INPUT_DRY-RUN=true", "INPUT_SHA="+commitSHA(1))
	step := func(cache string) (usage, error) {
		return runTool(ctx, workspace, append(env, "RUNNER_TOOL_CACHE="+cache, "RUNNER_TEMP="+dir), node.Path, filepath.Join(action, "main.js"))
	}
	warm := filepath.Join(dir, "warm")
	var alone, cached, fetched []usage
	for i := range rounds + 1 {
		a, err := runTool(ctx, workspace, env, program)
		if err != nil {
			return t, err
		}
		c, err := step(warm)
		if err != nil {
			return t, err
		}
		cold, err := os.MkdirTemp(dir, "cold-*")
		if err != nil {
			return t, err
		}
		f, err := step(cold)
		if err != nil {
			return t, err
		}
		if i > 0 { // the first round warms up, and fills the tool cache
			alone, cached, fetched = append(alone, a), append(cached, c), append(fetched, f)
		}
	}
	t.add("publish-commit by itself, dry run of one package", typical(alone).Wall.Seconds(), seconds)
	t.aim("the action, program in the tool cache", typical(cached).Wall.Seconds(), seconds, atMost, 0.2)
	t.aim("the action, program from the registry", typical(fetched).Wall.Seconds(), seconds, atMost, 1)
	t.note("The program has %.1f MiB.", float64(cli.Files[release.Target{OS: runtime.GOOS, Arch: runtime.GOARCH}.String()].Size)/(1<<20))
	return t, nil
}
