package lumenfolder_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/foreign"
	"github.com/org/registry-action/internal/foreign/foreigntest"
	"github.com/org/registry-action/internal/foreign/lumenfolder"
)

func open(t *testing.T, files ...string) *lumenfolder.Folder {
	t.Helper()
	dir := t.TempDir()
	foreigntest.Write(t, dir, files...)
	f, err := lumenfolder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

var (
	tarHash = strings.Repeat("ab", 32)
	tgzHash = strings.Repeat("cd", 32)
)

func path(hash, suffix string) string {
	return "artifacts/sha256/" + hash[:2] + "/" + hash[2:] + suffix
}

func TestPackages(t *testing.T) {
	f := open(t,
		"index.json", `{"name":"r","version":"1.0.0","packages":[{"name":"@acme/http"}]}`,
		"packages/@acme/http/index.json", `{"name":"@acme/http","versions":["1.0.0","1.10.0","1.9.0"],"yanked":{"1.9.0":""}}`,
		// As a server exports it: the archive that was sent is imported, not the one that was made of it.
		"packages/@acme/http/1.0.0.json", fmt.Sprintf(`{"name":"@acme/http","version":"1.0.0","published_at":"2026-01-02T03:04:05Z",
			"artifacts":[{"kind":"tar","url":%q,"hash":"sha256:%s"},{"kind":"tgz","url":%q,"hash":"sha256:%s"}]}`, path(tarHash, ".tar"), tarHash, path(tgzHash, ".tgz"), tgzHash),
		// A URL that leads nowhere, or away: the hash tells where it is.
		"packages/@acme/http/1.9.0.json", fmt.Sprintf(`{"artifacts":[{"url":"https://cdn.example.com/x.tar","hash":"sha256:%s"}]}`, strings.ToUpper(tarHash)),
		// No hash at all.
		"packages/@acme/http/1.10.0.json", `{"artifacts":[{"url":"files/http.tar"}],"yanked":true,"yank_reason":"bad"}`,
		"packages/plain/0.1.0.json", `{"artifacts":[{"url":"/files/http.tar"}]}`,
		"packages/plain/latest.json", `{}`,
		path(tarHash, ""), "x", path(tgzHash, ".tgz"), "x", path(tarHash, ".tar"), "x", "files/http.tar", "x",
		"signatures/@acme/http/1.0.0.sig.json", "{}",
	)
	empty, bad := "", "bad"
	want := []foreign.Package{
		{Name: "@acme/http", Versions: []foreign.Version{
			{Version: "1.9.0", Yanked: &empty, File: path(tarHash, ".tar"), Checksum: "sha256:" + tarHash},
			{Version: "1.10.0", Yanked: &bad, File: "files/http.tar"},
			{Version: "1.0.0", PublishedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), File: path(tgzHash, ".tgz"), Checksum: "sha256:" + tgzHash},
		}},
		{Name: "plain", Versions: []foreign.Version{{Version: "0.1.0", File: "files/http.tar"}}},
	}
	if diff := cmp.Diff(want, slices.Collect(f.Packages())); diff != "" {
		t.Errorf("packages (-want +got): %s", diff)
	}
	notes := strings.Join(f.Notes(), "\n")
	if f.Len() != 2 || !strings.Contains(notes, "(packages: 1)") || !strings.Contains(notes, "signatures are not imported") {
		t.Errorf("%d packages, notes %s", f.Len(), notes)
	}
}

func TestHostile(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := open(t,
		"index.json", `{"packages":[{"name":"../../etc"},{"name":""},{"name":"@a/b/c"},{"name":"UP"},{"name":"broken"},{"name":"none"}]}`,
		"packages/broken/index.json", `[`,
		"packages/odd/index.json", `{"versions":["../../x","1.0","1.0.0","1.0.1","1.0.2","1.0.3"]}`,
		"packages/odd/1.0.0.json", `{"artifacts":[]}`,
		"packages/odd/1.0.1.json", fmt.Sprintf(`{"artifacts":[{"url":%q}]}`, outside),
		"packages/odd/1.0.2.json", `{"artifacts":[{"url":"../../secret"}]}`,
		"packages/odd/1.0.3.json", `{"artifacts":[{"url":"index.json","hash":"sha256:abc123..."}]}`,
	)
	for p := range f.Packages() {
		if p.Name != "odd" && p.Problem == nil {
			t.Errorf("package %q has no problem", p.Name)
		}
		for _, v := range p.Versions {
			if v.Problem == nil {
				t.Errorf("%s@%s: is to be read from %q", p.Name, v.Version, v.File)
			}
		}
	}
	for _, text := range []string{"", "[]", "{"} {
		dir := t.TempDir()
		foreigntest.Write(t, dir, "index.json", text)
		if _, err := lumenfolder.Open(dir); err == nil {
			t.Errorf("index %q is read", text)
		}
	}
	if _, err := lumenfolder.Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "root of a Lumen registry") {
		t.Errorf("an empty folder: %v", err)
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add(`{"artifacts":[{"url":"../x","hash":"sha256:00"}],"published_at":"x"}`, `{"versions":["1.0.0"],"yanked":{"1.0.0":"x"}}`)
	f.Add(`{"artifacts":[{"url":"files/x"}],"yanked":true}`, `{"versions":["../1.0.0","1.0.0"],"yanked":null}`)
	dir := f.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "packages", "p"), 0o755); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, metadata, index string) {
		for name, text := range map[string]string{"1.0.0.json": metadata, "index.json": index} {
			if err := os.WriteFile(filepath.Join(dir, "packages", "p", name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		folder, err := lumenfolder.Open(dir)
		if err != nil {
			return
		}
		defer folder.Close()
		for p := range folder.Packages() {
			for _, v := range p.Versions {
				if v.Problem == nil && !fs.ValidPath(v.File) {
					t.Errorf("an archive at %q", v.File)
				}
			}
		}
	})
}
