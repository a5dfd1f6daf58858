package pantry_test

import (
	"errors"
	"fmt"
	"io"
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
	"github.com/org/registry-action/internal/foreign/pantry"
)

// metadata is as Pantry 0.9.38 writes it.
const metadata = `{"version":1,"packages":{
	"@acme/core":{"name":"@acme/core","description":"core","author":{"name":"Ann"},"keywords":[],"versions":{
		"1.10.0":{"version":"1.10.0","tarballUrl":"http://localhost:3000/storage/x","checksum":"sha256:aa","publishedAt":"2026-02-03T04:05:06.789Z","size":0},
		"1.9.0":{"version":"1.9.0","tarballUrl":"http://localhost:3000/storage/x","checksum":"sha256:bb","publishedAt":"2026-01-02T03:04:05.678Z","size":0}},
		"latestVersion":"1.10.0","createdAt":"2026-01-02T03:04:05.678Z","updatedAt":"2026-02-03T04:05:06.789Z","totalDownloads":7,"publishedBy":"ann@acme.example"},
	"plain":{"name":"plain","versions":{"0.1.0":{"version":"0.1.0","checksum":"sha256:cc","publishedAt":"2026-01-02T03:04:05.678Z"}},"latestVersion":"0.1.0"}},
	"commits":{"abc1234":[{"name":"plain"}]},"packageCommits":{},"publisherCommitNames":{},"paywalls":{},"accessGrants":{}}`

func folder(t *testing.T, metadata string, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	foreigntest.Write(t, dir, "metadata.json", metadata)
	foreigntest.Write(t, dir, files...)
	return dir
}

func open(t *testing.T, dir string) *pantry.Folder {
	t.Helper()
	f, err := pantry.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func all(f *pantry.Folder) []foreign.Package { return slices.Collect(f.Packages()) }

func TestPackages(t *testing.T) {
	dir := folder(t, metadata, "tarballs/packages/pantry/acme-core/1.9.0/acme-core-1.9.0.tgz", "the bytes of 1.9.0")
	f := open(t, dir)
	want := []foreign.Package{
		{Name: "@acme/core", Versions: []foreign.Version{
			{
				Version: "1.9.0", PublishedAt: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), Publisher: "ann@acme.example", Checksum: "sha256:bb",
				File: "tarballs/packages/pantry/acme-core/1.9.0/acme-core-1.9.0.tgz",
			},
			{
				Version: "1.10.0", Tags: []string{"latest"}, PublishedAt: time.Date(2026, 2, 3, 4, 5, 6, 789e6, time.UTC), Publisher: "ann@acme.example",
				Checksum: "sha256:aa", File: "tarballs/packages/pantry/acme-core/1.10.0/acme-core-1.10.0.tgz",
			},
		}},
		{Name: "plain", Versions: []foreign.Version{{
			Version: "0.1.0", Tags: []string{"latest"}, PublishedAt: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), Checksum: "sha256:cc",
			File: "tarballs/packages/pantry/plain/0.1.0/plain-0.1.0.tgz",
		}}},
	}
	if diff := cmp.Diff(want, all(f)); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
	if f.Len() != 2 || !strings.Contains(strings.Join(f.Notes(), ""), "packages of commits are not imported") {
		t.Errorf("%d packages, notes %q", f.Len(), f.Notes())
	}
	file, err := f.Open(want[0].Versions[0].File)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if b, err := io.ReadAll(file); err != nil || string(b) != "the bytes of 1.9.0" {
		t.Errorf("the tarball is %q, %v", b, err)
	}
	if _, err := f.Open(want[0].Versions[1].File); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("a tarball that is not there: %v", err)
	}
}

// Older servers wrote the packages alone; a package may be called as a member of
// the newer form.
func TestBareMap(t *testing.T) {
	f := open(t, folder(t, `{
		"version":{"name":"version","versions":{"1.0.0":{"version":"1.0.0"}},"latestVersion":"1.0.0"},
		"packages":{"name":"packages","versions":{"2.0.0":{"version":"2.0.0"}},"latestVersion":"2.0.0"}}`))
	var got []string
	for _, p := range all(f) {
		got = append(got, p.Name+"@"+p.Versions[0].Version)
	}
	if diff := cmp.Diff([]string{"packages@2.0.0", "version@1.0.0"}, got); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
}

