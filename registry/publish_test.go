package registry_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/registry"
)

const sha = "0123456789abcdef0123456789abcdef01234567"

// Every form in which the two READMEs and the real clients send a publish.
func TestForms(t *testing.T) {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	type list = []map[string]any
	tests := []struct {
		name string
		send func(n *node, mine, scoped string) answer
		want []string
	}{
		{"README multipart", func(n *node, mine, scoped string) answer {
			return n.postForm("sha", sha, "repository", "https://github.com/org/repo", "package:my-package", mine, "package:@scope/other", scoped)
		}, []string{"@scope/other", "my-package"}},
		{"README multipart, files first", func(n *node, mine, scoped string) answer {
			return n.postForm("package:my-package", mine, "package:@scope/other", scoped, "repository", "org/repo", "sha", strings.ToUpper(sha))
		}, []string{"@scope/other", "my-package"}},
		{"README JSON", func(n *node, mine, _ string) answer {
			return n.postJSON("/publish/commit", map[string]any{"sha": sha, "name": "my-package", "tarball": b64(mine), "repository": "https://github.com/org/repo"})
		}, []string{"my-package"}},
		{"Pantry multipart", func(n *node, mine, _ string) answer {
			return n.postForm("metadata", `{"sha":"`+sha+`","repository":"https://github.com/org/repo","packages":[{"name":"my-package","version":"1.0.0","packageDir":"packages/a"}]}`, "package:my-package", mine)
		}, []string{"my-package"}},
		{"Pantry JSON", func(n *node, mine, scoped string) answer {
			return n.postJSON("/publish/commit", map[string]any{"sha": sha, "packages": list{
				{"name": "my-package", "tarball": b64(mine)}, {"name": "@scope/other", "tarball": b64(scoped), "version": "2.0.0"},
			}})
		}, []string{"@scope/other", "my-package"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := start(t, registry.Config{})
			mine, scoped := tgz(t, "my-package", "1.0.0", "mine"), tgz(t, "@scope/other", "2.0.0", "other")
			a := tt.send(n, mine, scoped)
			m := a.json(t)
			if a.StatusCode != http.StatusCreated || m["success"] != true || m["sha"] != sha || len(m["packages"].([]any)) != len(tt.want) {
				t.Fatalf("publish answered %d %s, want 201 with %d packages", a.StatusCode, a.body, len(tt.want))
			}
			listed := n.get("/commits/" + sha).json(t)["packages"].([]any)
			for i, want := range tt.want {
				p := listed[i].(map[string]any)
				if p["name"] != want {
					t.Errorf("package %d is %v, want %s", i, p["name"], want)
				}
				for _, field := range []string{"integrity", "shasum", "checksum", "expiresAt", "publishedAt", "size", "version", "tarballUrl", "installUrl"} {
					if p[field] == nil {
						t.Errorf("%s has no %s", want, field)
					}
				}
				for _, field := range []string{"url", "tarballUrl", "installUrl"} {
					if got := n.get(strings.TrimPrefix(p[field].(string), n.url)); string(got.body) != map[string]string{"my-package": mine, "@scope/other": scoped}[want] {
						t.Errorf("%s %v answered %d, %d bytes: not what was sent", field, p[field], got.StatusCode, len(got.body))
					}
				}
			}
			if again := tt.send(n, mine, scoped); again.StatusCode != http.StatusOK || !strings.Contains(string(again.body), `"unchanged":true`) {
				t.Errorf("the same publish again answered %d %s, want 200 and unchanged", again.StatusCode, again.body)
			}
		})
	}
}

