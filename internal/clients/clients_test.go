package clients_test

import (
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/clients"
)

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
			cmd := exec.CommandContext(t.Context(), c.Path, "--version")
			cmd.Env = c.Env
			cmd.Dir = t.TempDir()
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s --version: %v", c.Path, err)
			}
			want := tool.Version()
			if tool == clients.NPM11 {
				want = "11."
			}
			if got := strings.TrimPrefix(strings.TrimSpace(string(out)), "v"); !strings.HasPrefix(got, want) {
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
