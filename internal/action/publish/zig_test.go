package publish

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/wire"
)

// gitTree makes a repository of files, all of them tracked but for those that .gitignore names.
func gitTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}} {
		if out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args[0], err, out)
		}
	}
	return dir
}

func TestTracked(t *testing.T) {
	dir := gitTree(t, map[string]string{
		".gitignore": "*.secret\n", " first": "", "a.secret": "", "sub/build.zig.zon": "", "sub/new\nline": "", "sub/ü": "", "build.zig.zon": "", "x.build.zig.zon": "",
	})
	got, err := git{dir: dir}.tracked(t.Context(), true)
	if want := []string{" first", ".gitignore", "build.zig.zon", "sub/build.zig.zon", "sub/new\nline", "sub/ü", "x.build.zig.zon"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("tracked = %q, %v, want %q", got, err, want)
	}
	got, err = git{dir: filepath.Join(dir, "sub")}.tracked(t.Context(), true)
	if want := []string{"build.zig.zon", "new\nline", "ü"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("tracked in a folder = %q, %v, want %q", got, err, want)
	}
	got, err = git{dir: dir}.tracked(t.Context(), false, ":(glob)**/build.zig.zon")
	if want := []string{"build.zig.zon", "sub/build.zig.zon"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("tracked manifests = %q, %v, want %q", got, err, want)
	}
}

func TestInRepository(t *testing.T) {
	dir := gitTree(t, map[string]string{"a/b/c": ""})
	if !inRepository(filepath.Join(dir, "a", "b")) || inRepository(t.TempDir()) {
		t.Error("a folder below .git is in a repository, another is not")
	}
}

// A repository that git does not read must not be packed from what happens to lie there.
func TestZigNeedsGit(t *testing.T) {
	dir := t.TempDir()
	manifest := `.{ .name = .lib, .version = "1.0.0", .paths = .{""} }`
	if err := os.WriteFile(filepath.Join(dir, "build.zig.zon"), []byte(manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	pack := func() error {
		j, done, err := newJob(Options{PackOptions: PackOptions{Dir: dir}}, Streams{Getenv: func(string) string { return "" }, Stdout: t.Output(), Stderr: t.Output()})
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		return j.pack(t.Context())
	}
	if err := pack(); err != nil {
		t.Errorf("a folder in no repository: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".git"), []byte("gitdir: nowhere\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := pack(); err == nil || !strings.Contains(err.Error(), "git did not list the files of zig:lib") {
		t.Errorf("a broken repository: %v, want that git did not list the files", err)
	}
}

// A hash that is not of what was packed is told nobody.
func TestCheckHashes(t *testing.T) {
	own := &pack.Package{Name: "zig:a", Zig: &pack.Zig{Hashes: zig.Hashes{Hash: "a-1.0.0-x", Legacy: "1220x"}}}
	answer := func(p wire.PublishedPackage) error {
		p.Name = "zig:a"
		j := &job{packages: []*pack.Package{{Name: "npm"}, own}, published: wire.Published{Packages: []wire.PublishedPackage{{CommitPackage: wire.CommitPackage{Name: "npm"}}, p}}}
		return j.checkHashes()
	}
	said := func(hash, legacy string) wire.PublishedPackage {
		return wire.PublishedPackage{CommitPackage: wire.CommitPackage{ZigPackage: &wire.ZigPackage{Hash: hash, LegacyHash: legacy}}}
	}
	if err := answer(said("a-1.0.0-x", "1220x")); err != nil {
		t.Errorf("the same hashes: %v", err)
	}
	kept := said("a-1.0.0-y", "1220y")
	kept.Kept = true
	if err := answer(kept); err != nil {
		t.Errorf("what another publish brought: %v", err)
	}
	for name, p := range map[string]wire.PublishedPackage{"another hash": said("a-1.0.0-y", "1220x"), "another legacy hash": said("a-1.0.0-x", "1220y"), "none": {}} {
		if err := answer(p); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestCheckLumenHashes(t *testing.T) {
	sums := digest.Sums{SHA256: digest.Of([]byte("tar"))}
	own := &pack.Package{Name: "lumen:@a/b", Sums: sums, Lumen: &lumen.Integrity{ManifestHash: "sha256:m", ContentHash: "sha256:c"}}
	answer := func(sums digest.Sums, l *wire.LumenPackage) error {
		p := wire.PublishedPackage{CommitPackage: wire.CommitPackage{Name: own.Name, Sums: sums, LumenPackage: l}}
		return (&job{packages: []*pack.Package{own}, published: wire.Published{Packages: []wire.PublishedPackage{p}}}).checkHashes()
	}
	if err := answer(sums, &wire.LumenPackage{ManifestHash: "sha256:m", ContentHash: "sha256:c"}); err != nil {
		t.Errorf("the same hashes: %v", err)
	}
	for name, err := range map[string]error{
		"other contents":   answer(sums, &wire.LumenPackage{ManifestHash: "sha256:m", ContentHash: "sha256:x"}),
		"another manifest": answer(sums, &wire.LumenPackage{ManifestHash: "sha256:x", ContentHash: "sha256:c"}),
		"another archive":  answer(digest.Sums{}, &wire.LumenPackage{ManifestHash: "sha256:m", ContentHash: "sha256:c"}),
		"no hashes":        answer(sums, nil),
	} {
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
