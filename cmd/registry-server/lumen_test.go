package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/lumentree"
)

// lumenPackage is the folder of a package.
func lumenPackage(t *testing.T, name, version string, more ...string) string {
	t.Helper()
	return tree(t, map[string]string{
		"lumen.toml":   fmt.Sprintf("[package]\nname = %q\nversion = %q\ndescription = \"of the test\"\n%s\n", name, version, strings.Join(more, "\n")),
		"src/main.lm":  "cell main() -> Int\n  " + version + "\nend\n",
		"README.md":    "# " + name + "\n",
		"src/deep/x.y": "z",
	})
}

const lumenToken = "token-of-the-test"

// lumenServer serves a data folder with three versions of two packages, one of them yanked.
func lumenServer(t *testing.T, dir string) (url string, stop func()) {
	t.Helper()
	url, stop = serving(t, dir)
	for _, p := range []string{
		lumenPackage(t, "@acme/http", "1.0.0"), lumenPackage(t, "@acme/http", "1.1.0"),
		lumenPackage(t, "@acme/uri", "0.1.0-beta.1", "[dependencies]", `"@acme/http" = "^1.0.0"`),
	} {
		cli(t, "", "publish", "lumen", p, "--registry", url, "--token", lumenToken).want(0, "published (sha256:")
		cli(t, "", "publish", "lumen", p, "--registry", url+"/lumen/", "--token", lumenToken).want(0, "was published already")
	}
	lumenAsk(t, http.MethodPost, url+"/lumen/packages/@acme/http/1.1.0/yank", `{"reason":"broken"}`)
	return url, stop
}

func lumenAsk(t *testing.T, method, url, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+lumenToken)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode >= 300 {
		t.Fatalf("%s %s = %d %s", method, url, resp.StatusCode, text)
	}
}

