package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/org/registry-action/internal/clients"
)

const lumenDoc = "docs/lumen.md"

// s3Login lets whoever sends it read and write the stand-in for S3, which checks no signatures.
const s3Login = "AWS x:y"

// lumenPackage writes a package for Lumen into a new folder.
func lumenPackage(t *testing.T, name, version string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, fmt.Sprintf("-- lumen.toml --\n[package]\nname = %q\nversion = %q\n-- src/main.lm --\ncell main() -> Int\n-- README.md --\n# %s\n", name, version, name))
	return dir
}

// startS3 runs a stand-in for S3 and returns its URL.
func startS3(t *testing.T, bucket string) string {
	t.Helper()
	tool := clients.Get(t, clients.Moto)
	cmd := exec.Command(tool.Path, "-H", "127.0.0.1", "-p", "0")
	cmd.Env = tool.Env
	url := startTool(t, cmd, regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url+"/"+bucket, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("making the bucket: %s", resp.Status)
	}
	return url
}

// startTool starts a server that says on stderr where it listens. It ends with the test.
func startTool(t *testing.T, cmd *exec.Cmd, listens *regexp.Regexp) string {
	t.Helper()
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{})
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // fails only if it has ended
		<-drained
		_ = cmd.Wait()
	})
	lines, said := bufio.NewScanner(out), ""
	for lines.Scan() {
		if m := listens.FindStringSubmatch(lines.Text()); m != nil {
			go func() {
				_, _ = io.Copy(io.Discard, out)
				close(drained)
			}()
			return m[1]
		}
		said += lines.Text() + "\n"
	}
	close(drained)
	t.Fatalf("%s ended before it listened: %s", cmd.Path, said)
	return ""
}

// startNGINX serves an export by the configuration that was written for it, and returns its URL.
func startNGINX(t *testing.T, conf string) string {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		if path = "/usr/sbin/nginx"; exec.Command(path, "-v").Run() != nil {
			t.Fatalf("nginx is needed (Debian: apt-get install nginx-light): %v", err)
		}
	}
	addr := "127.0.0.1:" + freePort(t)
	dir, text := t.TempDir(), strings.Replace(read(t, conf), "listen 80;", "listen "+addr+";", 1)
	if text == read(t, conf) {
		t.Fatalf("no address in %s", text)
	}
	main := filepath.Join(dir, "nginx.conf")
	user := ""
	if os.Getuid() == 0 {
		user = "user root;"
	}
	config := user + "daemon off; master_process off; pid " + dir + "/pid; error_log stderr notice;\nevents {}\nhttp { access_log off; client_body_temp_path " + dir + "/b; proxy_temp_path " + dir +
		"/p; fastcgi_temp_path " + dir + "/f; uwsgi_temp_path " + dir + "/u; scgi_temp_path " + dir + "/s;\n" + text + "}\n"
	if err := os.WriteFile(main, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	startTool(t, exec.Command(path, "-p", dir, "-c", main, "-e", "stderr"), regexp.MustCompile(`(start worker|using the|nginx/)`))
	return "http://" + addr
}

// headOf asks for the headers of a file.
func headOf(t *testing.T, url, authorization string) (int, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header
}

// docKey is the guide's example of a key that is revoked.
const docKey = "0123456789abcdef0123456789abcdef"

// replacedKey is the key that was the present one before the guide's rotation.
func replacedKey(t *testing.T, env []string, data string) string {
	t.Helper()
	var list struct {
		Keys []struct {
			KeyID string `json:"key_id"`
		} `json:"keys"`
	}
	out := exe(t, data, env, filepath.Join(bin, "registry-server"), "key", "list", "--kind", "lumen", "--json", "--data", data).must(t).stdout
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Keys) < 2 {
		t.Fatalf("keys: %s, %v", out, err)
	}
	return list.Keys[1].KeyID
}

