package infra

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/org/registry-action/internal/clients"
)

const root = "../.."

// token is what the servers of the tests are started with.
const token = "a-token-of-these-tests-alone"

// program builds registry-server.
func program(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "registry-server")
	must(t, command(t, root, nil, "go", "build", "-o", bin, "./cmd/registry-server"))
	return bin
}

// command makes a command that ends with the test. A nil environment is the process's own.
func command(t *testing.T, dir string, env []string, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, env
	return cmd
}

// must runs a command to its end and returns what it printed.
func must(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return string(out)
}

// lint runs a pinned linter on files of the repository. One that can't be had fails the test.
func lint(t *testing.T, tool clients.Tool, args ...string) {
	t.Helper()
	c := clients.Get(t, tool)
	if out, err := command(t, root, c.Env, c.Path, args...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", tool.Name(), err, out)
	}
}

// running is a started server.
type running struct {
	t   *testing.T
	cmd *exec.Cmd
	url string
	log bytes.Buffer
}

var listens = regexp.MustCompile(`listens on \S+:(\d+)`)

// run starts a server, of a command without a context, that ends with the test.
func run(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	r := &running{t: t, cmd: cmd}
	cmd.Stderr = &r.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for r.url == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the server ended before it listened: %v\n%s", errors.Join(err, cmd.Wait()), r.log.String())
		}
		if m := listens.FindStringSubmatch(line); m != nil {
			r.url = "http://127.0.0.1:" + m[1]
		}
	}
	done := make(chan error, 1)
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		done <- cmd.Wait()
	}()
	t.Cleanup(func() {
		if err := errors.Join(cmd.Process.Signal(syscall.SIGTERM), <-done); err != nil || t.Failed() {
			t.Errorf("the server ended: %v\n%s", err, r.log.String())
		}
	})
	return r
}

// get returns the body of an answer that must be good.
func (r *running) get(path string) string {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		r.t.Fatalf("GET %s = %d, %v: %s", path, res.StatusCode, err, body)
	}
	return string(body)
}

// roundTrip publishes a package with npm and installs it in another project.
func (r *running) roundTrip() {
	t := r.t
	t.Helper()
	npm := clients.Get(t, clients.NPM11)
	npmrc := fmt.Sprintf("registry=%s/\n//%s/:_authToken=%s\n", r.url, strings.TrimPrefix(r.url, "http://"), token)
	source, project := t.TempDir(), t.TempDir()
	for file, text := range map[string]string{
		filepath.Join(source, ".npmrc"):        npmrc,
		filepath.Join(source, "package.json"):  `{"name": "@acme/deployed", "version": "1.2.3", "main": "index.js"}`,
		filepath.Join(source, "index.js"):      "module.exports = 'it works'\n",
		filepath.Join(project, ".npmrc"):       npmrc,
		filepath.Join(project, "package.json"): `{"private": true}`,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := npm.With("npm_config_cache="+t.TempDir(), "npm_config_audit=false", "npm_config_fund=false", "npm_config_registry="+r.url+"/")
	must(t, command(t, source, env, npm.Path, "publish"))
	must(t, command(t, project, env, npm.Path, "install", "@acme/deployed"))
	if got := must(t, command(t, project, env, "node", "-p", "require('@acme/deployed')")); got != "it works\n" {
		t.Errorf("what was installed says %q", got)
	}
}

// wantCounted downloads what roundTrip has published, which npm had in its cache, and waits until that is in the
// statistics: counts are written within seconds.
func (r *running) wantCounted() {
	r.t.Helper()
	r.get("/@acme/deployed/-/deployed-1.2.3.tgz")
	ctx, cancel := context.WithTimeout(r.t.Context(), 5*time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for answer := ""; !strings.Contains(answer, `"count":1`); answer = r.get("/analytics/@acme/deployed/timeline?days=1") {
		select {
		case <-tick.C:
		case <-ctx.Done():
			r.t.Fatalf("the download is not counted: %s", answer)
		}
	}
}

// read returns a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// decode reads a file of YAML.
func decode(t *testing.T, name string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, name)), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// cleanEnv is the environment of this process without what steers the server, and with more.
func cleanEnv(vars ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		for _, prefix := range []string{"AWS_", "S3_", "DYNAMODB_", "REGISTRY_", "PANTRY_", "PORT=", "HOST=", "BASE_URL=", "npm_"} {
			if strings.HasPrefix(v, prefix) {
				return true
			}
		}
		return false
	})
	return append(env, vars...)
}
