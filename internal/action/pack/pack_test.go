package pack_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
)

const preview = "0.0.0-commit.g0123456789"

// pinned are the options of a registry publish.
func pinned() pack.Options {
	return pack.Options{Version: preview, Pin: func(_, version string) string { return version }}
}

// A pnpm workspace becomes what pnpm would pack, with siblings pinned.
func TestRunPNPM(t *testing.T) {
	t.Parallel()
	dir := tree(t, "pnpm")
	before := fingerprint(t, dir)
	o := pinned()
	o.Env = clients.Get(t, clients.PNPM).Env
	packages := mustRun(t, dir, o)

	cli, core, ui := byName(t, packages, "acme-cli"), byName(t, packages, "@acme/core"), byName(t, packages, "@acme/ui")
	for _, p := range packages {
		if p.Version != preview || packedManifest(t, p)["version"] != preview {
			t.Errorf("%s: version %s, packed %v, want %s", p.Name, p.Version, packedManifest(t, p)["version"], preview)
		}
	}
	if diff := cmp.Diff([]string{"packages/cli", "2.0.0"}, []string{cli.Dir, cli.OwnVersion}); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"acme"}, cli.Bins); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		p    *pack.Package
		want []string
	}{
		{core, []string{"644 package.json", "644 lib/index.js", "644 README.md", "755 lib/tool.sh", "644 naïve café.txt", "644 LICENSE"}},
		{cli, []string{"644 package.json", "755 bin/acme.js", "644 LICENSE.txt"}},
		{ui, []string{"644 package.json", "644 index.js", "644 LICENSE"}},
	} {
		if diff := cmp.Diff(c.want, names(t, c.p)); diff != "" {
			t.Errorf("files of %s (-want +got):\n%s", c.p.Name, diff)
		}
		var unpacked int64
		for i, e := range unpack(t, c.p) {
			if f := c.p.Files[i]; f.Path != e.name || f.Size != int64(len(e.content)) {
				t.Errorf("%s: Files[%d] = %v, its entry is %s with %d bytes", c.p.Name, i, f, e.name, len(e.content))
			}
			unpacked += int64(len(e.content))
		}
		if c.p.Unpacked != unpacked {
			t.Errorf("%s: Unpacked = %d, want %d", c.p.Name, c.p.Unpacked, unpacked)
		}
	}
	m := packedManifest(t, cli)
	if diff := cmp.Diff(map[string]any{"@acme/core": preview, "@acme/ui": preview}, m["dependencies"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"@acme/core": "^1.0.0 || " + preview}, m["peerDependencies"]); diff != "" {
		t.Error(diff)
	}
	m = packedManifest(t, core)
	if diff := cmp.Diff(map[string]any{"left-pad": "^1.3.0"}, m["dependencies"]); diff != "" {
		t.Error(diff)
	}
	if m["exports"] != "./lib/index.js" {
		t.Errorf("exports = %v, want publishConfig's", m["exports"])
	}

	after := fingerprint(t, dir)
	dist := filepath.Join(dir, "packages", "ui")
	for path := range after {
		if path == dist || filepath.Dir(path) == filepath.Join(dist, "dist") || path == filepath.Join(dist, "dist") {
			delete(before, path)
			delete(after, path)
		}
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("packing changed the working tree outside what its script builds:\n%s", diff)
	}
}

// The same tree gives the same bytes whatever the clock, the umask of the
// checkout and the number of workers.
func TestRunIsRepeatable(t *testing.T) {
	sums := func(parallel int, change func(path string, d fs.DirEntry) error) map[string]string {
		dir := tree(t, "pnpm")
		if err := os.MkdirAll(filepath.Join(dir, "packages", "ui", "dist"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(dir, "packages", "ui", "dist"), os.DirFS(filepath.Join(dir, "packages", "core", "lib"))); err != nil {
			t.Fatal(err)
		}
		manifest := []byte(`{"name":"@acme/ui","version":"3.0.0"}`)
		if err := os.WriteFile(filepath.Join(dir, "packages", "ui", "dist", "package.json"), manifest, 0o644); err != nil {
			t.Fatal(err)
		}
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return change(path, d)
		})
		if err != nil {
			t.Fatal(err)
		}
		before := fingerprint(t, dir)
		o := pinned()
		o.IgnoreScripts, o.Parallel = true, parallel
		got := map[string]string{}
		for _, p := range mustRun(t, dir, o) {
			got[p.Name] = p.Sums.Integrity
		}
		if diff := cmp.Diff(before, fingerprint(t, dir)); diff != "" {
			t.Errorf("packing changed the working tree:\n%s", diff)
		}
		return got
	}
	want := sums(1, func(string, fs.DirEntry) error { return nil })
	got := sums(8, func(path string, d fs.DirEntry) error {
		mode := fs.FileMode(0o664)
		if d.IsDir() {
			mode = 0o775
		}
		old := time.Date(2001, 2, 3, 4, 5, 6, 7, time.UTC)
		if err := os.Chmod(path, mode); err != nil {
			return err
		}
		return os.Chtimes(path, old, old)
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("another checkout packs to other bytes:\n%s", diff)
	}
}

