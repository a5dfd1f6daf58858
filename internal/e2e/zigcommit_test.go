package e2e

import (
	"archive/tar"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/wire"
)

// zigCommitFixture is a repository of an npm package and two of Zig, one for old compilers and one for new; with an
// example, a template, and what is not of the commit.
const zigCommitFixture = `
-- .gitignore --
node_modules
*.secret
-- package.json --
{"name": "acme-web", "version": "1.0.0", "files": ["index.js"]}
-- index.js --
module.exports = "web";
-- native/examples/hello/build.zig.zon --
.{ .name = .hello, .version = "0.0.0", .paths = .{""}, .dependencies = .{ .my_zig_lib = .{ .path = "../.." } } }
-- template/build.zig.zon --
.{ .name = NAME }
-- native/src/key.secret --
secret
-- node_modules/x/build.zig.zon --
.{ .name = .vendored, .version = "0.0.0" }
`

// zigRepository makes the repository; its library says the greeting.
func zigRepository(t *testing.T, greeting string) (dir, sha string) {
	t.Helper()
	dir = t.TempDir()
	write(t, dir, zigCommitFixture)
	write(t, dir, strings.ReplaceAll(zigFixture, "GREETING", greeting))
	err := errors.Join(
		os.CopyFS(filepath.Join(dir, "native"), os.DirFS(filepath.Join(dir, "my-zig-lib"))),
		os.Rename(filepath.Join(dir, "my-zig-lib"), filepath.Join(dir, "old")),
		os.RemoveAll(filepath.Join(dir, "app")),
		os.WriteFile(filepath.Join(dir, "native", "build.zig.zon"), []byte(zigManifest("my_zig_lib", "2.0.0", false, "")), 0o644),
		os.WriteFile(filepath.Join(dir, "old", "build.zig.zon"), []byte(zigManifest("old_lib", "1.0.0", true, "")), 0o644),
	)
	if err != nil {
		t.Fatal(err)
	}
	return dir, commit(t, dir)
}

type zigPublished struct {
	SHA      string
	Packages []struct {
		wire.PublishedPackage
		Kind string `json:"kind"` // of npm's packages too
		Spec string
	}
	Warnings []string
}

func publishZigCommit(t *testing.T, s *server, dir string, args ...string) (zigPublished, result) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "out.json")
	r := publishCommit(t, dir, cleanEnv(), append([]string{"--registry-url", s.url, "--json-file", file}, args...)...).must(t)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out zigPublished
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out, r
}

// A commit's packages of Zig are published beside npm's, and real compilers fetch and build with them by the lines that are printed.
func TestZigCommit(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback")
	greeting := "hello " + rand.Text()
	dir, sha := zigRepository(t, greeting)
	out, r := publishZigCommit(t, s, dir, "--ref", "branch/main", "--show-comment")
	if len(out.Packages) != 3 || out.Packages[0].Kind != "npm" || out.Packages[0].Spec == "" || out.Packages[0].ZigPackage != nil {
		t.Fatalf("published %+v", out.Packages)
	}
	library, old := out.Packages[1], out.Packages[2]
	if library.Name != "zig:my_zig_lib" || library.Kind != "zig" || library.PackageDir != "native" || library.Version != "2.0.0" || old.Name != "zig:old_lib" {
		t.Fatalf("published %+v", out.Packages)
	}
	if want := "zig fetch --save=my_zig_lib " + s.url + "/commits/" + sha + "/zig:my_zig_lib/tarball"; !strings.Contains(r.stdout, want) || library.FetchCommand != want {
		t.Errorf("the comment lacks %q, or the answer %q differs: %v", want, library.FetchCommand, r)
	}
	if !slices.ContainsFunc(out.Warnings, func(w string) bool { return strings.HasPrefix(w, "the package in template is left out ") }) {
		t.Errorf("the warnings %q don't tell of the broken manifest", out.Warnings)
	}
	if got, want := archived(t, library.URL), "my_zig_lib-2.0.0/build.zig my_zig_lib-2.0.0/build.zig.zon my_zig_lib-2.0.0/examples/hello/build.zig.zon my_zig_lib-2.0.0/src/root.zig"; got != want {
		t.Errorf("the archive has %s, want %s", got, want)
	}
	again, _ := publishZigCommit(t, s, dir)
	if !again.Packages[1].Unchanged || again.Packages[1].Hash != library.Hash {
		t.Errorf("published again: %+v, want unchanged", again.Packages[1])
	}
	for _, c := range []struct {
		tool clients.Tool
		p    wire.PublishedPackage
		hash string
	}{
		{clients.Zig13, old.PublishedPackage, old.LegacyHash},
		{clients.Zig16, library.PublishedPackage, library.Hash},
	} {
		t.Run(c.tool.Version(), func(t *testing.T) { tryZigCommit(t, c.tool, s, c.p, c.hash, greeting) })
	}
}

