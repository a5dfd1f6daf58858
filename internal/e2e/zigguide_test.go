package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients"
)

const zigDoc = "docs/zig.md"

// The examples of the guide work as they are written, one after the other.
func TestZigGuide(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--token", guideToken, "--no-npm-fallback")
	zig, cache := client(t, clients.Zig16), t.TempDir()
	manifest := "-- build.zig.zon --\n" + zigManifest("my_zig_lib", "1.0.0", false, "")
	lib, _ := checkout(t, manifest+"-- src/root.zig --\npub const x = 1;\n")
	app := t.TempDir()
	write(t, app, "-- build.zig --\n-- build.zig.zon --\n"+zigManifest("app", "1.0.0", false, ""))
	env := append(cleanEnv(), "PATH="+filepath.Dir(zig.Path)+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"REGISTRY_URL="+s.url, "REGISTRY_TOKEN="+guideToken, "ZIG_GLOBAL_CACHE_DIR="+cache)

	var published zigPackage
	for _, example := range blocks(t, zigDoc, "$REGISTRY_URL") {
		dir := app
		if strings.Contains(example, "/zig/publish") {
			dir = lib
		}
		r := exe(t, dir, append(env, "HASH="+published.Hash), "bash", "-ec", example).must(t)
		if strings.Contains(r.stdout, `"error"`) {
			t.Errorf("%s: %s\n%v", zigDoc, example, r)
		}
		if dir == lib {
			if err := json.Unmarshal([]byte(r.stdout), &published); err != nil || !published.Success {
				t.Fatalf("%s: %v\n%v", example, err, r)
			}
		}
	}
	if got := read(t, filepath.Join(app, "build.zig.zon")); !strings.Contains(got, published.Hash) {
		t.Errorf("the project does not depend on the package: %s", got)
	}
	if found, err := os.ReadDir(filepath.Join(cache, "p")); err != nil || len(found) != 1 || found[0].Name() != published.Hash+".tar.gz" {
		t.Errorf("the cache holds %v (%v), want %s.tar.gz", found, err, published.Hash)
	}

	g := readGuide(t, zigDoc, s)
	for _, line := range []string{"registry-server token create --name ci --permissions read", "registry-server token create --name ci --packages 'zig:my_*'"} {
		if secret := g.command(g.lines(line)).stdout; !strings.HasPrefix(secret, "regact_") {
			t.Errorf("%s prints %q", line, secret)
		}
	}
}
