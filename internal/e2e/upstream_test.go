package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients"
)

// What a public package and what it needs print.
const isOdd = `node -e 'console.log(require("is-odd")(3), require("is-odd/package.json").version, require("is-odd")(4))'`

// npmRegistry is the registry that npm on this machine is configured with.
func npmRegistry(t *testing.T) string {
	t.Helper()
	c := client(t, clients.NPM11)
	return strings.TrimSpace(exe(t, t.TempDir(), c.Env, c.Path, "config", "get", "registry").must(t).stdout)
}

// A public package comes through the registry that npm is configured with, and goes on
// coming when that is gone, from the same server and from one that starts then.
func TestPublicPackageThroughUpstream(t *testing.T) {
	onlyLocal(t, "each server keeps copies of its own of what upstream has")
	t.Parallel()
	f := newFront(t)
	f.before(t, npmRegistry(t))
	env, data := cleanEnv("npm_config_registry="+f.URL), t.TempDir()
	args := []string{"--token", operatorToken, "--port", freePort(t), "--upstream-max-age", "1ms"} // so that it always asks again
	s := startServerIn(t, env, data, args...)
	var apps []string
	var users []*seat
	for _, m := range managers() {
		u := m.sit(t, s.url, "")
		app := u.project(t, "")
		u.run(t, app, u.add()+" is-odd@3.0.1").must(t)
		u.run(t, app, isOdd).says(t, "true 3.0.1 false")
		if lock := read(t, filepath.Join(app, u.cmd.lock)); m.keepsURLs() != strings.Contains(lock, "://") || strings.Contains(lock, f.URL) {
			t.Errorf("%s: the lockfile's URLs are not ours, or should not be there:\n%s", m.tool, lock)
		}
		apps, users = append(apps, app), append(users, u)
	}
	if got := f.seen(".tgz"); len(got) != 2 {
		t.Errorf("upstream was asked for tarballs %d times, want twice for two packages: %q", len(got), got)
	}

	f.Close()
	installAgain := func(s *server) {
		for i, u := range users {
			u.forget(t)
			u.run(t, apps[i], "rm -rf node_modules .yarn && "+u.frozen()).must(t)
			u.run(t, apps[i], isOdd).says(t, "true 3.0.1 false")
			u.registry = s.url
			fresh := u.project(t, "")
			u.run(t, fresh, u.add()+" is-odd@3.0.1").must(t)
			u.run(t, fresh, isOdd).says(t, "true 3.0.1 false")
		}
	}
	installAgain(s)
	wantMarkedStale(t, s)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s = startServerIn(t, env, data, args...)
	installAgain(s)
}

// wantMarkedStale asks for a packument and for what was never asked before.
func wantMarkedStale(t *testing.T, s *server) {
	t.Helper()
	resp, err := http.Get(s.url + "/is-odd")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close() // the header tells
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(strings.Join(resp.Header.Values("Warning"), ""), "110") {
		t.Errorf("while upstream is down is-odd answers %d, Warning %q, want 200, marked as stale", resp.StatusCode, resp.Header.Values("Warning"))
	}
	if resp, err = http.Get(s.url + "/is-even"); err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close() // the status tells
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("while upstream is down is-even answers %d, Retry-After %q, want 503 and a time", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
}

// Nobody gets a package of upstream in place of ours, with any client and for any version.
func TestOurNameIsNeverUpstreams(t *testing.T) {
	up := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	s := startServer(t, t.TempDir(), "--npm-upstream", up.url, "--token", operatorToken, "--claimed-scopes", "@claimed")
	npm := managers()[0].sit(t, s.url, operatorToken)
	npm.run(t, npm.project(t, smallPackage("@acme/lib", "1.0.0")), npm.cmd.publish).must(t)
	npm = managers()[0].sit(t, up.url, operatorToken)
	for _, name := range []string{"@acme/lib", "@acme/other", "@claimed/lib"} {
		npm.run(t, npm.project(t, smallPackage(name, "99.0.0")), npm.cmd.publish).must(t)
	}
	for _, m := range managers() {
		t.Run(m.id(), func(t *testing.T) {
			t.Parallel()
			u := m.sit(t, s.url, "")
			app := u.project(t, "")
			u.run(t, app, u.add()+" @acme/lib").must(t)
			if got := read(t, filepath.Join(app, "node_modules/@acme/lib/package.json")); !strings.Contains(got, `"1.0.0"`) {
				t.Errorf("@acme/lib is %s, want ours", got)
			}
			for _, spec := range []string{"@acme/lib@99.0.0", "@acme/lib@>1", "@acme/other", "@claimed/lib"} {
				u.run(t, u.project(t, ""), u.add()+" '"+spec+"'").refuses(t)
			}
		})
	}
	mallory := managers()[0].sit(t, s.url, newToken(t, s, "--name", "mallory"))
	npm.run(t, npm.project(t, smallPackage("of-upstream", "1.0.0")), npm.cmd.publish).must(t)
	mallory.run(t, mallory.project(t, smallPackage("of-upstream", "2.0.0")), mallory.cmd.publish+" --force").refuses(t, "exists upstream")
}