// Without a version and pins, siblings get each other's own versions.
func TestRunKeepsVersions(t *testing.T) {
	packages := mustRun(t, inline(t, `
-- package.json --
{ "private": true, "workspaces": ["*"] }
-- a/package.json --
{ "name": "a", "version": "1.0.0", "dependencies": { "b": "workspace:^" }, "bin": "run.js" }
-- a/run.js --
-- b/package.json --
{ "name": "b", "version": "2.0.0" }
`), pack.Options{})
	a := byName(t, packages, "a")
	if diff := cmp.Diff(map[string]any{"b": "^2.0.0"}, packedManifest(t, a)["dependencies"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"644 package.json", "755 run.js"}, names(t, a)); diff != "" {
		t.Error(diff)
	}
	if a.Version != "1.0.0" || a.OwnVersion != "1.0.0" {
		t.Errorf("a has version %s, own %s, want 1.0.0", a.Version, a.OwnVersion)
	}
}

// Save writes what Open streams, and replaces what is there.
func TestSave(t *testing.T) {
	p := mustRun(t, inline(t, `
-- package.json --
{ "name": "a", "version": "1.0.0" }
-- index.js --
module.exports = 1
`), pack.Options{})[0]
	path := filepath.Join(t.TempDir(), "a.tgz")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Save(path); err != nil {
		t.Fatal(err)
	}
	saved, err := given(t, path, "")
	if err != nil {
		t.Fatal(err)
	}
	if saved.Sums != p.Sums || saved.Size != p.Size || saved.Unpacked != p.Unpacked {
		t.Errorf("the saved file has %+v (%d), want %+v (%d)", saved.Sums, saved.Size, p.Sums, p.Size)
	}
	if diff := cmp.Diff(names(t, p), names(t, saved)); diff != "" {
		t.Error(diff)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("saving left %v, %v; want the file alone", left, err)
	}
	if err := p.Save(filepath.Join(t.TempDir(), "missing", "a.tgz")); err == nil {
		t.Error("saving into a missing folder succeeds")
	}
}

// Of a tarball that somebody made, not one byte is changed.
func TestTarballIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	dir := inline(t, `
-- package.json --
{ "name": "@s/given", "version": "4.0.0", "bin": "./cli.js", "dependencies": { "x": "workspace:*" } }
-- cli.js --
`)
	npmPack(t, dir)
	path := filepath.Join(dir, "s-given-4.0.0.tgz")
	p, err := given(t, path, "")
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "@s/given" || p.Version != "4.0.0" || p.Split() || p.Dir != "" {
		t.Errorf("got %+v", p)
	}
	if diff := cmp.Diff([]string{"given"}, p.Bins); diff != "" {
		t.Error(diff)
	}
	if got := len(unpack(t, p)); got != 2 || len(p.Files) != 2 {
		t.Errorf("%d entries, %d files; want 2", got, len(p.Files))
	}

	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"cut":      whole[:len(whole)-9],
		"trailing": append(bytes.Clone(whole), "more"...),
		"no gzip":  []byte("PK\x03\x04"),
		"empty":    nil,
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "bad.tgz")
			if err := os.WriteFile(file, bad, 0o644); err != nil {
				t.Fatal(err)
			}
			if p, err := given(t, file, ""); err == nil {
				t.Errorf("a %s file is taken as %s", name, p.Name)
			}
		})
	}
}