func TestRefusedPublishes(t *testing.T) {
	good := tgz(t, "a", "1.0.0", "x")
	tests := []struct {
		name   string
		send   func(n *node) answer
		status int
		text   string
	}{
		{"no sha", func(n *node) answer { return n.postForm("package:a", good) }, 400, "sha"},
		{"bad sha", func(n *node) answer { return n.postForm("sha", "xyz", "package:a", good) }, 400, "40 or 64 hex"},
		{"no package", func(n *node) answer { return n.postForm("sha", sha) }, 400, "no package"},
		{"empty metadata", func(n *node) answer { return n.postForm("metadata", `{"sha":"`+sha+`"}`) }, 400, "Missing sha or packages"},
		{"broken metadata", func(n *node) answer { return n.postForm("metadata", `{`) }, 400, "Invalid metadata JSON"},
		{"a listed package without a file", func(n *node) answer {
			return n.postForm("metadata", `{"sha":"`+sha+`","packages":[{"name":"a"},{"name":"b"}]}`, "package:a", good)
		}, 400, "b: name its bytes"},
		{"a file that is not listed", func(n *node) answer {
			return n.postForm("metadata", `{"sha":"`+sha+`","packages":[{"name":"a"}]}`, "package:a", good, "package:b", good)
		}, 400, "package:b"},
		{"an unknown part", func(n *node) answer { return n.postForm("sha", sha, "pakcage", "x") }, 400, "pakcage"},
		{"another name", func(n *node) answer { return n.postForm("sha", sha, "package:b", good) }, 400, `has the name "a"`},
		{"a version that is a path", func(n *node) answer {
			return n.postForm("sha", sha, "package:a", tgz(t, "a", "1.0.0/../../../x", "x"))
		}, 400, "not a semantic version"},
		{"not an archive", func(n *node) answer { return n.postForm("sha", sha, "package:a", "hello") }, 400, "gzip"},
		{"half an archive", func(n *node) answer { return n.postForm("sha", sha, "package:a", good[:len(good)/2]) }, 400, "a: "},
		{"an entry that leaves the package", func(n *node) answer {
			return n.postForm("sha", sha, "package:a", archive(t, &tar.Header{Name: "package/../../etc/passwd"}, "x"))
		}, 400, "etc/passwd"},
		{"a link out", func(n *node) answer {
			return n.postForm("sha", sha, "package:a", archive(t, &tar.Header{Name: "package/package.json"}, `{"name":"a"}`, &tar.Header{Name: "package/l", Typeflag: tar.TypeSymlink, Linkname: "../../x"}, ""))
		}, 400, "package/l"},
		{"too large", func(n *node) answer { return n.postForm("sha", sha, "package:a", tgz(t, "a", "1.0.0", noise(70_000))) }, 413, "65536"},
		{"broken JSON", func(n *node) answer {
			return n.request("POST", "/publish/commit", strings.NewReader(`{"sha":`), "Content-Type: application/json")
		}, 400, "Invalid JSON"},
		{"a number for a name", func(n *node) answer {
			return n.postJSON("/publish/commit", map[string]any{"sha": 7})
		}, 400, `"sha" may not be of the type number`},
		{"broken base64", func(n *node) answer {
			return n.postJSON("/publish/commit", map[string]any{"sha": sha, "name": "a", "tarball": "!!!"})
		}, 400, "base64"},
		{"text", func(n *node) answer {
			return n.request("POST", "/publish/commit", strings.NewReader("x"), "Content-Type: text/plain")
		}, 415, "multipart/form-data or application/json"},
		{"a form that is cut off", func(n *node) answer {
			body, ct := form(t, "sha", sha, "package:a", good)
			whole, _ := io.ReadAll(body)
			return n.request("POST", "/publish/commit", bytes.NewReader(whole[:len(whole)-20]), ct)
		}, 400, "multipart body is broken"},
		{"a name without end", func(n *node) answer {
			a := n.postForm("sha", sha, "package:"+strings.Repeat("n", 100_000), "junk")
			if len(a.body) > 1000 {
				n.t.Errorf("the refusal has %d bytes", len(a.body))
			}
			return a
		}, 400, "at most 214"},
		{"a list without end", func(n *node) answer {
			body := `{"sha":"` + sha + `","packages":[` + strings.Repeat("{},", 10_000) + `{}]}`
			return n.request("POST", "/publish/commit/plan", strings.NewReader(body), "Content-Type: application/json")
		}, 413, "10000"},
		{"more files than a publish may have", func(n *node) answer {
			file := map[string]any{"tarball": base64.StdEncoding.EncodeToString([]byte(good))}
			return n.postJSON("/publish/commit", map[string]any{"sha": sha, "elsewhere": []any{file, file, file, file, file, file}})
		}, 413, "more than the 5"},
		{"a bad repository", func(n *node) answer { return n.postForm("sha", sha, "repository", "nonsense", "package:a", good) }, 400, "owner/repo"},
		{"a bad ref", func(n *node) answer {
			return n.postForm("sha", sha, "repository", "o/r", "ref", "pr/x", "package:a", good)
		}, 400, "pr/x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := start(t, registry.Config{MaxPackage: 64 << 10, MaxPublish: 1 << 20, MaxPackages: 5})
			a := tt.send(n)
			m := a.json(t)
			if text, _ := m["error"].(string); a.StatusCode != tt.status || !strings.Contains(text, tt.text) || m["code"] == nil {
				t.Errorf("answered %d %s, want %d with %q", a.StatusCode, a.body, tt.status, tt.text)
			}
			if got := n.get("/commits/" + sha); got.StatusCode != http.StatusNotFound {
				t.Errorf("the commit answers %d afterwards, want 404", got.StatusCode)
			}
			n.wantNoFiles("blobs/commits", "spool")
		})
	}
}

