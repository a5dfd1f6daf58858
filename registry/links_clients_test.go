package registry_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/registry"
)

// installer is a package manager and how it gets a package.
type installer struct {
	tool        clients.Tool
	add, frozen []string
	lockfile    string
}

func installers() []installer {
	return []installer{
		{clients.NPM11, []string{"install"}, []string{"ci"}, "package-lock.json"},
		{clients.NPM12, []string{"install"}, []string{"ci"}, "package-lock.json"},
		{clients.PNPM, []string{"add"}, []string{"install", "--frozen-lockfile"}, "pnpm-lock.yaml"},
		{clients.Yarn1, []string{"add"}, []string{"install", "--frozen-lockfile"}, "yarn.lock"},
		{clients.Yarn4, []string{"add"}, []string{"install", "--immutable"}, "yarn.lock"},
		{clients.Bun, []string{"add"}, []string{"install", "--frozen-lockfile"}, "bun.lock"},
	}
}

// run runs the client in a project of a private registry, with nothing in any cache.
func (i installer) run(t *testing.T, dir, url string, args ...string) {
	t.Helper()
	home := t.TempDir()
	host := strings.TrimPrefix(url, "http:")
	for name, text := range map[string]string{
		".npmrc":      "registry=" + url + "/\n" + host + "/:_authToken=" + serverToken + "\n",
		".yarnrc.yml": "npmRegistryServer: " + url + "\nnpmAlwaysAuth: true\nnpmAuthToken: " + serverToken + "\nunsafeHttpWhitelist: [localhost, 127.0.0.1]\nnpmMinimalAgeGate: 0\nnodeLinker: node-modules\nenableGlobalCache: false\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client := clients.Get(t, i.tool)
	cmd := exec.CommandContext(ctx, client.Path, args...)
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	cmd.Env = client.With("HOME="+home, "XDG_CONFIG_HOME="+home+"/config", "XDG_DATA_HOME="+home+"/data", "XDG_CACHE_HOME="+home+"/cache", "CI=1",
		"npm_config_cache="+home+"/npm", "npm_config_userconfig="+home+"/.npmrc", "npm_config_registry="+url+"/", "npm_config_fund=false", "npm_config_audit=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", i.tool, strings.Join(args, " "), err, out)
	}
}

// install adds the package to a new project, and then gets it once more from the lockfile.
func (i installer) install(t *testing.T, url string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"package.json": `{"name": "app", "version": "1.0.0", "private": true}`, "yarn.lock": ""} {
		if name == i.lockfile || name == "package.json" {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, args := range [][]string{append(i.add, "@acme/large@1.0.0"), i.frozen} {
		for _, folder := range []string{"node_modules", ".yarn"} {
			if err := os.RemoveAll(filepath.Join(dir, folder)); err != nil {
				t.Fatal(err)
			}
		}
		i.run(t, dir, url, args...)
		if text, err := os.ReadFile(filepath.Join(dir, "node_modules", "@acme", "large", "index.js")); err != nil || string(text) != noise(manyBytes) {
			t.Errorf("%s %s installs %d bytes, %v", i.tool, args[0], len(text), err)
		}
	}
	if lock, err := os.ReadFile(filepath.Join(dir, i.lockfile)); err != nil || strings.Contains(string(lock), "X-Amz") || strings.Contains(string(lock), s3server.Bucket+"/npm/") {
		t.Errorf("%s locks %s, %v", i.tool, lock, err)
	}
}

// Every package manager follows to the bucket without its token, and is served here where it would take that along.
func TestManagersFollowRedirects(t *testing.T) {
	large := tgz(t, "@acme/large", "1.0.0", noise(manyBytes))
	for host, want := range map[string]string{"localhost": "GET GET", "127.0.0.1": ""} { // the registry's is 127.0.0.1
		t.Run(host, func(t *testing.T) {
			n, log, _ := linkingTo(t, host, registry.Config{Token: serverToken, ReadAuth: true})
			if _, err := n.Publish(t.Context(), strings.NewReader(large)); err != nil {
				t.Fatal(err)
			}
			for _, i := range installers() {
				t.Run(string(i.tool), func(t *testing.T) {
					log.take()
					i.install(t, n.url)
					if requests, two := log.take(); two > 0 || strings.Join(requests, " ") != want {
						t.Errorf("the bucket is asked %q, %d times with a token; want %q", requests, two, want)
					}
				})
			}
		})
	}
}
