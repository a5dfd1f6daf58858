package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
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
	for _, example := range blocks(t, "docs/action.md", "publish-commit") {
		s := startServer(t, t.TempDir())
		dir, _ := checkout(t, workspace+"-- packages/internal/package.json --\n{\"name\": \"@acme/internal-tools\", \"version\": \"1.0.0\"}\n-- .gitignore --\ndist\n")
		env := cleanEnv("REGISTRY_URL="+s.url, "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
		for line := range strings.Lines(example) {
			exe(t, dir, env, "bash", "-c", strings.ReplaceAll(line, "http://localhost:3000", s.url)).must(t)
		}
	}
}

func TestDemo(t *testing.T) {
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