// wantNoFiles fails if a refused upload left something behind.
func (n *node) wantNoFiles(dirs ...string) {
	n.t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join(n.dir, dir), func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				n.t.Errorf("%s is left behind", path)
			}
			return nil
		})
		if err != nil {
			n.t.Error(err)
		}
	}
}

func TestCompressedRequests(t *testing.T) {
	n := start(t, registry.Config{MaxPackage: 64 << 10, MaxPublish: 64 << 10})
	squeeze := func(s string) io.Reader {
		var b bytes.Buffer
		gz := gzip.NewWriter(&b)
		io.WriteString(gz, s)
		gz.Close()
		return &b
	}
	body := fmt.Sprintf(`{"sha":%q,"name":"a","tarball":%q}`, sha, base64.StdEncoding.EncodeToString([]byte(tgz(t, "a", "1.0.0", "x"))))
	for _, tt := range []struct {
		name, encoding string
		body           io.Reader
		status         int
	}{
		{"gzip", "gzip", squeeze(body), 201},
		{"not gzip", "gzip", strings.NewReader(body), 400},
		{"half of it", "gzip", io.LimitReader(squeeze(body), 40), 400},
		{"brotli", "br", strings.NewReader(body), 415},
		{"a bomb", "gzip", squeeze(`{"sha":"` + strings.Repeat("a", 64<<20) + `"}`), 413},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := n.request("POST", "/publish/commit", tt.body, "Content-Type: application/json", "Content-Encoding: "+tt.encoding)
			if a.StatusCode != tt.status || a.json(t)["packages"] == nil && a.json(t)["error"] == nil {
				t.Errorf("answered %d %s, want %d", a.StatusCode, a.body, tt.status)
			}
		})
	}
}

// A plan that has too large a package is refused by that package's name, before anything is sent.
func TestPlanOfALargePackage(t *testing.T) {
	n := start(t, registry.Config{MaxPackage: 1000, MaxPublish: 2000})
	plan := `{"sha":"` + sha + `","packages":[{"name":"fits","version":"1.0.0","tarball":{"digest":"sha256:` + strings.Repeat("a", 64) + `","size":1000}},` +
		`{"name":"@acme/large","version":"1.0.0","tarball":{"digest":"sha256:` + strings.Repeat("b", 64) + `","size":1001}}]}`
	a := n.request(http.MethodPost, "/publish/commit/plan", strings.NewReader(plan), "Content-Type: application/json")
	if a.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(string(a.body), "@acme/large has a tarball of at least 1001 bytes") || strings.Contains(string(a.body), "fits") {
		t.Errorf("answered %d %s", a.StatusCode, a.body)
	}
}

// What fails on our side is not the client's fault, and says nothing of our disk.
func TestFailingDisk(t *testing.T) {
	n := start(t, registry.Config{})
	spool := filepath.Join(n.dir, "spool")
	if err := errors.Join(os.Remove(spool), os.WriteFile(spool, nil, 0o600)); err != nil { // no folder any more
		t.Fatal(err)
	}
	file := tgz(t, "a", "1.0.0", "x")
	for form, a := range map[string]answer{
		"multipart": n.postForm("sha", sha, "package:a", file),
		"JSON": n.postJSON("/publish/commit", map[string]any{
			"sha": sha, "name": "a", "tarball": base64.StdEncoding.EncodeToString([]byte(file)),
		}),
	} {
		if a.StatusCode != 500 || a.json(t)["code"] != "internal" || strings.Contains(string(a.body), "spool") {
			t.Errorf("%s answered %d %s, want 500 without a cause", form, a.StatusCode, a.body)
		}
	}
}

// A publish that happened is not refused for the form of its answer.
func TestAcceptOfAPublish(t *testing.T) {
	n := start(t, registry.Config{})
	body, ct := form(t, "sha", sha, "package:a", tgz(t, "a", "1.0.0", "x"))
	if a := n.request("POST", "/publish/commit", body, ct, "Accept: text/plain"); a.StatusCode != 201 {
		t.Errorf("answered %d %s, want 201", a.StatusCode, a.body)
	}
}