// tryZigCommit fetches and builds as a reader of the comment does, and by branch.
func tryZigCommit(t *testing.T, tool clients.Tool, s *server, p wire.PublishedPackage, hash, greeting string) {
	t.Helper()
	c := client(t, tool)
	name := strings.TrimPrefix(p.Name, "zig:")
	project := func(dependencies string) string {
		dir := t.TempDir()
		write(t, dir, zigFixture)
		dir = filepath.Join(dir, "app")
		build, err := os.ReadFile(filepath.Join(dir, "build.zig"))
		err = errors.Join(err,
			os.WriteFile(filepath.Join(dir, "build.zig"), []byte(strings.Replace(string(build), `dependency("my_zig_lib"`, `dependency("`+name+`"`, 1)), 0o644),
			os.WriteFile(filepath.Join(dir, "build.zig.zon"), []byte(zigManifest("app", "1.0.0", tool == clients.Zig13, dependencies)), 0o644))
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	app := project("")
	words := strings.Fields(p.FetchCommand)
	exe(t, app, c.Env, c.Path, words[1:]...).must(t)
	manifest, err := os.ReadFile(filepath.Join(app, "build.zig.zon"))
	if err != nil || !strings.Contains(string(manifest), `"`+hash+`"`) {
		t.Errorf("the compiler has written %s, %v; want the hash %s", manifest, err, hash)
	}
	for _, dir := range []string{app, project(p.Dependency)} {
		if r := exe(t, dir, c.Env, c.Path, "build", "run"); r.code != 0 || !strings.Contains(r.stderr, greeting) {
			t.Errorf("a program that depends on %s does not say %q: %v", p.Name, greeting, r)
		}
	}
	if r := exe(t, project(""), c.Env, c.Path, "fetch", s.url+"/acme/ws/"+p.Name+"@branch:main"); strings.TrimSpace(r.stdout) != hash {
		t.Errorf("fetched by branch: %v, want %s", r, hash)
	}
}

// archived lists the entries of the tar.gz at an address.
func archived(t *testing.T, address string) string {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Content-Type") + " " + res.Header.Get("Content-Disposition"); got != "application/gzip attachment; filename=my_zig_lib-2.0.0.tar.gz" {
		t.Errorf("the headers are %s", got)
	}
	gz, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for tr := tar.NewReader(gz); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return strings.Join(names, " ")
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
}

// A repository of Zig alone needs no package.json; packed archives are what compilers fetch from disk.
func TestPackZig(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, strings.ReplaceAll(zigFixture, "GREETING", rand.Text()))
	lib := filepath.Join(dir, "my-zig-lib")
	if err := os.WriteFile(filepath.Join(lib, "build.zig.zon"), []byte(zigManifest("my_zig_lib", "2.0.0", false, "")), 0o644); err != nil {
		t.Fatal(err)
	}
	commit(t, lib)
	out := t.TempDir()
	r := publishCommit(t, filepath.Join(lib, "src"), cleanEnv(), "pack", "--out", out, "--json").must(t)
	var list []struct{ Name, Filename, Hash, LegacyHash string }
	if err := json.Unmarshal([]byte(r.stdout), &list); err != nil || len(list) != 1 || list[0].Name != "zig:my_zig_lib" || list[0].Filename != "my_zig_lib-2.0.0.tar.gz" {
		t.Fatalf("packed %+v, %v: %v", list, err, r)
	}
	c := client(t, clients.Zig16)
	if r := exe(t, lib, c.Env, c.Path, "fetch", filepath.Join(out, list[0].Filename)); strings.TrimSpace(r.stdout) != list[0].Hash {
		t.Errorf("the compiler says %v, want the hash %s", r, list[0].Hash)
	}
}

// What can't be published is said before anything is sent, by name and with the way out.
func TestRefusedZigCommit(t *testing.T) {
	s := startServer(t, t.TempDir(), "--no-npm-fallback")
	dir, _ := zigRepository(t, "x")
	for _, c := range []struct{ args, want string }{
		{"native/examples/hello", "zig:hello can't be published: it depends on ../.. by .path, which is outside of its folder"},
		{"template", "template/build.zig.zon:1:"},
		{"zig:nope", `no package of the workspace matches "zig:nope"`},
	} {
		r := publishCommit(t, dir, cleanEnv(), append([]string{"--registry-url", s.url}, strings.Fields(c.args)...)...)
		if r.code != 1 || !strings.Contains(r.stderr, c.want) {
			t.Errorf("publish-commit %s: %v, want exit code 1 and %q", c.args, r, c.want)
		}
	}
	r := exe(t, dir, cleanEnv(), "curl", "-s", "-F", "sha=abcdef1234", "-F", "package:zig:lib=@package.json", s.url+"/publish/commit").must(t)
	if !strings.Contains(r.stdout, `"code":"zig_upload"`) {
		t.Errorf("a form with a package of Zig is answered %s", r.stdout)
	}
	if out, _ := publishZigCommit(t, s, dir, "--exclude", "zig:*"); len(out.Packages) != 1 || out.Packages[0].Name != "acme-web" {
		t.Errorf("without Zig %+v is published, want npm's package alone", out.Packages)
	}
}
