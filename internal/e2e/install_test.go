package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients"
)

// manager is a package manager and how the text we print calls it.
type manager struct {
	name    string
	runner  string // runs bins without installing
	tool    clients.Tool
	setUp   string // files of the project that installs
	refuses string // what it says to a bare URL; empty: it takes one
}

// Yarn 4 refuses plain http unless told, which is our loopback server's doing.
const berryRC = "-- .yarnrc.yml --\nunsafeHttpWhitelist: [localhost]\nnodeLinker: node-modules\nenableGlobalCache: false\n-- yarn.lock --\n"

func managers() []manager {
	return []manager{
		{"npm", "npx", clients.NPM11, "", ""},
		{"npm", "npx", clients.NPM12, "", "EALLOWREMOTE"},
		{"pnpm", "", clients.PNPM, "", ""},
		{"yarn", "", clients.Yarn1, "", ""},
		{"yarn", "", clients.Yarn4, berryRC, ""},
		{"bun", "bunx", clients.Bun, "", ""},
	}
}

// run runs a command line in a new project, as a user who pastes it would.
func (m manager) run(t *testing.T, line string) (dir string, r result) {
	t.Helper()
	c := clients.Get(t, m.tool)
	dir = t.TempDir()
	write(t, dir, "-- package.json --\n{\"name\": \"app\", \"version\": \"1.0.0\", \"private\": true}\n"+m.setUp)
	env := c.With("HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir(), "CI=1", "npm_config_cache="+t.TempDir())
	return dir, exe(t, dir, env, "bash", "-c", line)
}

var fenced = regexp.MustCompile("(?s)```[a-z]*\n(.*?)\n```")

// lines returns the command lines that a comment offers for the manager.
func (m manager) lines(comment string) []string {
	var lines []string
	for _, block := range fenced.FindAllStringSubmatch(comment, -1) {
		for line := range strings.SplitSeq(block[1], "\n") {
			word, rest, _ := strings.Cut(line, " ")
			dlx := strings.HasPrefix(rest, "dlx ")
			if (word == m.name || word == m.runner) && !(m.tool == clients.Yarn1 && dlx) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// check runs every line of the comment.
func (m manager) check(t *testing.T, lines []string) {
	t.Helper()
	for _, line := range lines {
		app, r := m.run(t, line)
		switch {
		case r.code != 0:
			t.Errorf("%s\n%v", line, r)
		case strings.Contains(line, " dlx ") || strings.HasPrefix(line, "npx ") || strings.HasPrefix(line, "bunx "):
			if !strings.Contains(r.stdout, "cli+mid+core 0.0.0-commit.g") {
				t.Errorf("%s\n%v", line, r)
			}
		case strings.Contains(line, "acme-cli"):
			wantRuns(t, app)
		}
	}
}

// The lines that the comment offers work in the current version of every manager.
func TestEveryManagerInstallsWhatTheCommentSays(t *testing.T) {
	s := startServer(t, t.TempDir())
	dir, _ := checkout(t, workspace)
	comment := publishCommit(t, dir, cleanEnv("REGISTRY_URL="+s.url), "--siblings", "url", "--show-comment", "--package-managers", "npm,pnpm,yarn,bun").must(t).stdout
	for _, m := range managers() {
		t.Run(string(m.tool), func(t *testing.T) {
			lines := m.lines(comment)
			if len(lines) < 4 { // all, and each
				t.Fatalf("the comment has %d lines for %s:\n%s", len(lines), m.name, comment)
			}
			m.check(t, lines)
		})
	}
}

// wantRuns runs the bin that was installed.
func wantRuns(t *testing.T, app string) {
	t.Helper()
	r := exe(t, app, os.Environ(), filepath.Join(app, "node_modules", ".bin", "acme"))
	if !strings.HasPrefix(r.stdout, "cli+mid+core 0.0.0-commit.g") {
		t.Errorf("the installed bin: %v", r)
	}
}

// npm 12 refuses packages by URL, and the text we print says how to tell it otherwise.
func TestNPM12RefusesURLsUnlessTold(t *testing.T) {
	s := startServer(t, t.TempDir())
	dir, sha := checkout(t, workspace)
	text := publishCommit(t, dir, cleanEnv("REGISTRY_URL="+s.url), "@acme/core").must(t).stdout
	url := s.url + "/acme/ws/@acme/core@" + sha
	for _, m := range managers() {
		if m.refuses == "" {
			continue
		}
		_, bare := m.run(t, "npm i "+url)
		if bare.code == 0 || !strings.Contains(bare.stderr, m.refuses) {
			t.Errorf("%s takes a bare URL, want it refused with %s: %v", m.tool, m.refuses, bare)
		}
		if _, told := m.run(t, "npm i --allow-remote=root "+url); told.code != 0 {
			t.Errorf("%s told to allow it: %v", m.tool, told)
		}
	}
	if !strings.Contains(text, "--allow-remote=root "+url) || !strings.Contains(text, "npm 12") {
		t.Errorf("the text does not say how npm 12 installs it:\n%s", text)
	}
}

// Exact preview versions are met by packages that are installed along, which npm accepts.
func TestRegistryFormInstallsTogether(t *testing.T) {
	s := startServer(t, t.TempDir())
	dir, _ := checkout(t, workspace)
	comment := publishCommit(t, dir, cleanEnv("REGISTRY_URL="+s.url), "--show-comment", "--package-managers", "npm,pnpm,yarn,bun").must(t).stdout
	for _, m := range managers() {
		t.Run(string(m.tool), func(t *testing.T) {
			lines := m.lines(comment)
			if want := map[bool]int{true: 5, false: 1}[m.name == "npm"]; len(lines) != want {
				t.Fatalf("the comment has %d lines for %s, want %d:\n%s", len(lines), m.name, want, comment)
			}
			m.check(t, lines)
		})
	}
	if !strings.Contains(comment, "siblings") {
		t.Errorf("the comment does not say what pnpm, yarn and bun need:\n%s", comment)
	}
}

// A lockfile made from a pull request's address goes on working after it has moved.
func TestLockfileOutlivesAMovedRef(t *testing.T) {
	s := startServer(t, t.TempDir())
	dir, _ := checkout(t, workspace)
	env := cleanEnv("REGISTRY_URL=" + s.url)
	publishCommit(t, dir, env, "@acme/core", "--ref", "pr/7").must(t)
	m := managers()[2] // pnpm locks the address that it was redirected to
	app, r := m.run(t, "pnpm add "+s.url+"/acme/ws/@acme/core@pr-7")
	r.must(t)

	write(t, dir, "-- packages/core/index.js --\nmodule.exports = 'changed';\n")
	commit(t, dir)
	publishCommit(t, dir, env, "@acme/core", "--ref", "pr/7").must(t)

	c := clients.Get(t, m.tool)
	exe(t, app, c.With("HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir(), "CI=1"), "bash", "-c", "rm -rf node_modules && pnpm install --frozen-lockfile").must(t)
}
