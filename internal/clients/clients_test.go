package clients_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/clients"
)

// modules are no programs: how their files begin.
var modules = map[clients.Tool]string{
	clients.AxeCore:         "/*! axe v" + clients.AxeCore.Version(),
	clients.ActionsArtifact: "import { DefaultArtifactClient",
}

// Every client is the version that its pin says, and answers when asked at once
// by several callers.
func TestGet(t *testing.T) {
	for _, tool := range clients.All() {
		t.Run(string(tool), func(t *testing.T) {
			t.Parallel()
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					if _, err := clients.Install(t.Context(), tool); err != nil {
						t.Errorf("Install(%s) = %v", tool, err)
					}
				})
			}
			wg.Wait()

			c := clients.Get(t, tool)
			if begins, ok := modules[tool]; ok {
				text, err := os.ReadFile(c.Path)
				if err != nil || !strings.HasPrefix(string(text), begins) {
					t.Errorf("%s begins with %.30q, error %v", c.Path, text, err)
				}
				return
			}
			flag := "--version"
			if c.Name() == "zig" {
				flag = "version"
			}
			cmd := exec.CommandContext(t.Context(), c.Path, flag)
			cmd.Env = c.Env
			cmd.Dir = t.TempDir()
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s --version: %v", c.Path, err)
			}
			want := tool.Version()
			switch tool {
			case clients.NPM11:
				want = "11."
			case clients.Act:
				want = "act version " + want
			case clients.VersityGW:
				want = "Version  : v" + want
			case clients.Wares:
				want = "wares " + want
			case clients.CfnLint:
				want = "cfn-lint " + want
			case clients.CheckJSONSchema:
				want = "check-jsonschema, version " + want
			}
			text := strings.TrimPrefix(strings.TrimSpace(string(out)), "[log] ") // as pkg-pr-new says it in CI
			if got := strings.TrimPrefix(text, "v"); !strings.HasPrefix(got, want) {
				t.Errorf("%s --version = %s, want %s", c.Path, got, want)
			}
		})
	}
}

// A shell that is given a client's environment finds the client by name.
func TestEnvPutsToolOnPath(t *testing.T) {
	c := clients.Get(t, clients.Yarn4)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "yarn --version; echo $EXTRA")
	cmd.Env = c.With("EXTRA=yes")
	cmd.Dir = t.TempDir()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("yarn by name: %v", err)
	}
	if want := clients.Yarn4.Version() + "\nyes\n"; string(out) != want {
		t.Errorf("yarn by name = %q, want %q", out, want)
	}
}

// A compiler without the libraries that are left out of it still compiles and runs a program.
func TestZigCompiles(t *testing.T) {
	c := clients.Get(t, clients.Zig16)
	dir := t.TempDir()
	const program = `pub fn main() void { @import("std").debug.print("compiled\n", .{}); }`
	if err := os.WriteFile(filepath.Join(dir, "main.zig"), []byte(program), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), c.Path, "run", "main.zig")
	cmd.Env, cmd.Dir = c.Env, dir
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "compiled\n" {
		t.Errorf("zig run = %q, %v", out, err)
	}
}

// Who lacks Python is told what to install.
func TestZigNeedsPython(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	_, err := clients.Install(t.Context(), clients.Zig16)
	if err == nil || !strings.Contains(err.Error(), "apt-get install python3-pip") {
		t.Errorf("Install without python3 = %v", err)
	}
}
