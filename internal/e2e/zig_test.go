package e2e

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients"
)

const zigToken = "a-token-for-the-compilers"

// zigFixture is a library, its manifest left out, and a program that uses it, for every compiler.
const zigFixture = `
-- my-zig-lib/build.zig --
const std = @import("std");
const zig = @import("builtin").zig_version;

pub fn build(b: *std.Build) void {
    if (zig.minor < 12) {
        _ = b.addModule("my_zig_lib", .{ .source_file = .{ .path = "src/root.zig" } });
    } else {
        _ = b.addModule("my_zig_lib", .{ .root_source_file = b.path("src/root.zig") });
    }
}
-- my-zig-lib/src/root.zig --
pub const greeting = "GREETING";
-- app/build.zig --
const std = @import("std");
const zig = @import("builtin").zig_version;

pub fn build(b: *std.Build) void {
    const lib = b.dependency("my_zig_lib", .{}).module("my_zig_lib");
    const exe = if (zig.minor < 12)
        b.addExecutable(.{ .name = "app", .root_source_file = .{ .path = "main.zig" } })
    else if (zig.minor < 14)
        b.addExecutable(.{ .name = "app", .root_source_file = b.path("main.zig"), .target = b.host })
    else
        b.addExecutable(.{ .name = "app", .root_module = b.createModule(.{ .root_source_file = b.path("main.zig"), .target = b.graph.host }) });
    if (zig.minor < 12) exe.addModule("my_zig_lib", lib) else exe.root_module.addImport("my_zig_lib", lib);
    b.step("run", "").dependOn(&b.addRunArtifact(exe).step);
}
-- app/main.zig --
pub fn main() void {
    @import("std").debug.print("{s}\n", .{@import("my_zig_lib").greeting});
}
`

// zigManifest is a build.zig.zon as compilers before 0.14 want it, or those from 0.14 on.
func zigManifest(name, version string, old bool, dependencies string) string {
	head := fmt.Sprintf(`.name = %q, .version = %q`, name, version)
	if !old {
		head = fmt.Sprintf(`.name = .%s, .version = %q, .fingerprint = 0x%08x00000007`, name, version, crc32.ChecksumIEEE([]byte(name)))
	}
	return fmt.Sprintf(".{\n    // As zig init writes it: a comment; curl cuts what it sends here.\n    %s,\n    .paths = .{\"\"},\n    .dependencies = .{\n%s\n    },\n}\n", head, dependencies)
}

// zigPackage is what a publish answers.
type zigPackage struct {
	Success                                                         bool
	Version, Hash, PackageHash, LegacyHash, TarballURL, Description string
	FetchCommand, Dependency                                        string
	Zig                                                             []string
	file                                                            string // what was published
}

// zigWorld is a server that everybody reads, one that asks for a token, and two versions of a
// library on both: 1.0.0 for compilers up to 0.15, 2.0.0 for those from 0.14 on.
type zigWorld struct {
	open, private *server
	dir, greeting string
	releases      []zigPackage
}

func newZigWorld(t *testing.T) *zigWorld {
	t.Helper()
	w := &zigWorld{
		open:    startServer(t, t.TempDir(), "--token", zigToken, "--no-npm-fallback"),
		private: startServer(t, t.TempDir(), "--token", zigToken, "--read-auth", "required", "--no-npm-fallback"),
		// The caches of compilers last: only a content that none of them has seen is fetched.
		dir: t.TempDir(), greeting: "hello " + rand.Text(),
	}
	write(t, w.dir, strings.ReplaceAll(zigFixture, "GREETING", w.greeting))
	for _, version := range []string{"1.0.0", "2.0.0"} {
		manifest := filepath.Join(w.dir, "my-zig-lib", "build.zig.zon")
		if err := os.WriteFile(manifest, []byte(zigManifest("my_zig_lib", version, version == "1.0.0", "")), 0o644); err != nil {
			t.Fatal(err)
		}
		file := "my-zig-lib-" + version + ".tar.gz"
		exe(t, w.dir, cleanEnv(), "tar", "czf", file, "my-zig-lib").must(t)
		publishZig(t, w.private, w.dir, file)
		w.releases = append(w.releases, publishZig(t, w.open, w.dir, file))
	}
	return w
}

// publishZig publishes an archive by the line that Pantry's README has.
func publishZig(t *testing.T, s *server, dir, file string) zigPackage {
	t.Helper()
	const line = `curl -s -X POST $URL/zig/publish -H "Authorization: Bearer $TOKEN" -F "tarball=@$FILE" \
  -F "manifest=$(cat my-zig-lib/build.zig.zon)" -F "description=My awesome Zig library"`
	r := exe(t, dir, cleanEnv("URL="+s.url, "TOKEN="+zigToken, "FILE="+file), "bash", "-ec", line).must(t)
	p := zigPackage{file: filepath.Join(dir, file)}
	if err := json.Unmarshal([]byte(r.stdout), &p); err != nil || !p.Success || p.Description != "My awesome Zig library" {
		t.Fatalf("publishing %s: %v\n%v", file, err, r)
	}
	return p
}

