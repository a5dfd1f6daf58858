package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/org/registry-action/internal/clients"
)

// project has some 500 dependencies, with those of its dependencies.
const project = `{"name": "project", "version": "1.0.0", "private": true, "dependencies": {
  "express": "4.21.2", "webpack": "5.97.1", "jest": "29.7.0", "eslint": "8.57.1", "@babel/preset-env": "7.26.0", "typescript": "5.7.2"
}}
`

const installRounds = 3

// measureInstall compares an install through us with one straight from upstream.
// npm's own cache is empty each time.
func measureInstall(ctx context.Context, b *bench, dir string) (table, error) {
	t := table{Title: "npm install of a project, no lockfile"}
	npm, err := clients.Install(ctx, clients.NPM11)
	if err != nil {
		return t, err
	}
	m := &installing{b: b, dir: dir, npm: npm}
	if m.upstream, err = npmRegistry(ctx); err != nil {
		return t, err
	}
	var straight, cold, warm []usage
	for i := range installRounds {
		u, err := m.install(ctx, m.upstream)
		if err != nil {
			return t, err
		}
		straight = append(straight, u)
		c, w, err := m.through(ctx, filepath.Join(dir, fmt.Sprintf("data%d", i)))
		if err != nil {
			return t, err
		}
		cold, warm = append(cold, c), append(warm, w)
	}
	coldWall, _ := times(cold, straight)
	warmWall, _ := times(warm, straight)
	t.add("straight from upstream, wall time", typical(straight).Wall.Seconds(), seconds)
	t.add("through us, nothing cached", typical(cold).Wall.Seconds(), seconds)
	t.add("through us, all cached", typical(warm).Wall.Seconds(), seconds)
	t.aim("cold, of straight", coldWall, ratio, atMost, 1.05)
	t.aim("warm, of straight", warmWall, ratio, atMost, 1)
	t.note("%d packages, %d rounds in turn, medians; npm %s with an empty cache, --ignore-scripts --no-audit", m.packages, installRounds, npm.Version())
	return t, nil
}

type installing struct {
	b        *bench
	dir      string
	npm      clients.Client
	upstream string
	runs     int
	packages int
}

// npmRegistry is the registry that npm is configured with.
func npmRegistry(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "npm", "config", "get", "registry").Output()
	return strings.TrimRight(strings.TrimSpace(string(out)), "/"), err
}

// through installs twice through a server of ours with an empty cache.
func (m *installing) through(ctx context.Context, data string) (cold, warm usage, err error) {
	s, err := m.b.startServer(ctx, data, "--npm-upstream", m.upstream)
	if err != nil {
		return cold, warm, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if cold, err = m.install(ctx, s.url); err != nil {
		return cold, warm, err
	}
	warm, err = m.install(ctx, s.url)
	return cold, warm, err
}

func (m *installing) install(ctx context.Context, registry string) (usage, error) {
	m.runs++
	dir := filepath.Join(m.dir, fmt.Sprintf("project%d", m.runs))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return usage{}, err
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(project), 0o644); err != nil {
		return usage{}, err
	}
	u, err := runTool(ctx, dir, m.npm.Env, m.npm.Path, "install", "--registry", registry+"/", "--cache", filepath.Join(dir, "cache"),
		"--ignore-scripts", "--no-audit", "--no-fund", "--no-progress")
	if err != nil {
		return u, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return u, err
	}
	var lock struct{ Packages map[string]json.RawMessage }
	if err := json.Unmarshal(text, &lock); err != nil {
		return u, err
	}
	m.packages = len(lock.Packages) - 1
	m.b.say("  %d packages from %s in %s", m.packages, registry, u.Wall)
	return u, os.RemoveAll(dir)
}
