package pack_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/fault"
)

func npmPack(t testing.TB, dir string) {
	t.Helper()
	npm := clients.Get(t, clients.NPM11)
	cmd := exec.CommandContext(t.Context(), npm.Path, "pack", "--ignore-scripts")
	cmd.Dir, cmd.Env = dir, npm.Env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm pack: %v\n%s", err, out)
	}
}

// Scripts run in dependency order, a postpack right after its package is
// packed, even one that prepack has taken out of package.json for the package.
func TestScriptsRunAsNPMRunsThem(t *testing.T) {
	t.Parallel()
	dir := tree(t, "npm")
	if err := os.Chmod(filepath.Join(dir, "node_modules", ".bin", "put-back"), 0o755); err != nil {
		t.Fatal(err)
	}
	trace := filepath.Join(t.TempDir(), "trace")
	before := fingerprint(t, filepath.Join(dir, "pkgs", "zeta"))
	var log bytes.Buffer
	packages := mustRun(t, dir, pack.Options{
		Env: clients.Get(t, clients.NPM11).With("TRACE=" + trace),
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})

	got, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	want := "zeta prepare\nmid prepack\nmid postpack\nalpha prepack\nalpha prepare\nalpha postpack\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("scripts (-want +got):\n%s", diff)
	}
	if n := strings.Count(log.String(), "running a script"); n != 6 {
		t.Errorf("the log tells of %d scripts, want 6:\n%s", n, log.String())
	}
	if diff := cmp.Diff([]string{"alpha", "mid", "zeta"}, packageNames(packages)); diff != "" {
		t.Errorf("order of the result:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"644 package.json", "644 made.txt"}, names(t, byName(t, packages, "alpha"))); diff != "" {
		t.Error(diff)
	}
	if m := packedManifest(t, byName(t, packages, "mid")); m["scripts"] != nil || m["description"] != "without scripts" {
		t.Errorf("mid was packed with the package.json from before its prepack: %v", m)
	}
	if diff := cmp.Diff(before, fingerprint(t, filepath.Join(dir, "pkgs", "zeta"))); diff != "" {
		t.Errorf("the tree of a package whose scripts write nothing has changed:\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(dir, "pkgs", "alpha", "made.txt")); err == nil {
		t.Error("alpha's postpack did not run after packing")
	}
}

func packageNames(packages []*pack.Package) []string {
	var list []string
	for _, p := range packages {
		list = append(list, p.Name)
	}
	return list
}

func TestIgnoreScripts(t *testing.T) {
	dir := tree(t, "npm")
	before := fingerprint(t, dir)
	mustRun(t, dir, pack.Options{IgnoreScripts: true, Env: []string{"PATH="}})
	if diff := cmp.Diff(before, fingerprint(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// failing is a workspace in which a script prints much and fails.
const failing = `
-- package.json --
{ "private": true, "workspaces": ["*"] }
-- package-lock.json --
{ "lockfileVersion": 3 }
-- a/package.json --
{ "name": "@s/a", "version": "1.0.0", "scripts": { "prepack": "node loud.js" } }
-- a/loud.js --
for (let i = 0; i < 200000; i++) console.log('line ' + i)
console.log('the last words')
process.exitCode = 7
-- b/package.json --
{ "name": "b", "version": "1.0.0", "dependencies": { "@s/a": "1.0.0" }, "scripts": { "prepack": "touch ran" } }
`

func TestFailingScript(t *testing.T) {
	t.Parallel()
	dir, tmp := inline(t, failing), t.TempDir()
	packages, err := run(t, dir, pack.Options{TempDir: tmp, Env: clients.Get(t, clients.NPM11).Env})
	failed, ok := errors.AsType[*pack.CommandError](err)
	if !ok || packages != nil {
		t.Fatalf("Run = %v, %v; want a CommandError", packages, err)
	}
	if failed.Package != "@s/a" || failed.Script != "prepack" || failed.ExitCode != 7 || failed.Command != "npm run prepack" {
		t.Errorf("got %s, %s, %d, %s", failed.Package, failed.Script, failed.ExitCode, failed.Command)
	}
	for _, want := range []string{"@s/a", "prepack", "exit code 7", "line 199999", "the last words"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error doesn't say %q:\n%v", want, err)
		}
	}
	if lines := strings.Count(err.Error(), "\n"); lines > 40 {
		t.Errorf("the error shows %d lines of output, want 40 at most", lines)
	}
	if _, err := os.Stat(filepath.Join(dir, "b", "ran")); err == nil {
		t.Error("the scripts of b ran after a's had failed")
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) != 0 {
		t.Errorf("something was packed after a failed script: %v, %v", left, err)
	}
}

// A manager may be a script without a first line that says whose: pnpm 12 is, where its own install script did not run.
func TestToolWithoutAnInterpreter(t *testing.T) {
	dir, bin := inline(t, failing), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "npm"), []byte("# of no interpreter\ncd . && echo \"$1 $2\" > "+filepath.Join(bin, "ran")+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, dir, pack.Options{TempDir: t.TempDir(), Env: []string{"PATH=" + bin}}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(bin, "ran")); err != nil || string(text) != "run prepack\n" {
		t.Errorf("it was run as %q, %v", text, err)
	}
}

func TestMissingTool(t *testing.T) {
	dir := inline(t, failing)
	for name, o := range map[string]pack.Options{
		"script":   {Env: []string{"PATH=" + t.TempDir()}},
		"delegate": {With: workspace.Bun, Env: []string{"PATH="}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run(t, dir, o)
			if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "@s/a") || !strings.Contains(err.Error(), "PATH") {
				t.Errorf("Run = %v, want a refusal that names the package and the tool", err)
			}
		})
	}
}

