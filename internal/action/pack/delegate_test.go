package pack_test

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/fault"
)

// delegated is a workspace that every tool can pack.
const delegated = `
-- package.json --
{ "name": "root", "version": "0.0.0", "private": true, "workspaces": ["packages/*"] }
-- pnpm-workspace.yaml --
packages: ["packages/*"]
-- packages/app/package.json --
{
  "name": "@acme/app",
  "version": "1.0.0",
  "bin": { "app": "./cli.js" },
  "files": ["cli.js", "lib", "made.txt", "ünïcode.txt"],
  "scripts": { "prepack": "node make.js", "postpack": "node make.js gone" },
  "dependencies": { "@acme/lib": "SIBLING" }
}
-- packages/app/make.js --
require('fs').writeFileSync(process.argv[2] ? '../../gone.txt' : 'made.txt', 'made')
-- packages/app/cli.js --
#!/usr/bin/env node
-- packages/app/lib/index.js --
module.exports = 1
-- packages/app/ünïcode.txt --
ü
-- packages/app/left-out.txt --
-- packages/lib/package.json --
{ "name": "@acme/lib", "version": "2.0.0" }
-- packages/lib/index.js --
module.exports = 2
`

// Each tool packs by its own rules; what comes out is pinned and split like ours.
func TestWith(t *testing.T) {
	for _, c := range []struct {
		tool    clients.Tool
		with    workspace.Manager
		sibling string
	}{
		{clients.NPM11, workspace.NPM, "^2.0.0"},
		{clients.NPM12, workspace.NPM, "workspace:*"}, // npm leaves it, we resolve it
		{clients.PNPM, workspace.PNPM, "workspace:^"},
		{clients.Yarn1, workspace.Yarn, "^2.0.0"},
		{clients.Yarn4, workspace.Yarn, "workspace:^"},
		{clients.Bun, workspace.Bun, "workspace:^"},
	} {
		t.Run(string(c.tool), func(t *testing.T) {
			t.Parallel()
			client := clients.Get(t, c.tool)
			dir := inline(t, strings.Replace(delegated, "SIBLING", c.sibling, 1))
			o := pinned()
			o.With, o.Env = c.with, client.Env
			if c.tool == clients.Yarn4 {
				if _, err := run(t, dir, pack.Options{With: c.with, Env: client.Env, IgnoreScripts: true}); !errors.Is(err, fault.Invalid) {
					t.Errorf("Run = %v, want a refusal: yarn 4 can't leave out scripts", err)
				}
				yarnInstall(t, client, dir)
			} else {
				withoutScripts(t, dir, o)
			}

			app := byName(t, mustRun(t, dir, o), "@acme/app")
			got := names(t, app)
			slices.Sort(got[1:])
			want := []string{"644 package.json", "644 lib/index.js", "644 made.txt", "644 ünïcode.txt", "755 cli.js"}
			if c.tool == clients.Yarn1 { // yarn 1 takes modes from the disk
				want = []string{"644 package.json", "644 cli.js", "644 lib/index.js", "644 made.txt", "644 ünïcode.txt"}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			m := packedManifest(t, app)
			if diff := cmp.Diff(map[string]any{"@acme/lib": preview}, m["dependencies"]); diff != "" {
				t.Error(diff)
			}
			if app.Version != preview || m["version"] != preview || app.OwnVersion != "1.0.0" || !app.Split() || app.Dir != "packages/app" {
				t.Errorf("got version %s (packed %v), own %s, split %t, dir %s", app.Version, m["version"], app.OwnVersion, app.Split(), app.Dir)
			}
			if _, err := os.Stat(dir + "/gone.txt"); err != nil {
				t.Error("postpack did not run")
			}
		})
	}
}

// withoutScripts packs one package and expects that nothing was made for it.
func withoutScripts(t *testing.T, dir string, o pack.Options) {
	t.Helper()
	ws, err := workspace.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	o.IgnoreScripts, o.TempDir = true, t.TempDir()
	members := slices.DeleteFunc(slices.Clone(ws.Members), func(m *workspace.Member) bool { return m.Manifest.Name != "@acme/app" })
	packages, err := pack.Run(t.Context(), ws, members, o)
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(packages[0].Files, func(f pack.File) bool { return f.Path == "made.txt" }) {
		t.Error("a script ran although they are ignored")
	}
	left, err := os.ReadDir(o.TempDir)
	if err != nil || len(left) != 1 {
		t.Errorf("left %v, %v; want the body alone", left, err)
	}
}

// yarnInstall links a workspace without dependencies: berry packs no other.
func yarnInstall(t *testing.T, client clients.Client, dir string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), client.Path, "install")
	cmd.Dir, cmd.Env = dir, client.With("YARN_ENABLE_IMMUTABLE_INSTALLS=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("yarn install: %v\n%s", err, out)
	}
}

func TestWithUnknownTool(t *testing.T) {
	_, err := run(t, inline(t, delegated), pack.Options{With: "cargo"})
	if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), `"cargo"`) {
		t.Errorf("Run = %v, want a refusal that names the choices", err)
	}
}

// A delegate that fails is shown like a script.
func TestWithFailingTool(t *testing.T) {
	t.Parallel()
	dir := inline(t, failing)
	_, err := run(t, dir, pack.Options{With: workspace.NPM, Env: clients.Get(t, clients.NPM11).Env})
	failed, ok := errors.AsType[*pack.CommandError](err)
	if !ok || failed.ExitCode != 7 || failed.Script != "" || !strings.Contains(failed.Output, "the last words") {
		t.Errorf("Run = %v, want a CommandError with npm's output", err)
	}
}