// The guide's commands work as they are written, one after the other.
func TestLumenGuide(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--token", guideToken, "--no-npm-fallback")
	g, s3 := readGuide(t, lumenDoc, s), startS3(t, "lumen-registry")
	work, pages, aws := t.TempDir(), t.TempDir(), t.TempDir()
	exe(t, pages, cleanEnv(), "git", "init", "--quiet").must(t)
	exe(t, pages, cleanEnv(), "git", "init", "--quiet", "--bare", filepath.Join(work, "pages.git")).must(t)
	exe(t, pages, cleanEnv(), "sh", "-ec", "git remote add origin "+work+"/pages.git; git config push.default current; git config push.autoSetupRemote true").must(t)
	const ofAWS = "#!/bin/sh\nfor last; do :; done\ncase \"$2\" in put-bucket-cors) grep -q AllowedOrigins cors.json;; put-bucket-policy) echo \"$last\" | grep -q s3:GetObject;; esac\n"
	if err := os.WriteFile(filepath.Join(aws, "aws"), []byte(ofAWS), 0o755); err != nil { // it is not ours
		t.Fatal(err)
	}
	key := filepath.Join(work, "release.json")
	folders := strings.NewReplacer("/var/lib/registry", s.data, "/var/www/lumen", filepath.Join(work, "www"), "/etc/nginx/lumen.conf", filepath.Join(work, "lumen.conf"),
		"/srv/", work+"/", "~/.lumen/keys/release.json", key)
	env := cleanEnv("PATH="+bin+":"+aws+":"+os.Getenv("PATH"), "REGISTRY_TOKEN="+guideToken, "LUMEN_REGISTRY="+s.url+"/lumen",
		"S3_ENDPOINT="+s3, "S3_FORCE_PATH_STYLE=true", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_REGION=us-east-1", "VERIFY_TOKEN=of-s3",
		"GIT_AUTHOR_NAME=x", "GIT_AUTHOR_EMAIL=x@example.com", "GIT_COMMITTER_NAME=x", "GIT_COMMITTER_EMAIL=x@example.com")
	pkg := lumenPackage(t, "@acme/http", "1.0.0")
	for _, example := range blocks(t, lumenDoc, "registry-server") {
		if strings.Contains(example, docKey) {
			example = strings.ReplaceAll(example, docKey, replacedKey(t, env, s.data))
		}
		dir := pkg
		if strings.Contains(example, "git add") {
			dir = pages
		}
		if r := exe(t, dir, env, "bash", "-ec", folders.Replace(g.here(example))).must(t); strings.Contains(r.stdout, `"error"`) {
			t.Errorf("%s: %s\n%v", lumenDoc, example, r)
		}
	}
	if secret := g.command(folders.Replace(g.lines("registry-server token create --name ci --packages 'lumen:@acme/http' --expires 90d --data /var/lib/registry"))).stdout; !strings.HasPrefix(secret, "regact_") {
		t.Errorf("the token is %q", secret)
	}
	for _, tree := range []string{filepath.Join(work, "www"), pages, filepath.Join(work, "lumen"), filepath.Join(work, "lumen-signed"), s3 + "/lumen-registry/tree", s.url + "/lumen"} {
		exe(t, work, env, filepath.Join(bin, "registry-server"), "verify", "lumen", tree).must(t)
	}
	if tracked := exe(t, pages, env, "git", "ls-files").must(t).stdout; !strings.Contains(tracked, ".nojekyll\n") || !strings.Contains(tracked, "artifacts/sha256/") {
		t.Errorf("the branch of the pages has %s", tracked)
	}
}

