package e2e

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/clients"
)

// seat is where a user works: a package manager with a home folder of its own,
// whose projects are configured for a registry as docs/operating.md says.
type seat struct {
	manager
	cmd      words
	registry string
	home     string // what the user configures stays here,
	caches   string // and what was downloaded here
	user     string // also the scope of what it publishes
	token    string
}

const (
	operatorToken = "the-token-of-the-operator"
	goodPassword  = "correct horse battery staple"
)

// id tells the managers apart: "npm11", "yarn4".
func (m manager) id() string {
	major, _, _ := strings.Cut(m.tool.Version(), ".")
	return m.name + major
}

// sit gives a manager a seat at a registry, with a token unless it is empty.
func (m manager) sit(t *testing.T, registry, token string) *seat {
	t.Helper()
	s := &seat{manager: m, cmd: m.words(), registry: registry, home: t.TempDir(), user: m.id()}
	s.forget(t)
	if token != "" {
		s.hold(t, token)
	}
	return s
}

// join makes an account and a token for the manager's user, and a seat.
func (m manager) join(t *testing.T, s *server) *seat {
	t.Helper()
	addUser(t, s, m.id())
	return m.sit(t, s.url, newToken(t, s, "--name", "ci", "--user", m.id()))
}

// hold configures the user's token, with more lines for what is beside it.
func (s *seat) hold(t *testing.T, token string, more ...string) {
	t.Helper()
	s.token = token
	file, text := ".npmrc", "//"+strings.TrimPrefix(s.registry, "http://")+"/:_authToken="+token+"\n"
	if s.tool == clients.Yarn4 {
		file, text = ".yarnrc.yml", "npmRegistries:\n  \""+s.registry+"\":\n    npmAuthToken: "+token+"\n"
	}
	for _, line := range more {
		text += line + "\n"
	}
	if err := os.WriteFile(filepath.Join(s.home, file), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// forget is as if nothing was downloaded yet.
func (s *seat) forget(t *testing.T) { s.caches = t.TempDir() }

// project makes a project of the files of a txtar archive that is configured for the registry.
func (s *seat) project(t *testing.T, archive string, settings ...string) string {
	t.Helper()
	dir := t.TempDir()
	file, lines := ".npmrc", []string{"registry=" + s.registry + "/"}
	if s.tool == clients.Yarn4 {
		// It refuses plain http unless told, which is our loopback server's doing.
		file = ".yarnrc.yml"
		lines = []string{`npmRegistryServer: "` + s.registry + `/"`, "unsafeHttpWhitelist: [localhost, 127.0.0.1]", "nodeLinker: node-modules", `npmPreapprovedPackages: ["@acme/*", "@` + s.user + `/*"]`}
	}
	lines = append(lines, settings...)
	write(t, dir, "-- "+file+" --\n"+strings.Join(lines, "\n")+"\n-- package.json --\n{\"name\": \"app\", \"version\": \"1.0.0\", \"private\": true}\n"+archive)
	if s.tool == clients.Yarn4 { // else it takes a folder above for the project
		write(t, dir, "-- yarn.lock --\n")
	}
	return dir
}

// env is the environment of the user's shell, with variables that the command lines use.
func (s *seat) env(t *testing.T, vars ...string) []string {
	t.Helper()
	var env []string
	for _, v := range client(t, s.tool).Env {
		name, _, _ := strings.Cut(strings.ToLower(v), "=")
		switch prefix, _, _ := strings.Cut(name, "_"); {
		case name == "npm_config_update_notifier" || name == "pnpm_config_update_notifier" || name == "yarn_enable_telemetry":
		case prefix == "npm" || prefix == "pnpm" || prefix == "yarn" || prefix == "bun" || prefix == "github" || prefix == "actions":
			continue // the configuration of whoever runs the test
		}
		env = append(env, v)
	}
	cache := func(name string) string { return filepath.Join(s.caches, name) }
	env = append(env, "HOME="+s.home, "XDG_CONFIG_HOME="+filepath.Join(s.home, ".config"), "CI=1", "YARN_ENABLE_IMMUTABLE_INSTALLS=false",
		"XDG_CACHE_HOME="+cache("cache"), "XDG_DATA_HOME="+cache("data"), "XDG_STATE_HOME="+cache("state"),
		"npm_config_cache="+cache("npm"), "YARN_GLOBAL_FOLDER="+cache("berry"), "YARN_CACHE_FOLDER="+cache("yarn"), "BUN_INSTALL_CACHE_DIR="+cache("bun"))
	return append(env, vars...)
}

var known sync.Map // clients.Client by clients.Tool

// client is clients.Get, which runs npm each time, once for each tool.
func client(t *testing.T, tool clients.Tool) clients.Client {
	t.Helper()
	c, ok := known.Load(tool)
	if !ok {
		c, _ = known.LoadOrStore(tool, clients.Get(t, tool))
	}
	return c.(clients.Client)
}

// run runs a command line; it says "$pkg" for pkg=value.
func (s *seat) run(t *testing.T, dir, line string, vars ...string) result {
	t.Helper()
	if line == "" {
		t.Fatalf("%s has no such command", s.tool)
	}
	return exe(t, dir, s.env(t, vars...), "bash", "-c", line)
}

// plain is all that a program said, in words with one space between: some break
// lines anywhere, behind bars.
func (r result) plain() string {
	return strings.Join(strings.Fields(strings.NewReplacer("│", " ", "➤", " ").Replace(r.stdout+" "+r.stderr)), " ")
}

// says fails the test unless the program succeeded, and said it.
func (r result) says(t *testing.T, want ...string) result {
	t.Helper()
	r.must(t)
	for _, text := range want {
		if !strings.Contains(r.plain(), text) {
			t.Errorf("%v\nwant %q", r, text)
		}
	}
	return r
}

// refuses fails the test if the program succeeded, or did not say why not.
func (r result) refuses(t *testing.T, want ...string) {
	t.Helper()
	if r.code == 0 {
		t.Errorf("%v\nwant it refused", r)
	}
	for _, text := range want {
		if !strings.Contains(r.plain(), text) {
			t.Errorf("%v\nwant it refused with %q", r, text)
		}
	}
}

// operate runs a subcommand of registry-server beside the running server.
func operate(t *testing.T, s *server, stdin string, args ...string) result {
	t.Helper()
	args = append([]string{"-c", `printf '%s\n' "$INPUT" | "$0" "$@"`, filepath.Join(bin, "registry-server")}, append(args, "--data", s.data)...)
	return exe(t, s.data, cleanEnv("INPUT="+stdin), "bash", args...).must(t)
}

func addUser(t *testing.T, s *server, name string) {
	t.Helper()
	operate(t, s, goodPassword, "user", "add", name, "--email", name+"@example.com")
}

func newToken(t *testing.T, s *server, args ...string) string {
	t.Helper()
	return strings.TrimSpace(operate(t, s, "", append([]string{"token", "create"}, args...)...).stdout)
}

// whoami asks the server whose a token is, without a client; "" if nobody's.
func whoami(t *testing.T, s *server, token string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.addr+"/-/whoami", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	status, body := answer(t, r)
	if status == http.StatusUnauthorized {
		return ""
	}
	var user string
	if _, err := fmt.Sscanf(body, `{"username":%q}`, &user); err != nil {
		t.Fatalf("whoami answers %d %s", status, body)
	}
	return user
}

// answer sends a request without a client.
func answer(t *testing.T, r *http.Request) (status int, body string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// readIfThere is the content of a file, "" if there is none.
func readIfThere(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

// smallPackage is a package.json alone.
func smallPackage(name, version string) string {
	return fmt.Sprintf("-- package.json --\n{\"name\": %q, \"version\": %q, \"license\": \"MIT\"}\n", name, version)
}