// compiler is a Zig compiler at work on one world.
type compiler struct {
	clients.Client
	minor int
	world *zigWorld
}

func newCompiler(t *testing.T, w *zigWorld, tool clients.Tool) compiler {
	t.Helper()
	minor, err := strconv.Atoi(strings.Split(tool.Version(), ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return compiler{client(t, tool), minor, w}
}

// takes reports whether the server says that the compiler can use a release.
func (c compiler) takes(p zigPackage) bool {
	return slices.Contains(p.Zig, fmt.Sprintf("0.%d", c.minor))
}

// hash is how the compiler prints a release's.
func (c compiler) hash(p zigPackage) string {
	if c.minor < 14 {
		return p.LegacyHash
	}
	return p.PackageHash
}

// project makes the program, with a text between the braces of its dependencies.
func (c compiler) project(t *testing.T, dependencies string) string {
	t.Helper()
	dir := t.TempDir()
	manifest := zigManifest("app", "1.0.0", c.minor < 14, dependencies)
	err := os.CopyFS(dir, os.DirFS(filepath.Join(c.world.dir, "app")))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "build.zig.zon"), []byte(manifest), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func (c compiler) run(t *testing.T, dir string, args ...string) result {
	t.Helper()
	return exe(t, dir, c.Env, c.Path, args...)
}

// forget removes a package from the compiler's cache.
func (c compiler) forget(t *testing.T, p zigPackage) {
	t.Helper()
	for _, hash := range []string{p.PackageHash, p.LegacyHash} {
		for _, suffix := range []string{"", ".tar.gz"} {
			if err := os.RemoveAll(filepath.Join(c.Cache, "p", hash+suffix)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

var mismatch = regexp.MustCompile(`hash mismatch: expected: \S+, found: (\S+)`)

// fetch lets the compiler fetch a URL and returns the hash that it finds, "" if it refuses, and what it says.
// 0.11 has no command for it, and tells the hash when it is not the one of the manifest.
func (c compiler) fetch(t *testing.T, url string) (string, string) {
	t.Helper()
	if c.minor >= 12 {
		r := c.run(t, c.project(t, ""), "fetch", url)
		return strings.TrimSpace(r.stdout), r.stderr
	}
	r := c.run(t, c.project(t, fmt.Sprintf(".my_zig_lib = .{ .url = %q, .hash = \"1220%064d\" },", url, 0)), "build")
	if m := mismatch.FindStringSubmatch(r.stderr); m != nil {
		return strings.TrimSuffix(m[1], ","), r.stderr
	}
	return "", r.stderr
}

// Every compiler computes the hashes that we answer, takes what we say it takes and nothing else, builds with
// the dependency as it is printed, and is given no reason to trust us.
func TestZig(t *testing.T) {
	w := newZigWorld(t)
	for _, tool := range clients.Zigs() {
		t.Run(tool.Version(), func(t *testing.T) {
			t.Parallel()
			c := newCompiler(t, w, tool)
			var best zigPackage
			for _, p := range w.releases {
				c.checkFetch(t, p)
				if c.takes(p) {
					best = p
				}
			}
			c.checkRefusals(t, best)
			c.checkPrivate(t, best)
			c.checkSave(t, best)
			c.checkSeeded(t, best)
			c.checkBuild(t, best)
		})
	}
}

func (c compiler) checkFetch(t *testing.T, p zigPackage) {
	t.Helper()
	hash, said := c.fetch(t, p.TarballURL)
	if c.takes(p) && hash != c.hash(p) {
		t.Errorf("the hash of %s is %q, and was answered as %q\n%s", p.Version, hash, c.hash(p), said)
	}
	if c.takes(p) && c.minor > 11 {
		c.forget(t, p)
		dir := c.project(t, p.Dependency)
		if r := c.run(t, dir, "build", "--fetch"); r.code != 0 {
			t.Errorf("the dependency %s is refused: %v", p.Dependency, r)
		}
	}
	if !c.takes(p) && c.minor > 11 && hash != "" {
		t.Errorf("%s is said to work with %q only, and is fetched by 0.%d", p.Version, p.Zig, c.minor)
	}
	c.forget(t, p)
}

// checkRefusals: an archive that was tampered with on its way is refused, and so is what we refuse, at once.
func (c compiler) checkRefusals(t *testing.T, p zigPackage) {
	t.Helper()
	hostile := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/gzip")
		rw.Write(tampered(t, p.file, c.world.greeting))
	}))
	defer hostile.Close()
	dependency := strings.Replace(p.Dependency, c.world.open.url, hostile.URL, 1)
	if r := c.run(t, c.project(t, dependency), "build", "run"); r.code == 0 || !strings.Contains(r.stderr, "hash mismatch") {
		t.Errorf("a tampered archive is taken: %v", r)
	}
	if hash, said := c.fetch(t, c.world.open.url+"/zig/packages/nope/1.0.0/tarball"); hash != "" || !strings.Contains(said, "404") && c.minor > 11 {
		t.Errorf("a package that is not there has the hash %q: %s", hash, said)
	}
	c.forget(t, p)
}

// tampered is an archive with another text of the same length in it.
func tampered(t *testing.T, file, text string) []byte {
	raw, err := gzip.NewReader(strings.NewReader(read(t, file)))
	if err != nil {
		t.Error(err)
		return nil
	}
	content, err := io.ReadAll(raw)
	if err != nil || !bytes.Contains(content, []byte(text)) {
		t.Errorf("%s has no %q (%v)", file, text, err)
	}
	content = bytes.Replace(content, []byte(text), bytes.Repeat([]byte("x"), len(text)), 1)
	var out bytes.Buffer
	gz := gzip.NewWriter(&out)
	if _, err := gz.Write(content); err != nil || gz.Close() != nil {
		t.Error("the archive can't be written again")
	}
	return out.Bytes()
}

// checkPrivate: the token is taken from the URL, in each place where compilers send it.
func (c compiler) checkPrivate(t *testing.T, p zigPackage) {
	t.Helper()
	path := "/zig/packages/my_zig_lib/" + p.Version + "/tarball"
	root := c.world.private.url
	with := func(userinfo string) string { return strings.Replace(root, "://", "://"+userinfo+"@", 1) + path }
	urls := map[string]bool{root + path: false, root + "/zig/t/" + zigToken + strings.TrimPrefix(path, "/zig"): true}
	if c.minor > 11 {
		urls[with("x:"+zigToken)], urls[with(zigToken+":")], urls[with("x:wrong")] = true, true, false
	}
	for url, taken := range urls {
		if hash, said := c.fetch(t, url); (hash == c.hash(p)) != taken {
			t.Errorf("fetching %s gives the hash %q, want it %t: %s", url, hash, taken, said)
		}
		c.forget(t, p)
	}
}

// checkSave: the printed command writes the printed dependency.
func (c compiler) checkSave(t *testing.T, p zigPackage) {
	t.Helper()
	if c.minor < 12 {
		return
	}
	dir := c.project(t, "")
	env := append(slices.Clone(c.Env), "PATH="+filepath.Dir(c.Path)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	exe(t, dir, env, "bash", "-ec", p.FetchCommand).must(t)
	manifest := read(t, filepath.Join(dir, "build.zig.zon"))
	if !strings.Contains(manifest, `.my_zig_lib = .{`) || !strings.Contains(manifest, p.TarballURL) || !strings.Contains(manifest, c.hash(p)) {
		t.Errorf("%s makes the manifest\n%s", p.FetchCommand, manifest)
	}
	c.forget(t, p)
}

// checkSeeded: with an archive by its hash in the cache, nobody is asked.
func (c compiler) checkSeeded(t *testing.T, p zigPackage) {
	t.Helper()
	if c.minor < 16 {
		return
	}
	resp, err := http.Get(c.world.open.url + "/zig/p/" + p.Hash + ".tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil {
		err = os.MkdirAll(filepath.Join(c.Cache, "p"), 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(c.Cache, "p", p.Hash+".tar.gz"), body, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := c.project(t, strings.Replace(p.Dependency, c.world.open.url, "http://localhost:1", 1))
	if r := c.run(t, dir, "build", "--fetch"); r.code != 0 {
		t.Errorf("a build asks for what is in its cache: %v", r)
	}
	if got := read(t, filepath.Join(dir, "zig-pkg", p.Hash, "src", "root.zig")); !strings.Contains(got, c.world.greeting) {
		t.Errorf("the package holds %q", got)
	}
	c.forget(t, p)
}

// checkBuild: the printed dependency, pasted, builds.
func (c compiler) checkBuild(t *testing.T, p zigPackage) {
	t.Helper()
	if r := c.run(t, c.project(t, p.Dependency), "build", "run").must(t); !strings.Contains(r.stderr, c.world.greeting) {
		t.Errorf("the program says: %v", r)
	}
	c.forget(t, p)
}
