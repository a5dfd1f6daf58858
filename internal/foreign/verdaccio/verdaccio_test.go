package verdaccio_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/org/registry-action/internal/foreign"
	"github.com/org/registry-action/internal/foreign/foreigntest"
	"github.com/org/registry-action/internal/foreign/verdaccio"
)

// storage writes a storage folder: that of the archive, then files by path.
func storage(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	archive, err := txtar.ParseFile("testdata/storage.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		foreigntest.Write(t, dir, f.Name, string(f.Data))
	}
	foreigntest.Write(t, dir, files...)
	return dir
}

func open(t *testing.T, dir string, all bool) *verdaccio.Folder {
	t.Helper()
	f, err := verdaccio.Open(dir, all)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// found lists "name@version tags" of what can be imported, and "name: problem" of what can't.
func found(f *verdaccio.Folder) (versions, problems []string) {
	for p := range f.Packages() {
		if p.Problem != nil {
			problems = append(problems, p.Name+": "+p.Problem.Error())
		}
		for _, v := range p.Versions {
			if v.Problem != nil {
				problems = append(problems, p.Name+"@"+v.Version+": "+v.Problem.Error())
				continue
			}
			versions = append(versions, strings.TrimSpace(p.Name+"@"+v.Version+" "+strings.Join(v.Tags, ",")))
		}
	}
	return versions, problems
}

func TestPublishedOnly(t *testing.T) {
	f := open(t, storage(t), false)
	versions, problems := found(f)
	if diff := cmp.Diff([]string{"@acme/a@1.0.0 latest,stable", "@acme/a@1.1.0-beta.1 beta", "plain@0.1.0 latest"}, versions); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	if len(problems) != 1 || !strings.HasPrefix(problems[0], "gone: ") {
		t.Errorf("problems = %q, want that gone is listed and not there", problems)
	}
	notes := strings.Join(f.Notes(), "\n")
	if !strings.Contains(notes, "users are not imported") || !strings.Contains(notes, "only fetched from an uplink, left out: 2") {
		t.Errorf("notes = %s", notes)
	}
}

func TestAll(t *testing.T) {
	versions, _ := found(open(t, storage(t), true))
	want := []string{"@acme/a@1.0.0 latest,stable", "@acme/a@1.1.0-beta.1 beta", "is-odd@3.0.1 latest", "plain@0.0.0 old", "plain@0.1.0 latest"}
	if diff := cmp.Diff(want, versions); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
}

func TestWhatIsKeptOfAVersion(t *testing.T) {
	f := open(t, storage(t), false)
	var a foreign.Package
	for p := range f.Packages() {
		if p.Name == "@acme/a" {
			a = p
		}
	}
	want := []foreign.Version{
		{
			Version: "1.0.0", Tags: []string{"latest", "stable"}, PublishedAt: time.Date(2026, 11, 22, 1, 16, 34, 532e6, time.UTC),
			Deprecated: "use 2", Publisher: "bob", File: "@acme/a/a-1.0.0.tgz", Shasum: "308b418ca0623de5c8b6060f9ffb35233bdb81de",
		},
		{
			Version: "1.1.0-beta.1", Tags: []string{"beta"}, PublishedAt: time.Date(2026, 11, 22, 1, 16, 35, 108e6, time.UTC),
			Publisher: "alice", File: "@acme/a/a-1.1.0-beta.1.tgz", Shasum: "984cdbf351c1d66f5373f018310baf9e26589bf0",
			Integrity: "sha512-zTDyh5MPAV1bmwXNHcgEh5PMv04nQveGfBwRVCqLpJjuE8TaVSgu5mI+pqD04+or+Gs2qu6l8uwi728Cg0f2yQ==",
		},
	}
	if diff := cmp.Diff(want, a.Versions); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	file, err := f.Open(a.Versions[0].File)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if b, err := io.ReadAll(file); err != nil || string(b) != "the bytes of 1.0.0\n" {
		t.Errorf("its tarball is %q, %v", b, err)
	}
}

// pkg is a packument of one published version; tarball is the end of its URL.
func pkg(name, version, tarball, attachment string) string {
	return fmt.Sprintf(`{"name":%q,"versions":{%q:{"name":%q,"version":%q,"dist":{"tarball":"http://h/%s/-/%s"}}},"time":{%q:"2026-01-02T03:04:05.000Z"},"_attachments":{%q:{"version":%q}}}`,
		name, version, name, version, name, tarball, version, attachment, version)
}

func TestBroken(t *testing.T) {
	dir := storage(t,
		"half/package.json", `{"name":"half",`,
		"list/package.json", `[]`,
		"other/package.json", pkg("another", "1.0.0", "another-1.0.0.tgz", "another-1.0.0.tgz"),
		"proto/package.json", `{"name":"proto","versions":{"__proto__":{"name":"proto","version":"__proto__","dist":{}}},"_attachments":{"x.tgz":{}}}`,
		"attached/package.json", `{"name":"attached","versions":{},"_attachments":[]}`,
		"time/package.json", strings.Replace(pkg("time", "1.0.0", "time-1.0.0.tgz", "time-1.0.0.tgz"), "2026-01-02T03:04:05.000Z", "yesterday", 1),
		"stray/package.json", `{"name":"stray","versions":{},"_attachments":{"stray-1.0.0.tgz":{"version":"1.0.0"}}}`,
		"__proto__/package.json", pkg("__proto__", "1.0.0", "x.tgz", "x.tgz"),
		"node_modules/package.json", `{"name":"node_modules"}`,
		"good/package.json", pkg("good", "1.0.0", "good-1.0.0.tgz", "good-1.0.0.tgz"),
	)
	versions, problems := found(open(t, dir, false))
	if !slices.Contains(versions, "good@1.0.0") {
		t.Errorf("a good package among broken ones is not found: %q", versions)
	}
	for _, want := range []string{"half: ", "list: ", "other: ", "proto", "attached: ", "time@1.0.0: ", "stray@stray-1.0.0.tgz: ", "__proto__: ", "node_modules: "} {
		if !slices.ContainsFunc(problems, func(p string) bool { return strings.HasPrefix(p, want) }) {
			t.Errorf("no problem begins with %q in %q", want, problems)
		}
	}
}

// What a packument says leads nowhere but to its own folder.
func TestHostilePaths(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret.tgz")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	tarballs := []string{"..%2f..%2fsecret.tgz", "%2e%2e", "..", "%2fetc%2fpasswd", `..\secret.tgz`, "%00", "a%0ab"}
	var files []string
	for i, tarball := range tarballs {
		name := fmt.Sprintf("evil-%d", i)
		files = append(files, name+"/package.json", pkg(name, "1.0.0", tarball, tarball))
	}
	dir := storage(t, append(files, "linked/package.json", pkg("linked", "1.0.0", "linked-1.0.0.tgz", "linked-1.0.0.tgz"))...)
	if err := os.Symlink(secret, filepath.Join(dir, "linked", "linked-1.0.0.tgz")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Dir(secret), filepath.Join(dir, "outside")); err != nil {
		t.Fatal(err)
	}
	f := open(t, dir, false)
	for p := range f.Packages() {
		if !strings.HasPrefix(p.Name, "evil-") && p.Name != "linked" {
			continue
		}
		for _, v := range p.Versions {
			if v.File != "" && !strings.HasPrefix(v.File, p.Name+"/") {
				t.Errorf("%s is to be read from %q", p.Name, v.File)
			}
			file, err := f.Open(v.File)
			if err == nil {
				t.Errorf("%s opens %s", p.Name, file.Name())
				file.Close()
			}
		}
	}
}

func TestNoStorage(t *testing.T) {
	if _, err := verdaccio.Open(t.TempDir(), false); err == nil || !strings.Contains(err.Error(), "config.yaml") {
		t.Errorf("an empty folder: %v, want a hint where the storage is", err)
	}
	if _, err := verdaccio.Open(filepath.Join(t.TempDir(), "none"), false); err == nil {
		t.Error("a folder that is not there opens")
	}
	dir := storage(t, ".verdaccio-db.json", "{")
	if _, err := verdaccio.Open(dir, false); err == nil || !strings.Contains(err.Error(), ".verdaccio-db.json") {
		t.Errorf("a broken list of packages: %v", err)
	}
}

// Without its list, a storage folder still has its packages.
func TestNoList(t *testing.T) {
	dir := storage(t)
	if err := os.Remove(filepath.Join(dir, ".verdaccio-db.json")); err != nil {
		t.Fatal(err)
	}
	if versions, problems := found(open(t, dir, false)); len(versions) != 3 || len(problems) != 0 {
		t.Errorf("found %q, problems %q", versions, problems)
	}
}

func FuzzPackument(f *testing.F) {
	f.Add(pkg("x", "1.0.0", "x-1.0.0.tgz", "x-1.0.0.tgz"))
	f.Add(`{"name":"x","versions":{"1.0.0":null},"_attachments":{"a/b":1},"_distfiles":{},"dist-tags":{"latest":1}}`)
	f.Add(`{"name":"x","versions":[],"time":{"1.0.0":1e999}}`)
	dir := f.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "x"), 0o755); err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(dir, "x", "package.json")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		folder, err := verdaccio.Open(dir, true)
		if err != nil {
			t.Fatal(err)
		}
		defer folder.Close()
		for p := range folder.Packages() {
			for _, v := range p.Versions {
				if v.Problem == nil && filepath.Dir(filepath.FromSlash(v.File)) != "x" {
					t.Errorf("a tarball at %q", v.File)
				}
			}
		}
	})
}