// files reads the files of a folder whose names begin with one of the prefixes, and are not hidden.
func files(t *testing.T, dir string, prefixes ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		name, relErr := filepath.Rel(dir, path)
		if err != nil || relErr != nil || e.IsDir() || strings.HasPrefix(name, ".") {
			return err
		}
		for _, prefix := range prefixes {
			if strings.HasPrefix(name, prefix) {
				text, err := os.ReadFile(path)
				all[name] = string(text)
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestLumenThereAndBack(t *testing.T) {
	data := t.TempDir()
	url, stop := lumenServer(t, data)
	running, stopped := filepath.Join(t.TempDir(), "running"), t.TempDir()

	cli(t, "", "verify", "lumen", url+"/lumen").want(0, "2 packages, 3 versions (3 signed, 1 yanked), 3 archives")
	cli(t, "", "export", "lumen", running, "--registry", url, "--token", lumenToken).want(0, "14 files: 14 written")
	cli(t, "", "export", "lumen", running, "--data", data).want(0, "14 files: 0 written")
	cli(t, "", "verify", "lumen", running).want(0, "2 packages, 3 versions (3 signed, 1 yanked)")
	stop()
	cli(t, "", "export", "lumen", stopped, "--data", data).want(0, "14 files: 14 written")
	if diff := cmp.Diff(files(t, running, ""), files(t, stopped, "")); diff != "" {
		t.Errorf("the tree of a stopped server is another one: %s", diff)
	}

	// Another server takes it in, with times and yanks, and signs it with its own key.
	second, back := t.TempDir(), t.TempDir()
	cli(t, "", "import", "lumen", running, "--data", second).want(0, "2 packages: 3 versions imported, 0 there already").want(0, "signatures are not imported")
	cli(t, "", "import", "lumen", running, "--data", second).want(0, "0 versions imported, 3 there already")
	cli(t, "", "export", "lumen", back, "--data", second).want(0, "14 files")
	if diff := cmp.Diff(files(t, running, "artifacts", "packages/@acme/http/index", "packages/@acme/uri/index"), files(t, back, "artifacts", "packages/@acme/http/index", "packages/@acme/uri/index")); diff != "" {
		t.Errorf("what came back (-exported +imported): %s", diff)
	}
	if text := files(t, back, "packages/@acme/http/1.1.0.json")["packages/@acme/http/1.1.0.json"]; !strings.Contains(text, `"yank_reason": "broken"`) {
		t.Errorf("the yank of an imported version: %s", text)
	}

	// Who pinned the first server's keys does not take the other's for it.
	pins := filepath.Join(t.TempDir(), "pins", "keys.json")
	cli(t, "", "verify", "lumen", running, "--keys", pins).want(0, "the keys of this tree are trusted from now on")
	cli(t, "", "verify", "lumen", stopped, "--keys", pins).want(0, "3 signed")
	cli(t, "", "verify", "lumen", back, "--keys", pins).want(1, "is not one of those that are pinned")
}

func TestLumenVerifyFindsTampering(t *testing.T) {
	data, to := t.TempDir(), t.TempDir()
	_, stop := lumenServer(t, data)
	stop()
	cli(t, "", "export", "lumen", to, "--data", data).want(0, "14 written")
	for name, text := range files(t, to, "artifacts") {
		if err := os.WriteFile(filepath.Join(to, name), []byte(strings.Replace(text, "cell", "evil", 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var v lumentree.Verification
	cli(t, "", "verify", "lumen", to, "--json").want(1, "3 things are wrong").json(&v)
	if len(v.Problems) != 3 || v.Problems[0].Code != lumentree.CodeHash {
		t.Errorf("problems: %v", v.Problems)
	}
	cli(t, "", "export", "lumen", to, "--data", data, "--verify").want(0, "14 files: 3 written")
	cli(t, "", "verify", "lumen", to).want(0, "3 signed")
	cli(t, "", "verify", "lumen", filepath.Join(to, "packages")).want(1, "there is no index.json")
}

// A new key signs what comes; what the old one signed stays good. Who pinned the old one believes the new one when it is added.
func TestLumenKeys(t *testing.T) {
	data, to := t.TempDir(), t.TempDir()
	url, stop := lumenServer(t, data)
	pins := filepath.Join(t.TempDir(), "keys.json")
	cli(t, "", "verify", "lumen", url+"/lumen", "--keys", pins).want(0, "are trusted from now on")
	var before, after struct {
		Keys []struct {
			KeyID    string `json:"key_id"`
			NotAfter string `json:"not_after"`
		} `json:"keys"`
	}
	cli(t, "", "key", "list", "--kind", "lumen", "--json", "--data", data).want(0, "").json(&before)
	cli(t, "", "key", "rotate", "--kind", "lumen", "--data", data).want(0, "Lumen packages are signed with the key")
	cli(t, "", "key", "list", "--kind", "lumen", "--json", "--data", data).want(0, "").json(&after)
	if len(before.Keys) != 1 || len(after.Keys) != 2 || after.Keys[1].KeyID != before.Keys[0].KeyID || after.Keys[1].NotAfter == "" {
		t.Fatalf("keys: %+v, then %+v", before, after)
	}
	cli(t, "", "key", "list", "--kind", "lumen", "--data", data).want(0, "what is published now")
	cli(t, "", "publish", "lumen", lumenPackage(t, "@acme/http", "2.0.0"), "--registry", url, "--token", lumenToken).want(0, "published")
	cli(t, "", "verify", "lumen", url+"/lumen").want(0, "4 signed")
	cli(t, "", "verify", "lumen", url+"/lumen", "--keys", pins).want(1, "is not one of those that are pinned")
	stop()
	cli(t, "", "export", "lumen", to, "--data", data).want(0, "written")
	cli(t, "", "verify", "lumen", to).want(0, "4 signed")
	if err := os.WriteFile(pins, []byte(files(t, to, "keys.json")["keys.json"]), 0o644); err != nil {
		t.Fatal(err)
	}
	cli(t, "", "verify", "lumen", to, "--keys", pins).want(0, "4 signed")
}

// The folder of the guide's Option B, made with the guide's commands: compressed archives, "./" entries, no scope, missing fields.
func TestLumenImportByHand(t *testing.T) {
	old, current, hidden := handMade(t, "my-utils", "0.1.0"), handMade(t, "my-utils", "1.0.0"), handMade(t, "unlisted", "2.0.0")
	path := func(archive string) string {
		sum := fmt.Sprintf("%x", sha256.Sum256([]byte(archive)))
		return "artifacts/sha256/" + sum[:2] + "/" + sum[2:] + ".tar"
	}
	meta := func(archive, more string) string {
		return fmt.Sprintf(`{"name":"x","version":"0.0.0","artifacts":[{"kind":"tar","url":%q,"hash":"sha256:%x"}]%s}`, path(archive), sha256.Sum256([]byte(archive)), more)
	}
	from := tree(t, map[string]string{
		"index.json":                         `{"name":"my-lumen-registry","version":"1.0.0","package_count":2,"packages":[{"name":"my-utils","latest":"1.0.0"},{"name":"gone"},{"name":"../evil"}]}`,
		"packages/my-utils/index.json":       `{"name":"my-utils","versions":["0.1.0","1.0.0","3.0.0","latest"],"yanked":{"0.1.0":"old"}}`,
		"packages/my-utils/0.1.0.json":       meta(old, ""),
		"packages/my-utils/1.0.0.json":       meta(current, `,"published_at":"2024-01-15T10:30:00Z"`),
		"packages/unlisted/2.0.0.json":       meta(hidden, `,"yanked":true,"yank_reason":"bad"`),
		"packages/tampered/1.0.0.json":       strings.Replace(meta(hidden, ""), "sha256:", "sha256:00", 1),
		"packages/@acme/tampered/1.0.0.json": fmt.Sprintf(`{"artifacts":[{"url":%q,"hash":"sha256:%064d"}]}`, path(hidden), 7),
		path(old):                            old,
		path(current):                        current,
		path(hidden):                         hidden,
		"artifacts/sha256/de/f456.tar":       "nobody's",
	})
	data, to := t.TempDir(), t.TempDir()
	r := cli(t, "", "import", "lumen", from, "--data", data).want(1, "3 versions imported, 0 there already, 6 refused")
	for _, want := range []string{
		"refused gone: ", "refused ../evil: ", "refused my-utils@3.0.0: packages/my-utils/3.0.0.json is missing", "refused my-utils@latest: ",
		"refused tampered@1.0.0: the hash of its artifact is none", "refused @acme/tampered@1.0.0: ", "index.json does not list all packages",
	} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("the report lacks %q:\n%s", want, r.stdout)
		}
	}
	cli(t, "", "import", "lumen", from, "--data", data).want(1, "0 versions imported, 3 there already, 6 refused")
	cli(t, "", "export", "lumen", to, "--data", data).want(0, "written")
	cli(t, "", "verify", "lumen", to).want(0, "2 packages, 3 versions (3 signed, 2 yanked)")
	m := files(t, to, "packages/my-utils/1.0.0.json")["packages/my-utils/1.0.0.json"]
	if !strings.Contains(m, `"published_at": "2024-01-15T10:30:00`) || !strings.Contains(m, `"kind": "tgz"`) {
		t.Errorf("metadata: %s", m)
	}
	cli(t, "", "import", "lumen", t.TempDir(), "--data", data).want(1, "neither index.json nor packages/")
}

// handMade is an archive as "tar -czf x.tar -C my-utils ." makes it.
func handMade(t *testing.T, name, version string) string {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	w := tar.NewWriter(gz)
	manifest := fmt.Sprintf("[package]\nname = %q\nversion = %q\n", name, version)
	for _, h := range []*tar.Header{{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "./lumen.toml", Size: int64(len(manifest)), Mode: 0o644}} {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	io.WriteString(w, manifest)
	w.Close()
	gz.Close()
	return b.String()
}

func TestLumenPublishToFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "registry")
	p := lumenPackage(t, "@acme/http", "1.0.0")
	cli(t, "", "publish", "lumen", p, "--registry", "file://"+dir, "--name", "local-dev").want(0, "@acme/http 1.0.0 published")
	cli(t, "", "publish", "lumen", p, "--registry", "file://"+dir).want(0, "was published already")
	write := filepath.Join(p, "src", "main.lm")
	if err := os.WriteFile(write, []byte("changed"), 0o644); err != nil {
		t.Fatal(err)
	}
	cli(t, "", "publish", "lumen", p, "--registry", "file://"+dir).want(1, "a version never changes")
	cli(t, "", "verify", "lumen", "file://"+dir).want(0, "nobody signed this tree")
	cli(t, "", "verify", "lumen", dir, "--keys", filepath.Join(t.TempDir(), "k")).want(1, "it has no keys to write")

	signed := filepath.Join(t.TempDir(), "signed")
	key := filepath.Join(t.TempDir(), "key.json")
	// The seed of 32 bytes 1, and its public key.
	if err := os.WriteFile(key, []byte(`{"secret_key":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","public_key":"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=","key_id":"x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	cli(t, "", "publish", "lumen", p, "--registry", "file://"+signed, "--key", key).want(0, "published")
	cli(t, "", "verify", "lumen", signed).want(0, "1 version (1 signed")
	cli(t, "", "publish", "lumen", lumenPackage(t, "@acme/http", "2.0.0"), "--registry", "file://"+signed).want(1, "--key")
	if err := os.WriteFile(key, []byte(`{"secret_key":"AQEB"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	cli(t, "", "publish", "lumen", p, "--registry", "file://"+signed, "--key", key).want(1, "is no key of Lumen's client")
}

// What the server says beside a publish is shown; an upload that is signed by a registered key needs no word.
func TestLumenPublishSigned(t *testing.T) {
	url, _ := serving(t, t.TempDir())
	key := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(key, []byte(`{"secret_key":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}`), 0o600); err != nil {
		t.Fatal(err)
	}
	publish := func(version string, more ...string) result {
		t.Helper()
		return cli(t, "", append([]string{"publish", "lumen", lumenPackage(t, "@acme/http", version), "--registry", url, "--token", lumenToken}, more...)...).want(0, "published (sha256:")
	}
	if r := publish("1.0.0"); !strings.Contains(r.stderr, "nobody has vouched for this upload: it is not signed") {
		t.Errorf("stderr: %q", r.stderr)
	}
	if r := publish("1.0.1", "--key", key); !strings.Contains(r.stderr, "a key that nobody has registered here") {
		t.Errorf("stderr: %q", r.stderr)
	}
	lumenAsk(t, http.MethodPut, url+"/lumen/v1/keys", `{"public_key":"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="}`)
	if r := publish("1.0.2", "--key", key); r.stderr != "" {
		t.Errorf("stderr: %q", r.stderr)
	}
	var out struct {
		SignedBy string `json:"signed_by"`
	}
	if publish := cli(t, "", "publish", "lumen", lumenPackage(t, "@acme/http", "1.0.3"), "--registry", url, "--token", lumenToken, "--key", key, "--json"); publish.code == 0 {
		publish.json(&out)
	}
	if len(out.SignedBy) != 32 {
		t.Errorf("signed_by = %q", out.SignedBy)
	}
	cli(t, "", "verify", "lumen", url+"/lumen").want(0, "4 versions (4 signed")
}

func TestLumenPublishRefused(t *testing.T) {
	url, _ := serving(t, t.TempDir())
	good := lumenPackage(t, "@acme/http", "1.0.0")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"a wrong token":        {[]string{good, "--registry", url, "--token", "wrong"}, 1, "refuses"},
		"no registry":          {[]string{good}, 2, "LUMEN_REGISTRY"},
		"no URL":               {[]string{good, "--registry", "/srv/registry"}, 2, "file:// before a folder"},
		"a host":               {[]string{good, "--registry", "localhost:3000"}, 2, "https:// before the host"},
		"no server":            {[]string{good, "--registry", "http://127.0.0.1:1"}, 1, "can't be reached"},
		"another server":       {[]string{good, "--registry", url + "/elsewhere"}, 1, "nothing is served"},
		"a key that is none":   {[]string{good, "--registry", url, "--key", filepath.Join(good, "lumen.toml")}, 1, "is no key of Lumen's client"},
		"no key":               {[]string{good, "--registry", url, "--key", filepath.Join(good, "none")}, 1, "none"},
		"no package":           {[]string{t.TempDir(), "--registry", url}, 1, "lumen.toml"},
		"a bad dependency":     {[]string{lumenPackage(t, "@acme/x", "1.0.0", "[dependencies]", `"@acme/http" = ">=0.1.0, <1.0.0"`), "--registry", url}, 1, "@acme/http"},
		"not to be published":  {[]string{lumenPackage(t, "@acme/x", "1.0.0", "publish = false"), "--registry", url}, 1, "publish = false"},
		"a name without scope": {[]string{lumenPackage(t, "plain", "1.0.0"), "--registry", url, "--token", lumenToken}, 1, "has no scope"},
	} {
		t.Run(name, func(t *testing.T) {
			r := cli(t, "", append([]string{"publish", "lumen"}, c.args...)...).want(c.code, c.want)
			if strings.Contains(r.stderr, "wrong\"") || strings.Contains(r.stdout+r.stderr, lumenToken) {
				t.Errorf("a token is shown: %s", r.stderr)
			}
		})
	}
}

func TestLumenExportExtras(t *testing.T) {
	data, to, beside := t.TempDir(), t.TempDir(), t.TempDir()
	_, stop := serving(t, data)
	stop()
	nginx, cors := filepath.Join(beside, "nginx.conf"), filepath.Join(beside, "cors.json")
	cli(t, "", "export", "lumen", to, "--data", data, "--nojekyll", "--nginx", nginx, "--cors", cors).want(0, "written")
	cli(t, "", "verify", "lumen", to).want(0, "0 packages, 0 versions")
	if text, err := os.ReadFile(nginx); err != nil || !strings.Contains(string(text), `root "`+to+`"`) {
		t.Errorf("the configuration of nginx: %s, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(to, ".nojekyll")); err != nil {
		t.Error(err)
	}
	cli(t, "", "export", "lumen", "s3://bucket", "--nginx", nginx, "--data", data).want(2, "nginx serves folders")
	cli(t, "", "export", "lumen", "https://registry.example.com", "--data", data).want(2, "give a folder or s3://bucket/prefix")
	cli(t, "", "export", "lumen", "s3://", "--data", data).want(1, "names no bucket")
	cli(t, "", "export", "lumen", to, "--data", filepath.Join(data, "none")).want(1, "no data folder")
}

// Who publishes is told which dependencies nobody could resolve, by a server and by a folder.
func TestPublishLumenNamesWhatIsMissing(t *testing.T) {
	url, stop := lumenServer(t, t.TempDir())
	defer stop()
	folder := "file://" + filepath.Join(t.TempDir(), "tree")
	lacking := lumenPackage(t, "@acme/app", "1.0.0", "[dependencies]", `"@acme/http" = "^2.0.0"`, `"@acme/htpt" = "1.0.0"`)
	cli(t, "", "publish", "lumen", lacking, "--registry", url, "--token", lumenToken).
		want(0, "published (sha256:").want(0, "no version of @acme/http that is ^2.0.0").want(0, "no package @acme/htpt")
	cli(t, "", "publish", "lumen", lacking, "--registry", folder, "--json").want(0, `"unmet"`).want(0, "no package @acme/http,")
	whole := lumenPackage(t, "@acme/whole", "1.0.0", "[dependencies]", `"@acme/http" = "^1.0.0"`)
	if r := cli(t, "", "publish", "lumen", whole, "--registry", url, "--token", lumenToken); strings.Contains(r.stdout+r.stderr, "@acme/http") {
		t.Errorf("nothing is missing, but it says\n%s%s", r.stdout, r.stderr)
	}
}