func TestWriteOnceOverHTTP(t *testing.T) {
	n := start(t, registry.Config{})
	one, two := tgz(t, "a", "1.0.0", "one"), tgz(t, "a", "1.0.0", "two")
	for _, step := range []struct {
		repo, file, replace string
		status              int
	}{
		{"org/repo", one, "", 201}, {"org/repo", one, "", 200}, {"org/repo", two, "", 409}, {"evil/repo", one, "", 409}, {"evil/repo", two, "true", 409}, {"org/repo", two, "true", 201},
	} {
		if a := n.postForm("sha", sha, "repository", step.repo, "replace", step.replace, "package:a", step.file); a.StatusCode != step.status {
			t.Errorf("%s publishing (replace %q) answered %d %s, want %d", step.repo, step.replace, a.StatusCode, a.body, step.status)
		}
	}
}

func TestAccess(t *testing.T) {
	const token = "correct-horse-battery-staple"
	file := tgz(t, "a", "1.0.0", "x")
	tests := []struct {
		name, token string
		header      []string
		status      int
	}{
		{"the token", token, []string{"Authorization: Bearer " + token}, 201},
		{"the bare token", token, []string{"Authorization: " + token}, 201},
		{"no token", token, nil, 401},
		{"a wrong token", token, []string{"Authorization: Bearer correct-horse-battery-stapl"}, 401},
		{"another scheme", token, []string{"Authorization: Basic " + token}, 401},
		{"open, from this machine", "", nil, 201},
		{"open, through a proxy", "", []string{"X-Forwarded-For: 203.0.113.9"}, 403},
		{"open, through a proxy that names only the protocol", "", []string{"X-Forwarded-Proto: https"}, 403},
		{"open, under a rebound name", "", []string{"Host: evil.example"}, 403},
		{"a browser on another site", "", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"an old browser on another site", "", []string{"Origin: https://evil.example"}, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := start(t, registry.Config{Token: tt.token})
			body, ct := form(t, "sha", sha, "package:a", file)
			a := n.request("POST", "/publish/commit", body, append(tt.header, ct)...)
			if a.StatusCode != tt.status {
				t.Errorf("answered %d %s, want %d", a.StatusCode, a.body, tt.status)
			}
			if tt.status == 401 && a.Header.Get("WWW-Authenticate") == "" {
				t.Error("a 401 without WWW-Authenticate")
			}
			for _, path := range []string{"/publish/commit/plan", "/publish/commit/blobs/sha256:" + strings.Repeat("0", 64)} {
				method := map[bool]string{true: "POST", false: "PUT"}[strings.HasSuffix(path, "plan")]
				got := n.request(method, path, strings.NewReader("{}"), append(tt.header, "Content-Type: application/json")...)
				if refused := got.StatusCode == 401 || got.StatusCode == 403; refused != (tt.status != 201) {
					t.Errorf("%s answered %d, unlike the publish with %d", path, got.StatusCode, tt.status)
				}
			}
			if strings.Contains(n.log.String(), token) || strings.Contains(n.log.String(), "stapl") {
				t.Error("the log has the token")
			}
		})
	}
}

func TestSecondServer(t *testing.T) {
	n := start(t, registry.Config{})
	_, err := registry.New(registry.Config{DataDir: n.dir, BaseURL: n.url})
	if err == nil || !strings.Contains(err.Error(), "another registry-server is using the data folder") {
		t.Errorf("a second server on the folder: %v, want a refusal that says so", err)
	}
}

func TestBadConfig(t *testing.T) {
	for _, base := range []string{
		"", "localhost:3000", "ftp://x", "https://u:s3cret@x", "https://u:s3cret%zz@x", "https://x?y", "https://x#y", "https://x:99999", "https://x:0", "https://:80", "https://x/a/../b", "https://x//a",
	} {
		_, err := registry.New(registry.Config{DataDir: t.TempDir(), BaseURL: base})
		if err == nil || !strings.Contains(err.Error(), "BASE_URL") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("BaseURL %q: %v, want a refusal that names BASE_URL and shows no password", base, err)
		}
	}
	if _, err := registry.New(registry.Config{DataDir: t.TempDir(), BaseURL: "http://x", MaxPackage: 2, MaxPublish: 1}); err == nil {
		t.Error("a publish smaller than a package is accepted")
	}
}
