package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/format/digest"
)

// lumenCommitFixture is a repository of a package of each kind, with an example, what is kept back, a preview that it
// uses itself, and what is not of the commit.
const lumenCommitFixture = `
-- .gitignore --
*.secret
-- package.json --
{"name": "acme-web", "version": "1.0.0", "files": ["index.js"]}
-- index.js --
module.exports = "web";
-- native/build.zig --
pub fn build(_: anytype) void {}
-- lumen/utils/lumen.toml --
[package]
name = "@acme/utils"
version = "1.0.0"
license = "MIT"
-- lumen/utils/src/main.lm --
cell main() -> Int
-- lumen/utils/src/key.secret --
secret
-- lumen/utils/README.md --
# utils
-- lumen/plain/lumen.toml --
[package]
name = "plain"
version = "0.1.0"
-- lumen/hidden/lumen.toml --
[package]
name = "@acme/hidden"
version = "0.1.0"
publish = false
-- lumen/example/lumen.toml --
[package]
name = "@acme/example"
version = "0.0.0"
[dependencies]
"@acme/utils" = { path = "../utils" }
-- lumen/utils/vendor/other/lumen.toml --
[package]
name = "@other/other"
version = "3.0.0"
-- template/lumen.toml --
[package]
name = NAME
`

// lumenRepository makes the repository.
func lumenRepository(t *testing.T) (dir, sha string) {
	t.Helper()
	dir = t.TempDir()
	write(t, dir, lumenCommitFixture)
	write(t, dir, "-- native/build.zig.zon --\n"+zigManifest("native", "1.0.0", false, ""))
	return dir, commit(t, dir)
}

// A commit's packages of Lumen are published beside npm's and Zig's, and unpacked by the line that is printed.
func TestLumenCommit(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback")
	dir, sha := lumenRepository(t)
	out, r := publishZigCommit(t, s, dir, "--ref", "branch/main", "--show-comment")
	var published []string
	for _, p := range out.Packages {
		published = append(published, p.Kind+" "+p.Name)
	}
	if got, want := strings.Join(published, ", "), "npm acme-web, lumen lumen:plain, lumen lumen:@acme/utils, zig zig:native"; got != want {
		t.Fatalf("published %s, want %s", got, want)
	}
	p := out.Packages[2]
	if p.Spec != "" || p.PackageDir != "lumen/utils" || p.Version != "1.0.0" || p.FileCount != 3 || out.Packages[3].LumenPackage != nil || out.Packages[0].FetchCommand != "" {
		t.Fatalf("published %+v", out.Packages)
	}
	url := s.url + "/commits/" + sha + "/lumen:@acme/utils/tarball"
	want := "mkdir -p vendor/utils && curl -fsSL " + url + " | tar -xf - -C vendor/utils"
	if p.URL != url || p.FetchCommand != want || !strings.Contains(r.stdout, want) || !strings.Contains(r.stdout, p.Dependency) || p.Dependency != `"@acme/utils" = { path = "vendor/utils" }` {
		t.Errorf("the comment lacks %q or %q, or the answer differs: %+v: %v", want, p.Dependency, p, r)
	}
	if !strings.Contains(r.stdout, p.ContentHash) || !strings.Contains(r.stdout, p.SHA256.String()) {
		t.Errorf("the comment lacks the hashes: %v", r)
	}
	if len(out.Warnings) != 1 || !strings.HasPrefix(out.Warnings[0], "the package in template is left out ") {
		t.Errorf("the warnings are %q, want one of the broken manifest", out.Warnings)
	}
	project := t.TempDir()
	exe(t, project, cleanEnv(), "bash", "-ec", p.FetchCommand).must(t)
	if got := contentHash(t, filepath.Join(project, "vendor/utils")); got != p.ContentHash {
		t.Errorf("what is unpacked has the hash %s, want %s", got, p.ContentHash)
	}
	manifest, err := os.ReadFile(filepath.Join(project, "vendor/utils/lumen.toml"))
	if err != nil || digest.Of(manifest).String() != p.ManifestHash {
		t.Errorf("the manifest is %s, %v; its hash should be %s", manifest, err, p.ManifestHash)
	}
	again, _ := publishZigCommit(t, s, dir, "lumen:*")
	if len(again.Packages) != 2 || !again.Packages[1].Unchanged || again.Packages[1].ContentHash != p.ContentHash {
		t.Errorf("published again: %+v, want unchanged", again.Packages)
	}
	// Lumen's own client takes the line into its lockfile.
	write(t, project, "-- lumen.toml --\n[package]\nname = \"@acme/app\"\nversion = \"0.1.0\"\n\n[dependencies]\n"+p.Dependency+"\n-- src/main.lm --\ncell main() -> Int\n")
	exe(t, project, cleanEnv("HOME="+t.TempDir(), "NO_COLOR=1"), clients.Get(t, clients.Wares).Path, "install").must(t)
	if lock := read(t, filepath.Join(project, "lumen.lock")); !strings.Contains(lock, `"@acme/utils"`) || !strings.Contains(lock, "vendor/utils") {
		t.Errorf("lumen.lock: %s", lock)
	}
}