func TestFolderAround(t *testing.T) {
	outer := t.TempDir()
	foreigntest.Write(t, outer, ".registry/metadata.json", metadata)
	if f := open(t, outer); f.Len() != 2 {
		t.Errorf("the folder around .registry has %d packages, want 2", f.Len())
	}
}

// Names that Pantry keeps in one file know of each other.
func TestCollisions(t *testing.T) {
	f := open(t, folder(t, `{"version":1,"packages":{
		"@a/b":{"versions":{"1.0.0":{}}},"a-b":{"versions":{"1.0.0":{}}},"c":{"versions":{"1.0.0":{}}}}}`))
	for _, p := range all(f) {
		hint := p.Versions[0].Hint
		if (hint == "") != (p.Name == "c") || p.Name != "c" && (!strings.Contains(hint, "@a/b") || !strings.Contains(hint, "a-b")) {
			t.Errorf("%s has the hint %q", p.Name, hint)
		}
	}
}

func TestHostile(t *testing.T) {
	huge := strings.Repeat("9", 400)
	f := open(t, folder(t, `{"version":1,"packages":{
		"../../etc":{"versions":{"1.0.0":{}}},
		"@../x":{"versions":{"1.0.0":{}}},
		"__proto__":{"versions":{"1.0.0":{}}},
		"":{"versions":{"1.0.0":{}}},
		"other":{"name":"another","versions":{"1.0.0":{}}},
		"array":[], "number":`+huge+`, "null":null, "text":"x",
		"list":{"versions":[1,2]},
		"good":{"versions":{"1.0.0":{"checksum":"sha256:aa"},"../../x":{},"__proto__":{},"latest":{},"1.0":{},"`+huge+`.0.0":{},
			"1.0.1":{"publishedAt":`+huge+`},"1.0.2":{"publishedAt":"yesterday"},"1.0.3":{"checksum":{}},"1.0.4":7,"1.0.5":{"publishedAt":"9999999999-01-01T00:00:00Z"}},
			"latestVersion":"__proto__"}}}`))
	for _, p := range all(f) {
		if p.Name != "good" && p.Name != "null" && p.Problem == nil {
			t.Errorf("package %q has no problem", p.Name)
		}
		for _, v := range p.Versions {
			if ok := v.Problem == nil; ok != (v.Version == "1.0.0") {
				t.Errorf("%s@%s: %v", p.Name, v.Version, v.Problem)
			}
			if v.File != "" && (strings.Contains(v.File, "..") || !strings.HasPrefix(v.File, "tarballs/packages/pantry/good/")) {
				t.Errorf("%s@%s is to be read from %q", p.Name, v.Version, v.File)
			}
		}
	}
}

func TestNoMetadata(t *testing.T) {
	if _, err := pantry.Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), ".registry") {
		t.Errorf("an empty folder: %v, want a hint which folder it is", err)
	}
	for _, text := range []string{"", "[]", "{", `{"version":1}`, `{"version":1,"packages":[]}`} {
		if _, err := pantry.Open(folder(t, text)); err == nil || !strings.Contains(err.Error(), "metadata.json") {
			t.Errorf("metadata %q: %v", text, err)
		}
	}
	large := folder(t, "{}")
	if err := os.Truncate(filepath.Join(large, "metadata.json"), foreign.MaxJSON+1); err != nil {
		t.Fatal(err)
	}
	if _, err := pantry.Open(large); err == nil || !strings.Contains(err.Error(), fmt.Sprint(foreign.MaxJSON)) {
		t.Errorf("metadata of more than the limit: %v", err)
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add(metadata)
	f.Add(`{"a":{"versions":{"1.0.0":{"publishedAt":1e999}}}}`)
	f.Add(`{"version":1,"packages":{"../x":null,"@a/b":{"versions":{"../1":{}}}}}`)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(filepath.Join(dir, "metadata.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		folder, err := pantry.Open(dir)
		if err != nil {
			return
		}
		defer folder.Close()
		for p := range folder.Packages() {
			for _, v := range p.Versions {
				if v.Problem == nil && (!fs.ValidPath(v.File) || !strings.HasPrefix(v.File, "tarballs/packages/pantry/")) {
					t.Errorf("a tarball at %q", v.File)
				}
			}
		}
	})
}
