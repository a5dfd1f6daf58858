package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAtADesk(t *testing.T) {
	s := startServer(t, t.TempDir())
	dir, sha := checkout(t, workspace)
	env := cleanEnv("REGISTRY_URL=" + s.url)
	before := snapshot(t, dir)

	r := publishCommit(t, dir, env).must(t)
	if !strings.Contains(r.stdout, "@acme/core@"+sha) || !strings.Contains(r.stderr, "published 3 packages") {
		t.Errorf("publishing: %v", r)
	}
	if again := publishCommit(t, dir, env).must(t); !strings.Contains(again.stderr, "was published before") || !strings.Contains(again.stderr, "has all 6 blobs already") {
		t.Errorf("publishing again: %v", again)
	}
	if diff := snapshot(t, dir); diff != before {
		t.Errorf("the working tree was touched:\n%s\nbefore:\n%s", diff, before)
	}

	write(t, dir, "-- packages/core/index.js --\nmodule.exports = 'dirty';\n")
	if r := publishCommit(t, dir, env); r.code != 1 || !strings.Contains(r.stderr, "packages/core/index.js") || !strings.Contains(r.stderr, "--allow-dirty") {
		t.Errorf("a dirty tree: %v, want a refusal that names the file and the way out", r)
	}
	if r := publishCommit(t, dir, env, "--allow-dirty"); r.code != 1 || !strings.Contains(r.stderr, "already published with other bytes") {
		t.Errorf("other bytes for a published commit: %v, want a refusal", r)
	}
	publishCommit(t, dir, env, "--allow-dirty", "--force").must(t)
}

// A server started inside a checkout, as people first do, does not make it dirty.
func TestServerInsideTheCheckout(t *testing.T) {
	dir, _ := checkout(t, workspace)
	s := startServer(t, filepath.Join(dir, ".registry"))
	publishCommit(t, dir, cleanEnv("REGISTRY_URL="+s.url)).must(t)
}

// snapshot is the content of every file outside of .git.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Name() == ".git" {
			return filepath.SkipDir
		}
		if !d.IsDir() {
			data, err := os.ReadFile(path)
			b.WriteString(path + "\n" + string(data))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestUsage(t *testing.T) {
	onlyLocal(t, "it starts no server, or one of its own")
	dir, _ := checkout(t, workspace)
	empty := t.TempDir()
	if err := os.WriteFile(filepath.Join(empty, "x.tgz"), []byte(tarballOf(t, `{"name":"x","version":"1.0.0"}`)), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		dir  string
		args []string
		env  []string
		code int
		text string
	}{
		{"no registry", dir, nil, nil, 2, "REGISTRY_URL"},
		{"an unknown flag", dir, []string{"--nope"}, nil, 2, "--help"},
		{"an unknown manager", dir, []string{"--package-managers", "cargo"}, []string{"REGISTRY_URL=http://localhost:1"}, 2, "cargo"},
		{"a token over plain http", dir, nil, []string{"REGISTRY_URL=http://registry.example.com", "REGISTRY_TOKEN=s3cret-value"}, 1, "https"},
		{"no package here", empty, []string{"--sha", strings.Repeat("a", 40)}, []string{"REGISTRY_URL=http://localhost:1"}, 1, "package.json"},
		{"no commit", empty, nil, []string{"REGISTRY_URL=http://localhost:1"}, 1, "--sha"},
		{"no commit's name", dir, []string{"--dry-run", "--sha", "main"}, nil, 2, "--sha"},
		{"no URL", dir, []string{"--dry-run"}, []string{"REGISTRY_URL=localhost:3000"}, 2, "https://"},
		{"a password in the URL", dir, []string{"pack", "--siblings", "url"}, []string{"REGISTRY_URL=https://me:s3cret@example.com"}, 2, "credentials"},
		{"tarballs to leave out", empty, []string{"x.tgz", "--exclude", "x", "--sha", strings.Repeat("a", 40)}, []string{"REGISTRY_URL=http://localhost:1"}, 1, "--exclude"},
		{"one name twice", empty, []string{"x.tgz", "x.tgz", "--sha", strings.Repeat("a", 40)}, []string{"REGISTRY_URL=http://localhost:1"}, 1, "given twice"},
		{"a package that is not there", dir, []string{"acme-clj"}, []string{"REGISTRY_URL=http://localhost:1"}, 1, "acme-cli"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := publishCommit(t, tt.dir, cleanEnv(tt.env...), tt.args...)
			if r.code != tt.code || !strings.Contains(r.stderr, tt.text) {
				t.Errorf("%v\nwant exit code %d and %q", r, tt.code, tt.text)
			}
			if strings.Contains(r.stderr+r.stdout, "s3cret") {
				t.Error("the token is shown")
			}
		})
	}
	if r := exe(t, dir, cleanEnv(), filepath.Join(bin, "registry-server"), "--host", "0.0.0.0", "--data", t.TempDir()); r.code != 2 || !strings.Contains(r.stderr, "REGISTRY_TOKEN") {
		t.Errorf("an open server on every address: %v, want a refusal", r)
	}
}