// The archive is found under all addresses that a package has, with the headers of what never changes.
func TestLumenCommitAddresses(t *testing.T) {
	s := startServer(t, t.TempDir(), "--no-npm-fallback")
	dir, sha := lumenRepository(t)
	out, _ := publishZigCommit(t, s, dir, "--ref", "branch/main", "lumen:@acme/utils")
	p := out.Packages[0]
	of := "/commits/" + sha
	for _, path := range []string{
		of + "/lumen:@acme/utils/tarball", of + "/lumen:@acme%2Futils/tarball", of + "/lumen%3A%40acme%2Futils/tarball", of[:20] + "/lumen:%40acme/utils/tarball",
		"/lumen:@acme/utils@" + sha, "/acme/ws/lumen:@acme/utils@branch:main", strings.TrimPrefix(p.InstallURL, s.url),
	} {
		res, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil {
			t.Fatal(err)
		}
		h := res.Header
		if res.StatusCode != http.StatusOK || digest.Of(body) != p.SHA256 || h.Get("Content-Type") != "application/x-tar" ||
			h.Get("Content-Disposition") != "attachment; filename=acme-utils-1.0.0.tar" || !strings.Contains(h.Get("Cache-Control"), "immutable") {
			t.Errorf("GET %s = %s, %d bytes, %v", path, res.Status, len(body), h)
		}
	}
	for path, want := range map[string]int{
		of + "/lumen:@acme/utils": http.StatusOK, of + "/@acme/utils": http.StatusNotFound, of + "/lumen:utils": http.StatusNotFound,
		"/lumen:@acme/utils": http.StatusNotFound, "/~/acme/ws/lumen:@acme%2Futils": http.StatusNotFound, "/~/acme/ws/@acme%2Futils": http.StatusNotFound,
		"/lumen/packages/@acme/utils/index.json": http.StatusNotFound, // a preview is not in the registry
	} {
		res, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("GET %s = %s, want %d", path, res.Status, want)
		}
	}
}

// What can't be published is said by name before anything is sent, and a form is no way around the checks.
func TestRefusedLumenCommit(t *testing.T) {
	s := startServer(t, t.TempDir(), "--no-npm-fallback")
	dir, _ := lumenRepository(t)
	for pattern, want := range map[string]string{
		"lumen/example":      "lumen:@acme/example can't be published: it depends on @acme/utils by path",
		"lumen:@acme/hidden": "lumen:@acme/hidden can't be published: it says publish = false",
		"template":           "template/lumen.toml, line 2",
		"lumen:@acme/nope":   `no package of the workspace matches "lumen:@acme/nope"`,
	} {
		r := publishCommit(t, dir, cleanEnv(), "--registry-url", s.url, pattern)
		if r.code != 1 || !strings.Contains(r.stderr, want) {
			t.Errorf("publish-commit %s: %v, want exit code 1 and %q", pattern, r, want)
		}
	}
	r := exe(t, dir, cleanEnv(), "curl", "-s", "-F", "sha=abcdef1234", "-F", "package:lumen:@acme/utils=@package.json", s.url+"/publish/commit").must(t)
	if !strings.Contains(r.stdout, `"code":"lumen_upload"`) {
		t.Errorf("a form with a package of Lumen is answered %s", r.stdout)
	}
}

// A repository of Lumen alone needs no package.json.
func TestPackLumen(t *testing.T) {
	dir := lumenPackage(t, "@acme/utils", "1.0.0")
	commit(t, dir)
	out := t.TempDir()
	r := publishCommit(t, filepath.Join(dir, "src"), cleanEnv(), "pack", "--out", out, "--json").must(t)
	var list []struct{ Name, Filename, ContentHash string }
	if err := json.Unmarshal([]byte(r.stdout), &list); err != nil || len(list) != 1 || list[0].Name != "lumen:@acme/utils" || list[0].Filename != "acme-utils-1.0.0.tar" {
		t.Fatalf("packed %+v, %v: %v", list, err, r)
	}
	unpacked := t.TempDir()
	exe(t, unpacked, cleanEnv(), "tar", "-xf", filepath.Join(out, list[0].Filename)).must(t)
	if got := contentHash(t, unpacked); got != list[0].ContentHash {
		t.Errorf("what is unpacked has the hash %s, want %s", got, list[0].ContentHash)
	}
}

// contentHash hashes the files of a folder as the documentation says, by hand.
func contentHash(t *testing.T, dir string) string {
	t.Helper()
	var lines []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, p))
		lines = append(lines, p+"\x00"+digest.Of(text).Hex()+"\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return digest.Of([]byte(strings.Join(lines, ""))).String()
}