// So do its lines for Lumen's own client, and for who registers a key.
func TestLumenGuideOfClient(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--token", guideToken, "--no-npm-fallback")
	g, wares := readGuide(t, lumenDoc, s), clients.Get(t, clients.Wares)
	home := t.TempDir()
	env := cleanEnv("HOME="+home, "PATH="+filepath.Dir(wares.Path)+":"+os.Getenv("PATH"), "REGISTRY_TOKEN="+guideToken, "LUMEN_REGISTRY="+s.url+"/lumen")
	run := func(dir, script string) result {
		t.Helper()
		return exe(t, dir, env, "bash", "-ec", g.here(script))
	}
	pkg := lumenPackage(t, "@acme/uri", "1.0.0")
	run(pkg, strings.Join(blocks(t, lumenDoc, "wares publish"), "\n")).must(t)
	run(pkg, strings.Join(blocks(t, lumenDoc, "wares publish"), "\n")).must(t)
	if m := lumenMetadata(t, s, "@acme/uri", "1.0.0"); m.Upload == nil {
		t.Error("the upload is not signed")
	}
	run(pkg, "LUMEN_AUTH_TOKEN=$REGISTRY_TOKEN wares whoami").must(t) // it makes the key that clients before 0.6 signed with
	found, err := filepath.Glob(filepath.Join(home, ".lumen/keys/*.json"))
	if err != nil || len(found) != 1 {
		t.Fatalf("keys: %v, %v", found, err)
	}
	id := strings.TrimSuffix(filepath.Base(found[0]), ".json")
	for i, line := range strings.Split(strings.TrimSpace(strings.Join(blocks(t, lumenDoc, "/v1/keys"), "")), "\n") {
		if i == 2 { // before it is revoked
			sign := exe(t, lumenPackage(t, "@acme/uri", "1.1.0"), env, filepath.Join(bin, "registry-server"), "publish", "lumen", "--key", found[0]).must(t)
			if sign.stderr != "" {
				t.Errorf("a signed publish says %s", sign.stderr)
			}
		}
		if r := run(pkg, strings.ReplaceAll(line, "0123…", id)).must(t); !strings.Contains(r.stdout, id) {
			t.Errorf("%s: %v", line, r)
		}
	}
}

// The steps of the guide's workflow publish.
func TestLumenWorkflow(t *testing.T) {
	s := startServer(t, t.TempDir(), "--token", guideToken, "--no-npm-fallback")
	g := readGuide(t, lumenDoc, s)
	m := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(g.text)
	var steps []struct {
		Uses, Run string
		Env       map[string]string
	}
	if m == nil {
		t.Fatal("there is no workflow")
	}
	if err := yaml.Unmarshal([]byte(m[1]), &steps); err != nil || len(steps) != 3 {
		t.Fatalf("steps %+v, %v", steps, err)
	}
	if !strings.HasSuffix(steps[1].Run, "/cmd/registry-server@latest") || steps[2].Env["REGISTRY_TOKEN"] != "${{ secrets.REGISTRY_TOKEN }}" {
		t.Errorf("steps: %+v", steps)
	}
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, "go", "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(bin, "registry-server"), filepath.Join(home, "go", "bin", "registry-server")); err != nil {
		t.Fatal(err)
	}
	env := cleanEnv("HOME="+home, "REGISTRY_TOKEN="+guideToken)
	r := exe(t, lumenPackage(t, "@acme/http", "1.0.0"), env, "bash", "-ec", g.here(steps[2].Run)).must(t)
	if !strings.Contains(r.stdout, "@acme/http 1.0.0 published") {
		t.Error(r)
	}
}

