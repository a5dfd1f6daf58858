package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

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
	dir = t.TempDir()
	write(t, dir, "-- package.json --\n{\"name\": \"app\", \"version\": \"1.0.0\", \"private\": true}\n"+m.setUp)
	return dir, m.runIn(t, dir, line)
}

// runIn runs a command line in a project, with nothing in any cache.
func (m manager) runIn(t *testing.T, dir, line string) result {
	t.Helper()
	env := client(t, m.tool).With("HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir(), "CI=1", "npm_config_cache="+t.TempDir())
	return exe(t, dir, env, "bash", "-c", line)
}

var fenced = regexp.MustCompile("(?s)```[a-z]*\n(.*?)\n```")

// lines returns the command lines that a comment offers for the manager.
func (m manager) lines(comment string) []string {
	var lines []string
	for _, block := range fenced.FindAllStringSubmatch(comment, -1) {
		for line := range strings.SplitSeq(block[1], "\n") {
			word, rest, _ := strings.Cut(line, " ")
			mine := word == m.name || word != "" && word == m.runner
			switch m.tool { // Yarn 1 runs no bins; later ones take the registry from the environment
			case clients.Yarn1:
				mine = mine && !strings.HasPrefix(rest, "dlx ")
			case clients.Yarn4:
				mine = mine && !strings.Contains(rest, "--registry") || strings.HasPrefix(word, "YARN_")
			}
			if mine {
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
			t.Parallel()
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
	t.Parallel()
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

// The preview registry has what packages need of each other, for every manager.
// By URL exact preview versions are met by what is installed along, which only npm accepts.
// A range that a peer has for releases takes the preview too: no release is anywhere.
func TestEveryManagerInstallsFromThePreviewRegistry(t *testing.T) {
	s := startServer(t, t.TempDir())
	peered := strings.Replace(workspace, `"bin": {`, `"peerDependencies": {"@acme/core": "workspace:^"}, "bin": {`, 1)
	dir, _ := checkout(t, peered)
	comment := publishCommit(t, dir, cleanEnv("REGISTRY_URL="+s.url), "--ref", "pr/7", "--show-comment", "--package-managers", "npm,pnpm,yarn,bun").must(t).stdout
	for _, m := range managers() {
		t.Run(string(m.tool), func(t *testing.T) {
			t.Parallel()
			lines := m.lines(comment)
			want := 5 + 1 // all, each and the bin; by URL the one that needs no other
			switch {
			case m.name == "npm":
				want = 5 + 5
			case m.tool == clients.Yarn1:
				want = 4 + 1
			}
			if len(lines) != want || !strings.Contains(lines[0], "@acme/core@pr-7") {
				t.Fatalf("the comment has %d lines for %s, want %d, the first for pr-7:\n%s", len(lines), m.name, want, strings.Join(lines, "\n"))
			}
			m.check(t, lines)
		})
	}
	if !strings.Contains(comment, "siblings") {
		t.Errorf("the comment does not say what pnpm, yarn and bun need for URLs:\n%s", comment)
	}
}

var configured = regexp.MustCompile("(?s)`([a-z.-]+)` for [^\n]*\n```[a-z]*\n(.*?)\n```")

// configuration is the files that a comment shows, in projects that want packages to have an age.
func configuration(t *testing.T, comment string) string {
	t.Helper()
	var files []txtar.File
	for _, file := range configured.FindAllStringSubmatch(comment, -1) {
		more := map[string]string{
			".yarnrc.yml":         "nodeLinker: node-modules\nenableGlobalCache: false\n",
			"pnpm-workspace.yaml": "minimumReleaseAge: 1440\n",
		}[file[1]]
		files = append(files, txtar.File{Name: file[1], Data: []byte(more + file[2] + "\n")})
	}
	if len(files) != 3 {
		t.Fatalf("the comment has %d files of configuration, want three:\n%s", len(files), comment)
	}
	return string(txtar.Format(&txtar.Archive{Files: files}))
}

// A project with the lines that the comment shows installs by tag and, once the
// tag has moved on, from its lockfile. Yarn and pnpm let previews through that are younger than they want.
func TestProjectKeepsPreviews(t *testing.T) {
	for spec, only := range map[string][]string{"@acme/core@pr-7": {"@acme/core"}, "acme-cli@pr-7": nil} {
		t.Run(spec, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, t.TempDir())
			dir, _ := checkout(t, workspace)
			publish := func() string {
				args := append([]string{"--ref", "pr/7", "--show-comment", "--package-managers", "npm,pnpm,yarn,bun"}, only...)
				return publishCommit(t, dir, cleanEnv("REGISTRY_URL="+s.url), args...).must(t).stdout
			}
			setUp := configuration(t, publish())
			apps := map[clients.Tool]string{}
			for _, m := range managers() {
				m.setUp = setUp
				if m.tool == clients.Yarn4 {
					m.setUp += "-- yarn.lock --\n"
				}
				app, r := m.run(t, m.add()+" -E "+spec)
				if apps[m.tool] = app; r.code != 0 {
					t.Errorf("%s: %v", m.tool, r)
				}
			}
			write(t, dir, "-- packages/core/index.js --\nmodule.exports = 'changed';\n")
			commit(t, dir)
			publish()
			for _, m := range managers() {
				app := apps[m.tool]
				if r := m.runIn(t, app, "rm -rf node_modules .yarn && "+m.frozen()); r.code != 0 {
					t.Errorf("%s from its lockfile: %v", m.tool, r)
				} else if only == nil {
					wantRuns(t, app)
				} else if core := read(t, filepath.Join(app, "node_modules", "@acme", "core", "index.js")); !strings.Contains(core, `"core"`) {
					t.Errorf("%s got %q from its lockfile, want what was locked", m.tool, core)
				}
			}
		})
	}
}

func (m manager) add() string {
	if m.name == "npm" {
		return "npm i"
	}
	return m.name + " add"
}

// frozen installs what the lockfile says.
func (m manager) frozen() string {
	switch {
	case m.name == "npm":
		return "npm ci"
	case m.tool == clients.Yarn4:
		return "yarn install --immutable"
	}
	return m.name + " install --frozen-lockfile"
}

// A lockfile made from a pull request's address goes on working after it has moved.
func TestLockfileOutlivesAMovedRef(t *testing.T) {
	t.Parallel()
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

	c := client(t, m.tool)
	exe(t, app, c.With("HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir(), "CI=1"), "bash", "-c", "rm -rf node_modules && pnpm install --frozen-lockfile").must(t)
}
