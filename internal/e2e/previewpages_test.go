package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The pages of a repository whose commits were published: somebody follows the links from one to the other, and installs
// by a line that they copy.
func TestPreviewPages(t *testing.T) {
	onlyLocal(t, "pages know no stores")
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback")
	dir, first := lumenRepository(t)
	publish := func(ref string) { publishCommit(t, dir, cleanEnv("REGISTRY_URL="+s.url), "--ref", ref).must(t) }
	publish("branch/main")
	write(t, dir, "-- index.js --\nmodule.exports = \"<script>pwned = 1</script>\";\n-- README.md --\n# Web\n<script>pwned = 1</script>\n")
	second := commit(t, dir)
	publish("pr/7")
	write(t, dir, "-- index.js --\nmodule.exports = \"new\";\n")
	third := commit(t, dir)
	publish("pr/7")

	b := newTab(t, s.url)
	b.holds(s.url + "/acme/ws")
	if eval[int](b, `document.querySelector("img[src*='badge.svg']").naturalWidth`) == 0 {
		t.Error("the badge is not shown")
	}
	b.follow(`main a[href$="/pull/7"]`)
	b.holds(s.url + "/acme/ws/pull/7")
	if got := b.text("main"); !strings.Contains(got, "acme-web@pr-7") || !strings.Contains(got, second[:7]) || !strings.Contains(got, "unchanged") {
		t.Errorf("the pull request shows\n%s", got)
	}
	line := eval[string](b, `document.querySelector(".command pre").innerText`)
	u := managers()[0].sit(t, s.url, "")
	project := u.project(t, "")
	u.run(t, project, line).must(t)
	if text, err := os.ReadFile(filepath.Join(project, "node_modules/acme-web/index.js")); err != nil || !strings.Contains(string(text), "new") {
		t.Errorf("%s installs %q, %v", line, text, err)
	}
	b.follow(`main a[href*="/compare/` + second + `"]`)
	b.holds(s.url + fmt.Sprintf("/acme/ws/compare/%s...%s", second, third))
	b.follow(`main a[href*="/diff/"]`)
	if got := b.text("main .diff"); !strings.Contains(got, "<script>pwned = 1</script>") {
		t.Errorf("the difference is\n%s", got)
	}
	for _, path := range []string{
		"/commits/" + third, "/commits/" + second + "/acme-web", "/commits/" + third + "/acme-web/diff/" + first, "/commits/" + second + "/acme-web/files", "/commits/" + second + "/acme-web/files/index.js",
		"/commits/" + third + "/lumen:@acme/utils", "/commits/" + third + "/lumen:@acme/utils/files/lumen.toml", "/commits/" + third + "/zig:native", "/acme/ws/tree/main",
	} {
		b.holds(s.url + path)
	}
	b.expect("status of 404")
	b.holdsWith(s.url+"/acme/ws/pull/8", http.StatusNotFound)
	b.holdsWith(s.url+"/acme/none", http.StatusNotFound)
	b.expect()
}

// The pages of packages of Zig and Lumen.
func TestZigAndLumenPages(t *testing.T) {
	onlyLocal(t, "pages know no stores")
	t.Parallel()
	s := startServer(t, t.TempDir(), "--token", zigToken, "--no-npm-fallback")
	dir := t.TempDir()
	write(t, dir, strings.ReplaceAll(zigFixture, "GREETING", "<script>pwned = 1</script>"))
	manifest := filepath.Join(dir, "my-zig-lib", "build.zig.zon")
	if err := os.WriteFile(manifest, []byte(zigManifest("my_zig_lib", "1.0.0", false, "")), 0o644); err != nil {
		t.Fatal(err)
	}
	exe(t, dir, cleanEnv(), "tar", "czf", "lib.tar.gz", "my-zig-lib").must(t)
	publishZig(t, s, dir, "lib.tar.gz")
	env := cleanEnv("REGISTRY_TOKEN=" + zigToken)
	exe(t, lumenPackage(t, "@acme/http", "1.0.0"), env, filepath.Join(bin, "registry-server"), "publish", "lumen", "--registry", s.url+"/lumen").must(t)
	b := newTab(t, s.url)
	for path, shows := range map[string]string{
		"/zig/packages/my_zig_lib":               "zig fetch --save",
		"/zig/packages/my_zig_lib/1.0.0/files":   "build.zig.zon",
		"/lumen/packages/@acme/http":             `"@acme/http" = "^1.0.0"`,
		"/lumen/packages/@acme/http/1.0.0/files": "lumen.toml",
	} {
		b.holds(s.url + path)
		if got := b.text("main"); !strings.Contains(got, shows) {
			t.Errorf("%s lacks %q:\n%s", path, shows, got)
		}
	}
}
