package publish

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// gitRepo is a repository with one commit of a package and some more files.
func gitRepo(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	runGit(t, dir, "init", "--quiet", "--initial-branch=main")
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	runGit(t, dir, "add", ".")
	runGit(t, dir, "-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "--quiet", "--allow-empty", "--message=test")
	return dir
}

func runGit(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// Tools leave tokens in a remote's URL; neither the registry nor a log gets them.
func TestOrigin(t *testing.T) {
	tests := []struct{ remote, want string }{
		{"https://github.com/acme/ws.git", "https://github.com/acme/ws.git"},
		{"https://user:s3cret@github.com/acme/ws.git", "https://github.com/acme/ws.git"},
		{"https://s3cret@github.com/acme/ws", "https://github.com/acme/ws"},
		{"https://user:s3@cret@github.com:8443/acme/a b", "https://github.com:8443/acme/a b"},
		{"https://github.com/acme/ws?token=s3cret", "https://github.com/acme/ws"},
		{"ssh://git:s3cret@gitlab.com:2222/group/sub/ws.git", "ssh://gitlab.com:2222/group/sub/ws.git"},
		{"git@gitlab.com:group/sub/ws.git", "git@gitlab.com:group/sub/ws.git"},
		{"/srv/git/ws.git", ""},
		{"../ws.git", ""},
		{"./a:b/ws.git", ""},
		{`C:\git\ws`, ""},
		{"file:///srv/git/ws.git", ""},
		{"", ""},
	}
	dir := gitRepo(t, nil)
	for _, tt := range tests {
		if tt.remote != "" {
			runGit(t, dir, "remote", "add", "origin", tt.remote)
		}
		got := git{dir: dir}.origin(t.Context())
		if got != tt.want || strings.Contains(got, "s3") {
			t.Errorf("the remote %q is told as %q, want %q", tt.remote, got, tt.want)
		}
		if tt.remote != "" {
			runGit(t, dir, "remote", "remove", "origin")
		}
	}
}

// All of the workspace is packed, so all of it is compared with the commit.
func TestTreeIsCheckedFromBelowTheRoot(t *testing.T) {
	dir := gitRepo(t, map[string]string{
		"package.json":            `{"private": true, "workspaces": ["packages/*"]}`,
		"packages/a/package.json": `{"name": "a", "version": "1.0.0"}`,
		"packages/b/package.json": `{"name": "b", "version": "1.0.0"}`,
	})
	if err := os.WriteFile(filepath.Join(dir, "packages/b/new.js"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	j := &job{opt: Options{PackOptions: PackOptions{Dir: filepath.Join(dir, "packages", "a")}}}
	if err := j.checkTree(t.Context()); err == nil || !strings.Contains(err.Error(), "packages/b/new.js") {
		t.Errorf("checking from packages/a: %v, want a refusal that names packages/b/new.js", err)
	}
}

func TestFromHere(t *testing.T) {
	got := strings.Join(fromHere("/ws/packages/a", []string{".", "../b", "!./x/*", "packages/*", "@acme/*", ".hidden"}), " ")
	if want := "/ws/packages/a /ws/packages/b !/ws/packages/a/x/* packages/* @acme/* .hidden"; got != want {
		t.Errorf("the patterns are %s, want %s", got, want)
	}
}