// nginx serves an export as it should be served, by the configuration that comes with it.
func TestLumenNGINX(t *testing.T) {
	s := startServer(t, t.TempDir(), "--token", guideToken, "--no-npm-fallback")
	work := t.TempDir()
	www, conf := filepath.Join(work, "www"), filepath.Join(work, "lumen.conf")
	env := cleanEnv("PATH="+bin+":"+os.Getenv("PATH"), "REGISTRY_TOKEN="+guideToken)
	for _, version := range []string{"1.0.0", "1.1.0+linux"} {
		exe(t, lumenPackage(t, "@acme/http", version), env, filepath.Join(bin, "registry-server"), "publish", "lumen", "--registry", s.url).must(t)
	}
	exe(t, work, env, filepath.Join(bin, "registry-server"), "export", "lumen", www, "--nginx", conf, "--registry", s.url).must(t)
	url := startNGINX(t, conf)
	exe(t, work, env, filepath.Join(bin, "registry-server"), "verify", "lumen", url).must(t)

	found, err := filepath.Glob(filepath.Join(www, "artifacts/sha256/*/*.tar"))
	if err != nil || len(found) != 2 {
		t.Fatalf("archives: %v, %v", found, err)
	}
	archive, _ := filepath.Rel(www, found[0])
	const no, immutable = "no-cache", "public, max-age=31536000, immutable"
	for path, want := range map[string]struct{ kind, cache string }{
		"/index.json":                             {"application/json", no},
		"//packages/@acme/http/index.json":        {"application/json", no},
		"/packages/@acme/http/1.1.0+linux.json":   {"application/json", no},
		"/" + archive:                             {"application/x-tar", immutable},
		"/" + strings.TrimSuffix(archive, ".tar"): {"application/x-tar", immutable},
		"/signatures/@acme/http/1.0.0.sig.json":   {"application/json", no},
	} {
		status, h := headOf(t, url+path, "")
		if status != 200 || h.Get("Content-Type") != want.kind || h.Get("Cache-Control") != want.cache || h.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %v", path, status, h)
		}
	}
	for _, path := range []string{"/.export.json", "/.export.lock", "/packages/none/index.json", "/packages/@acme/http/"} {
		if status, _ := headOf(t, url+path, ""); status != 404 {
			t.Errorf("%s: %d, want 404", path, status)
		}
	}
}

// A bucket gets the tree with types and caching; what is there is not written again.
func TestLumenBucket(t *testing.T) {
	s := startServer(t, t.TempDir(), "--token", guideToken, "--no-npm-fallback")
	s3 := startS3(t, "lumen")
	env := cleanEnv("PATH="+bin+":"+os.Getenv("PATH"), "REGISTRY_TOKEN="+guideToken, "S3_ENDPOINT="+s3, "S3_FORCE_PATH_STYLE=true",
		"AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_REGION=us-east-1", "VERIFY_TOKEN=of-s3")
	export := func(want string, more ...string) {
		t.Helper()
		args := append([]string{"export", "lumen", "s3://lumen/a/tree", "--registry", s.url}, more...)
		if r := exe(t, t.TempDir(), env, filepath.Join(bin, "registry-server"), args...).must(t); !strings.Contains(r.stdout, want) {
			t.Errorf("%v, want %q", r, want)
		}
	}
	publish := func(version string) {
		t.Helper()
		exe(t, lumenPackage(t, "@acme/http", version), env, filepath.Join(bin, "registry-server"), "publish", "lumen", "--registry", s.url).must(t)
	}
	verify := func() {
		t.Helper()
		exe(t, t.TempDir(), env, filepath.Join(bin, "registry-server"), "verify", "lumen", s3+"/lumen/a/tree").must(t)
	}
	publish("1.0.0")
	export("7 files: 7 written")
	verify()
	export("7 files: 0 written")
	publish("1.1.0")
	export("10 files: 6 written")
	verify()
	for path, want := range map[string]string{"index.json": "no-cache", "packages/@acme/http/1.0.0.json": "no-cache"} {
		if status, h := headOf(t, s3+"/lumen/a/tree/"+path, s3Login); status != 200 || h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != want {
			t.Errorf("%s: %d %v", path, status, h)
		}
	}
	// Somebody loses the state, and changes a file.
	for method, path := range map[string]string{http.MethodDelete: ".export.json", http.MethodPut: "packages/@acme/http/1.0.0.json"} {
		r, err := http.NewRequestWithContext(t.Context(), method, s3+"/lumen/a/tree/"+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", s3Login)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode >= 300 {
			t.Fatalf("%s of %s: %s", method, path, resp.Status)
		}
	}
	export("10 files: 1 written", "--verify")
	verify()
	none := exe(t, t.TempDir(), env, filepath.Join(bin, "registry-server"), "export", "lumen", "s3://none", "--registry", s.url)
	if none.code != 1 || !strings.Contains(none.stderr, `there is no bucket "none"`) {
		t.Error(none)
	}
}
