package npmapi_test

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/store/storetest"
)

// shell runs a client in a folder of its own, with nothing of the machine's configuration.
type shell struct {
	t      *testing.T
	client clients.Client
	dir    string
	env    []string
}

func newShell(t *testing.T, n *node, tool clients.Tool) *shell {
	t.Helper()
	s := &shell{t: t, client: clients.Get(t, tool), dir: t.TempDir()}
	home := t.TempDir()
	s.env = s.client.With("HOME="+home, "XDG_CONFIG_HOME="+home+"/config", "XDG_DATA_HOME="+home+"/data", "XDG_CACHE_HOME="+home+"/cache",
		"npm_config_cache="+home+"/npm", "npm_config_userconfig="+home+"/.npmrc", "npm_config_registry="+n.url+"/", "npm_config_fund=false")
	s.write(".npmrc", "registry="+n.url+"/\n")
	return s
}

func (s *shell) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shell) command(args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Minute)
	s.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, s.client.Path, args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	return cmd
}

// run runs a command and fails the test unless it succeeds with want in its output.
func (s *shell) run(want string, args ...string) string {
	s.t.Helper()
	out, err := s.command(args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), want) {
		s.t.Fatalf("%s %s: %v\n%s\nwant %q", s.client.Tool, strings.Join(args, " "), err, out, want)
	}
	return string(out)
}

// refused is run for what must fail.
func (s *shell) refused(want string, args ...string) {
	s.t.Helper()
	out, err := s.command(args...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), want) {
		s.t.Fatalf("%s %s: %v\n%s\nwant it to fail with %q", s.client.Tool, strings.Join(args, " "), err, out, want)
	}
}

var loginURL = regexp.MustCompile(`https?://\S+/-/login/\S+`)

// watched is what a client writes.
type watched struct {
	storetest.Transcript
	seen func(text string) // told all that was written so far
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.Transcript.Write(p)
	w.seen(w.String())
	return n, err
}

// login signs in by the browser's page, as a user would.
func (s *shell) login(n *node, args ...string) {
	s.t.Helper()
	cmd := s.command(append([]string{"login"}, args...)...)
	var out watched
	cmd.Stdout, cmd.Stderr = &out, &out
	shown := make(chan string, 1)
	out.seen = func(text string) {
		if found := loginURL.FindString(text); found != "" && strings.HasSuffix(text, "\n") {
			select {
			case shown <- found:
			default:
			}
		}
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case address := <-shown:
		n.as("").form(strings.TrimPrefix(address, n.url), url.Values{"user": {"alice"}, "password": {"password of alice"}}).want(s.t, 200, "Go back")
	case err := <-ended:
		s.t.Fatalf("%s login: %v\n%s", s.client.Tool, err, &out)
	}
	if err := <-ended; err != nil {
		s.t.Fatalf("%s login: %v\n%s", s.client.Tool, err, &out)
	}
}

// What npm does in more than one request.
func TestNPM(t *testing.T) {
	t.Parallel()
	n := start(t, setup{})
	n.user("alice")
	s := newShell(t, n, clients.NPM11)
	s.login(n, "--auth-type=web")
	s.write("package.json", `{"name":"@acme/a","version":"1.0.0"}`)
	s.run("+ @acme/a@1.0.0", "publish")
	s.write("index.js", "other")
	s.refused("You cannot publish over the previously published versions: 1.0.0.", "publish", "--force")
	s.write("package.json", `{"name":"@acme/a","version":"1.1.0"}`)
	s.run("+ @acme/a@1.1.0", "publish", "--tag", "next")
	s.run("too old", "deprecate", "@acme/a@1.0.0", "too old")
	s.run("- @acme/a@1.1.0", "unpublish", "@acme/a@1.1.0")
	n.get("/@acme%2fa/1.1.0").want(t, 404, "unpublished")
	n.get("/@acme%2fa/1.0.0").want(t, 200, `"deprecated":"too old"`)
	s.run("- @acme/a", "unpublish", "@acme/a", "--force")
	s.run("", "logout")
	s.refused("E", "whoami")
}

// What pnpm does otherwise than npm.
func TestPNPM(t *testing.T) {
	t.Parallel()
	n := start(t, setup{})
	n.user("alice")
	s := newShell(t, n, clients.PNPM)
	s.login(n, "--registry", n.url+"/")
	s.run("alice", "whoami", "--registry", n.url+"/")
	s.write("package.json", `{"name":"@acme/a","version":"1.0.0"}`)
	s.run("@acme/a@1.0.0", "publish", "--no-git-checks")
	s.run("alice: read-write", "access", "list", "collaborators", "@acme/a")
	s.run("", "star", "@acme/a")
	s.run("@acme/a", "stars")
	s.write("package.json", `{"name":"@acme/a","version":"1.1.0"}`)
	staged := s.run("staged with id", "stage", "publish", "--no-git-checks")
	id := regexp.MustCompile(`[0-9a-f-]{36}`).FindString(staged)
	s.run("", "stage", "approve", id)
	n.get("/@acme%2fa/1.1.0").want(t, 200, "")
	s.run("", "unpublish", "@acme/a@1.0.0")
	n.get("/@acme%2fa/1.0.0").want(t, 404, "")
}