// What we pack of a pnpm workspace is what pnpm itself packs of it.
func TestNativeIsAsPNPM(t *testing.T) {
	t.Parallel()
	env := clients.Get(t, clients.PNPM).Env
	native := mustRun(t, tree(t, "pnpm"), pack.Options{Env: env})
	theirs := mustRun(t, tree(t, "pnpm"), pack.Options{Env: env, With: workspace.PNPM})
	for _, want := range theirs {
		got := byName(t, native, want.Name)
		if diff := cmp.Diff(sorted(names(t, want)), sorted(names(t, got))); diff != "" {
			t.Errorf("files of %s (-pnpm +native):\n%s", want.Name, diff)
		}
		if diff := cmp.Diff(packedManifest(t, want), packedManifest(t, got)); diff != "" {
			t.Errorf("package.json of %s (-pnpm +native):\n%s", want.Name, diff)
		}
	}
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// A folder to pack that is missing or lies elsewhere is refused.
func TestPackDirIsOfTheWorkspace(t *testing.T) {
	dir := tree(t, "pnpm")
	dist := filepath.Join(dir, "packages", "ui", "dist")
	if _, err := run(t, dir, pack.Options{IgnoreScripts: true}); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "@acme/ui") {
		t.Errorf("Run without a built folder = %v, want a refusal that names the package", err)
	}
	elsewhere := inline(t, "-- package.json --\n{\"name\":\"x\",\"version\":\"1.0.0\"}\n")
	if err := os.Symlink(elsewhere, dist); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, dir, pack.Options{IgnoreScripts: true}); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "link out of the workspace") {
		t.Errorf("Run with a link in its place = %v, want a refusal", err)
	}
}

// A bundled dependency that is a link to a sibling is packed with its files.
func TestBundledLink(t *testing.T) {
	dir := inline(t, `
-- package.json --
{ "private": true, "workspaces": ["a", "b"] }
-- a/package.json --
{ "name": "a", "version": "1.0.0", "dependencies": { "b": "1.0.0" }, "bundleDependencies": ["b"] }
-- b/package.json --
{ "name": "b", "version": "1.0.0" }
-- b/index.js --
module.exports = 'b'
`)
	if err := os.Mkdir(filepath.Join(dir, "a", "node_modules"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../b", filepath.Join(dir, "a", "node_modules", "b")); err != nil {
		t.Fatal(err)
	}
	a := byName(t, mustRun(t, dir, pack.Options{}), "a")
	want := []string{"644 node_modules/b/index.js", "644 node_modules/b/package.json", "644 package.json"}
	if diff := cmp.Diff(want, sorted(names(t, a))); diff != "" {
		t.Error(diff)
	}
}

// Two commits of one tree have the same heads and bodies, and each its own tarballs.
func TestCommitsShareHeads(t *testing.T) {
	const one, two = "c0ffee0123456789abcdef0123456789abcdef01", "0d15ea5e9876543210fedcba9876543210fedcba"
	dir := inline(t, `
-- package.json --
{ "private": true, "workspaces": ["*"] }
-- a/package.json --
{ "name": "a", "version": "1.0.0", "dependencies": { "b": "workspace:^" } }
-- b/package.json --
{ "name": "b", "version": "2.0.0" }
-- b/index.js --
module.exports = 'b'
`)
	byCommit := func(commit string, pin func(name, version string) string) []*pack.Package {
		return mustRun(t, dir, pack.Options{Version: npm.PreviewVersion(commit), Pin: pin, Commit: commit})
	}
	for name, pin := range map[string]func(commit string) func(name, version string) string{
		"version": func(string) func(name, version string) string {
			return func(_, version string) string { return version }
		},
		"url": func(commit string) func(name, version string) string {
			return func(name, _ string) string { return "https://r.example/commits/" + commit + "/" + name + "/tarball" }
		},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := byCommit(one, pin(one)), byCommit(two, pin(two))
			for i, p := range first {
				q := second[i]
				if !p.Recipe.Holes || !bytes.Equal(p.Head, q.Head) || p.Recipe.Head != q.Recipe.Head || p.Recipe.Body != q.Recipe.Body {
					t.Errorf("%s: the recipes are %+v and %+v", p.Name, p.Recipe, q.Recipe)
				}
				if p.Sums == q.Sums {
					t.Errorf("%s: both commits' tarballs have the same sums", p.Name)
				}
			}
			for commit, packages := range map[string][]*pack.Package{one: first, two: second} {
				version := npm.PreviewVersion(commit)
				for _, p := range packages {
					if got := packedManifest(t, p)["version"]; got != version || p.Version != version {
						t.Errorf("%s: version %v, packed %v, want %s", p.Name, p.Version, got, version)
					}
					path := filepath.Join(t.TempDir(), "p.tgz")
					if err := p.Save(path); err != nil {
						t.Fatal(err)
					}
					saved, err := given(t, path, commit)
					if err != nil || saved.Sums != p.Sums || saved.Size != p.Size || saved.Recipe != p.Recipe || !bytes.Equal(saved.Head, p.Head) {
						t.Errorf("%s: the saved file is %+v, %v; want %+v (%d)", p.Name, saved, err, p.Sums, p.Size)
					}
				}
				want := map[string]any{"b": pin(commit)("b", version)}
				if diff := cmp.Diff(want, packedManifest(t, byName(t, packages, "a"))["dependencies"]); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}