func TestJSON(t *testing.T) {
	s := startServer(t, t.TempDir())
	dir, sha := checkout(t, workspace)
	r := publishCommit(t, dir, cleanEnv("REGISTRY_URL="+s.url), "--json").must(t)
	var out struct {
		SHA, PreviewRegistry string
		Packages             []struct{ Name, URL, Integrity, Version, Spec string }
	}
	if err := json.Unmarshal([]byte(r.stdout), &out); err != nil || out.SHA != sha || len(out.Packages) != 3 || out.Packages[0].Integrity == "" {
		t.Fatalf("--json printed %s (%v)", r.stdout, err)
	}
	if p := out.Packages[0]; p.Spec != p.Name+"@"+p.Version || out.PreviewRegistry != s.url+"/~/acme/ws" {
		t.Errorf("--json says to install %q from %q, want %s@%s from the server", p.Spec, out.PreviewRegistry, p.Name, p.Version)
	}
}

func TestDryRunSendsNothing(t *testing.T) {
	onlyLocal(t, "it starts no server, or one of its own")
	dir, _ := checkout(t, workspace)
	r := publishCommit(t, dir, cleanEnv("REGISTRY_URL=http://localhost:1"), "--dry-run").must(t)
	if !strings.Contains(r.stdout, "acme-cli@0.0.0-commit.g") || !strings.Contains(r.stdout, "cli.js") {
		t.Errorf("a dry run: %v", r)
	}
}

func TestPackThenPublishTarballs(t *testing.T) {
	s := startServer(t, t.TempDir())
	dir, sha := checkout(t, workspace)
	out := t.TempDir()
	r := publishCommit(t, dir, cleanEnv(), "pack", "--out", out, "--json").must(t)
	var list []struct {
		Filename, Integrity string
		Files               []struct{ Path string }
	}
	if err := json.Unmarshal([]byte(r.stdout), &list); err != nil || len(list) != 3 || len(list[0].Files) == 0 {
		t.Fatalf("pack --json printed %s (%v)", r.stdout, err)
	}
	files, err := filepath.Glob(filepath.Join(out, "*.tgz"))
	if err != nil || len(files) != 3 {
		t.Fatalf("pack wrote %v, %v", files, err)
	}
	published := publishCommit(t, out, cleanEnv("REGISTRY_URL="+s.url), append(files, "--sha", sha, "--repository", "acme/ws", "--json")...).must(t)
	for _, p := range list {
		if !strings.Contains(published.stdout, p.Integrity) {
			t.Errorf("%s was not published with the bytes that were packed", p.Filename)
		}
	}
}

// A tarball from elsewhere does not choose where its copy is written.
func TestPackRefusesAVersionThatIsAPath(t *testing.T) {
	onlyLocal(t, "it starts no server, or one of its own")
	dir := t.TempDir()
	out := filepath.Join(dir, "a", "out")
	if err := os.WriteFile(filepath.Join(dir, "x.tgz"), []byte(tarballOf(t, `{"name":"x","version":"1.0.0/../../../evil"}`)), 0o644); err != nil {
		t.Fatal(err)
	}
	r := publishCommit(t, dir, cleanEnv(), "pack", "x.tgz", "--keep-version", "--out", out)
	if r.code != 1 || !strings.Contains(r.stderr, "semantic version") {
		t.Errorf("%v\nwant a refusal", r)
	}
	if found, err := filepath.Glob(filepath.Join(dir, "*evil*")); err != nil || len(found) > 0 {
		t.Errorf("it wrote %v (%v)", found, err)
	}
}

// A failing script stops everything before a byte is sent.
func TestFailingScript(t *testing.T) {
	s := startServer(t, t.TempDir())
	dir, sha := checkout(t, workspace+`
-- packages/bad/package.json --
{"name": "bad", "version": "1.0.0", "scripts": {"prepack": "echo compiling; echo oh no >&2; exit 3"}}
`)
	r := publishCommit(t, dir, cleanEnv("REGISTRY_URL="+s.url))
	if r.code != 1 || !strings.Contains(r.stderr, "bad") || !strings.Contains(r.stderr, "oh no") || !strings.Contains(r.stderr, "prepack") {
		t.Errorf("%v\nwant the package, the script and its output", r)
	}
	if got := exe(t, dir, cleanEnv(), "curl", "-s", "-o", os.DevNull, "-w", "%{http_code}", s.url+"/commits/"+sha); got.stdout != "404" {
		t.Errorf("the commit answers %s after a failed script, want 404", got.stdout)
	}
	publishCommit(t, dir, cleanEnv("REGISTRY_URL="+s.url), "--ignore-scripts").must(t)
}

func TestServerStopsCleanly(t *testing.T) {
	s := startServer(t, t.TempDir())
	if err := s.stop(); err != nil {
		t.Errorf("SIGTERM ended the server with %v, want success", err)
	}
}