// Cancelling ends a script's children too: the test's pipe stays open as long
// as one of them lives.
func TestCancelEndsTheWholeGroup(t *testing.T) {
	t.Parallel()
	dir := inline(t, `
-- package.json --
{ "name": "a", "version": "1.0.0", "scripts": { "prepack": "sh wait.sh" } }
-- wait.sh --
exec 3> "$PIPE"
echo started >&3
sleep 1000 &
sleep 1000
`)
	pipe := filepath.Join(t.TempDir(), "pipe")
	if out, err := exec.CommandContext(t.Context(), "mkfifo", pipe).CombinedOutput(); err != nil {
		t.Fatalf("mkfifo: %v: %s", err, out)
	}
	ws, err := workspace.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("the user has gone")
	done := make(chan error)
	go func() {
		_, err := pack.Run(ctx, ws, ws.Members, pack.Options{
			TempDir: t.TempDir(), Env: clients.Get(t, clients.NPM11).With("PIPE=" + pipe),
		})
		done <- err
	}()
	f, err := os.Open(pipe)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	started := make([]byte, len("started\n"))
	if _, err := io.ReadFull(f, started); err != nil {
		t.Fatal(err)
	}
	cancel(reason)
	if err := <-done; !errors.Is(err, reason) {
		t.Errorf("Run = %v, want %v", err, reason)
	}
	if rest, err := io.ReadAll(f); err != nil || len(rest) != 0 {
		t.Errorf("the pipe has %q, %v", rest, err)
	}
}

// The scripts of a workspace's own manager, in that manager's order.
func TestScriptsByManager(t *testing.T) {
	const text = `
-- package.json --
{
  "name": "a", "version": "1.0.0",
  "scripts": { "prepack": "echo 1 > one", "prepare": "echo 2 > two", "postpack": "echo 3 > three" }
}
`
	for _, c := range []struct {
		tool  clients.Tool
		extra string
		want  []string
	}{
		{clients.PNPM, "-- pnpm-lock.yaml --\nlockfileVersion: '9.0'\n", []string{"one", "two"}},
		{clients.Yarn1, "-- yarn.lock --\n# yarn lockfile v1\n", []string{"one", "yarn.lock"}},
		{clients.Bun, "-- bun.lock --\n{ \"lockfileVersion\": 1, \"workspaces\": {} }\n", []string{"one", "two"}},
	} {
		t.Run(string(c.tool), func(t *testing.T) {
			t.Parallel()
			dir := inline(t, text+c.extra)
			p := mustRun(t, dir, pack.Options{Env: clients.Get(t, c.tool).Env})[0]
			var got []string
			for _, e := range unpack(t, p)[1:] {
				got = append(got, e.name)
			}
			for _, name := range []string{"one", "two"} {
				if slices.Contains(c.want, name) != slices.Contains(got, name) {
					t.Errorf("packed %v, want %v", got, c.want)
				}
			}
			if slices.Contains(got, "three") {
				t.Errorf("packed %v: postpack ran before the packing", got)
			}
			if _, err := os.Stat(filepath.Join(dir, "three")); err != nil {
				t.Errorf("postpack did not run: %v", err)
			}
		})
	}
}
