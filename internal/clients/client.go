package clients

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Client is an installed tool.
type Client struct {
	Tool
	Path string // of the executable
	// Env is the environment to run it in: the process's own, with the tool and
	// the Node that it needs first on PATH, and without colours or update notices.
	Env []string
	// Cache is a compiler's global cache, which lasts: the first build with Zig 0.17
	// compiles its build system for a minute and more. Packages are kept in it by their hash.
	Cache string
}

// Get installs a tool if it is missing and returns it. It fails the test if it
// can't; it never skips one.
func Get(t testing.TB, tool Tool) Client {
	t.Helper()
	c, err := Install(t.Context(), tool)
	if err != nil {
		t.Fatalf("the client %s is needed: %v", tool, err)
	}
	return c
}

// With returns a copy of the environment with more variables ("NAME=value"), which win.
func (c Client) With(vars ...string) []string { return slices.Concat(c.Env, vars) }

func environment() []string {
	return append(os.Environ(), "NO_COLOR=1", "npm_config_update_notifier=false",
		"pnpm_config_update_notifier=false", "YARN_ENABLE_TELEMETRY=0")
}

// withPath puts folders first on PATH.
func withPath(env []string, folders ...string) []string {
	list := append(slices.Clone(folders), os.Getenv("PATH"))
	env = slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return strings.EqualFold(name, "PATH")
	})
	return append(env, "PATH="+strings.Join(list, string(filepath.ListSeparator)))
}
