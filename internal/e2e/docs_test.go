package e2e

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/report"
)

var bashBlock = regexp.MustCompile("(?s)```bash\n(.*?)```")

// blocks returns the bash examples of a document that have the text.
func blocks(t *testing.T, doc, text string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../..", doc))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range bashBlock.FindAllStringSubmatch(string(b), -1) {
		if strings.Contains(m[1], text) {
			found = append(found, m[1])
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no example with %q", doc, text)
	}
	return found
}

// The examples with curl work as they are written.
func TestExamplesWithCurl(t *testing.T) {
	const token = "a-token-for-the-examples"
	s := startServer(t, t.TempDir(), "--token", token)
	dir, _ := checkout(t, "-- package.json --\n{}\n")
	for file, name := range map[string]string{"my-package.tgz": "my-package", "other-package.tgz": "@scope/other", "acme-core-1.0.0.tgz": "@acme/core"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(smallTarball(t, name, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, doc := range []string{"README.md", "docs/api.md"} {
		for _, example := range blocks(t, doc, "curl") {
			r := exe(t, dir, cleanEnv("REGISTRY_URL="+s.url, "REGISTRY_TOKEN="+token), "bash", "-ec", example).must(t)
			if !strings.Contains(r.stdout, `"success":true`) {
				t.Errorf("%s: %s\n%v", doc, example, r)
			}
		}
	}
}

// The examples with publish-commit work, line by line, in a checkout.
func TestExamplesAtADesk(t *testing.T) {
	t.Parallel()
	for _, example := range blocks(t, "docs/action.md", "publish-commit") {
		s := startServer(t, t.TempDir())
		dir, _ := checkout(t, workspace+"-- packages/internal/package.json --\n{\"name\": \"@acme/internal-tools\", \"version\": \"1.0.0\"}\n-- .gitignore --\ndist\n")
		env := cleanEnv("REGISTRY_URL="+s.url, "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
		for line := range strings.Lines(example) {
			exe(t, dir, env, "bash", "-c", strings.ReplaceAll(line, "http://localhost:3000", s.url)).must(t)
		}
	}
}

// The documents show the lines that the comment has.
func TestInstallLinesAreThoseOfTheComment(t *testing.T) {
	onlyLocal(t, "it starts no server, or one of its own")
	const sha = "a832a551de9c0ffee00112233445566778899aab"
	r := report.Report{Repository: "acme/widgets", SHA: sha, RegistryURL: exampleServer, Tag: "pr-7", Managers: []string{"npm", "pnpm", "yarn", "bun"}}
	core := report.Package{Name: "@acme/core", Version: npm.PreviewVersion(sha), URL: exampleServer + "/x"}
	cli := report.Package{Name: "@acme/cli", Version: npm.PreviewVersion(sha), URL: exampleServer + "/y", Bins: []string{"acme"}}
	docs := map[string]string{"docs/action.md": read(t, "../../docs/action.md"), "README.md": read(t, "../../README.md")}
	shown := map[string]int{}
	for _, tt := range []struct {
		of   report.Package
		from string // only lines that begin with it
	}{{core, ""}, {cli, "Run 1 command"}} {
		r.Packages = []report.Package{tt.of}
		registry, _, _ := strings.Cut(report.Comment(r), "Install by URL")
		_, after, found := strings.Cut(registry, tt.from)
		if !found {
			t.Fatalf("the comment has no %q:\n%s", tt.from, registry)
		}
		for _, block := range fenced.FindAllStringSubmatch(after, -1) {
			for doc, text := range docs {
				if strings.Contains(text, block[1]) {
					shown[doc]++
				} else if doc == "docs/action.md" {
					t.Errorf("%s lacks what the comment shows:\n%s", doc, block[1])
				}
			}
		}
	}
	if shown["docs/action.md"] < 5+3+4 || shown["README.md"] != 1 {
		t.Errorf("the documents have %v of the comment's lines", shown)
	}
}

// The commands of the README work in the order in which they stand there.
func TestCommandsOfReadme(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback")
	g := readGuide(t, "README.md", s)
	home := t.TempDir()
	env := cleanEnv("HOME="+home, "npm_config_registry=", "npm_config_userconfig="+filepath.Join(home, ".npmrc"), "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"))

	dir, _ := checkout(t, workspace+"-- .gitignore --\ndist\n")
	for line := range strings.Lines(blocks(t, "README.md", "publish-commit --")[0]) {
		switch words := strings.Fields(line); {
		case words[0] == "go":
			if !strings.HasPrefix(line, "go install ./cmd/... ") {
				t.Errorf("the programs are installed by %q", line)
			}
		case words[0] == "registry-server":
			serves(t, line, "http://localhost:")
		default:
			exe(t, dir, env, "bash", "-c", strings.ReplaceAll(line, "http://localhost:3000", s.url)).must(t)
		}
	}
	publishCommit(t, dir, cleanEnv("REGISTRY_URL="+s.url), "--ref", "pr/7").must(t)
	if app, r := managers()[0].run(t, g.here(blocks(t, "README.md", " --registry ")[0])); r.code != 0 || !strings.Contains(read(t, filepath.Join(app, "package.json")), "0.0.0-commit.g") {
		t.Errorf("a preview: %v", r)
	}

	serves(t, blocks(t, "README.md", "--host 0.0.0.0")[0], exampleServer)
	g.s = startServer(t, t.TempDir(), "--no-npm-fallback", "--token", guideToken)
	release := t.TempDir()
	write(t, release, "-- package.json --\n{\"name\": \"@acme/released\", \"version\": \"1.0.0\"}\n")
	exe(t, release, append(env, "REGISTRY_DATA="+g.s.data), "bash", "-ec", g.here(blocks(t, "README.md", "npm publish")[0])).must(t)
	if status, body := askAs(t, "", "GET", g.s.url+"/@acme/released/1.0.0", ""); status != 200 {
		t.Errorf("what npm publish published: %d %s", status, body)
	}
}

// serves starts the server by a line of a document, on a free port, and stops it
// when it listens and says that its links begin with url.
func serves(t *testing.T, line, url string) {
	t.Helper()
	line, _, _ = strings.Cut(strings.TrimSpace(line), "#")
	cmd := exec.CommandContext(t.Context(), "bash", "-c", "exec env "+strings.TrimSuffix(strings.TrimSpace(line), "&"))
	cmd.Dir, cmd.Stderr = t.TempDir(), os.Stderr
	cmd.Env = cleanEnv("PORT=0", "LOG_LEVEL=error", "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, found := bufio.NewScanner(out), ""
	for lines.Scan() {
		if _, after, ok := strings.Cut(lines.Text(), "links begin with "); ok {
			found = after
			_ = cmd.Process.Signal(syscall.SIGTERM) // that it stops is seen below
		}
	}
	if err := cmd.Wait(); err != nil || !strings.HasPrefix(found, url) {
		t.Errorf("%s: its links begin with %q, want %s (%v)", line, found, url, err)
	}
}

var target = regexp.MustCompile(`(?m)^make (\w+)`)

// The targets that the documents name exist.
func TestMakeTargets(t *testing.T) {
	onlyLocal(t, "it starts no server, or one of its own")
	makefile := read(t, "../../Makefile")
	for _, example := range blocks(t, "README.md", "make ") {
		for _, m := range target.FindAllStringSubmatch(example, -1) {
			if !strings.Contains(makefile, "\n"+m[1]+":") {
				t.Errorf("README.md says make %s, which the Makefile does not have", m[1])
			}
		}
	}
}

func TestDemo(t *testing.T) {
	onlyLocal(t, "it starts no server, or one of its own")
	t.Parallel()
	r := exe(t, t.TempDir(), cleanEnv(), "bash", demo(t), bin).must(t)
	for _, want := range []string{"Hello, from a pull request! (hello-cli 0.0.0-commit.g", "| [`@hello/core`]", "stopped cleanly"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("the demo lacks %q:\n%v", want, r)
		}
	}
}

func demo(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../examples/demo.sh")
	if err != nil {
		t.Fatal(err)
	}
	return path
}
