package packlist_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packlist"
)

// TestList runs testdata/*.txtar: files and, in "want", the list that npm 11.19
// makes of them. The comment may name a package in a workspace and the
// workspace's members.
func TestList(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir, opts := t.TempDir(), packlist.Options{}
			var want []string
			for _, f := range a.Files {
				if f.Name == "want" {
					want = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
					continue
				}
				write(t, filepath.Join(dir, f.Name), string(f.Data))
			}
			pkg := dir
			for line := range strings.Lines(string(a.Comment)) {
				if name, ok := strings.CutPrefix(strings.TrimSpace(line), "package: "); ok {
					pkg, opts.WorkspaceRoot = filepath.Join(dir, name), dir
				}
				if names, ok := strings.CutPrefix(strings.TrimSpace(line), "workspaces: "); ok {
					for w := range strings.FieldsSeq(names) {
						opts.Workspaces = append(opts.Workspaces, filepath.Join(dir, w))
					}
				}
			}
			if d := cmp.Diff(want, list(t, pkg, opts)); d != "" {
				t.Errorf("List (-npm +got):\n%s", d)
			}
		})
	}
}

// What txtar can't hold: links, special names, modes and sizes.
func TestListKinds(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "package.json"), `{"name":"a","version":"1.0.0","bin":{"a":"cli.js","b":"./bin/b.js","c":"c.js"}}`)
	for _, name := range []string{"cli.js", "bin/b.js", "lib/c.js", "star*.js", "*/x.js", "target/x.js"} {
		write(t, filepath.Join(dir, name), "content")
	}
	for link, target := range map[string]string{"link.js": "cli.js", "dir": "target", "dangling": "nowhere"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "bin/b.js"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := packlist.List(dir, packlist.Options{})
	if err != nil {
		t.Fatal(err)
	}
	base, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []packlist.File{
		{Path: "bin/b.js", Size: 7, Mode: 0o600, Base: base, Name: "bin/b.js"},
		{Path: "lib/c.js", Size: 7, Mode: 0o644, Executable: true, Base: base, Name: "lib/c.js"},
		{Path: "cli.js", Size: 7, Mode: 0o644, Executable: true, Base: base, Name: "cli.js"},
		{Path: "target/x.js", Size: 7, Mode: 0o644, Base: base, Name: "target/x.js"},
		{Path: "package.json", Size: 79, Mode: 0o644, Base: base, Name: "package.json"},
	}
	if d := cmp.Diff(want, files); d != "" {
		t.Errorf("List (-want +got):\n%s", d)
	}
}

func TestManifestOption(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "package.json"), `{"name":"a","version":"1.0.0","files":["a.js"]}`)
	write(t, filepath.Join(dir, "a.js"), "")
	write(t, filepath.Join(dir, "b.js"), "")
	got := list(t, dir, packlist.Options{Manifest: []byte(`{"name":"a","version":"1.0.0","files":["b.js"]}`)})
	if d := cmp.Diff([]string{"b.js", "package.json"}, got); d != "" {
		t.Errorf("List (-want +got):\n%s", d)
	}
}

// A bundled dependency that is a link is read from the link's target, and what
// that depends on lies below the link.
func TestLinkedBundle(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "app")
	write(t, filepath.Join(dir, "package.json"), `{"name":"app","version":"1.0.0","dependencies":{"lib":"1"},"bundleDependencies":["lib"]}`)
	write(t, filepath.Join(top, "lib/package.json"), `{"name":"lib","dependencies":{"dep":"1"},"devDependencies":{"dev":"1"}}`)
	write(t, filepath.Join(top, "lib/.npmignore"), "secret.js\n")
	write(t, filepath.Join(top, "lib/secret.js"), "")
	write(t, filepath.Join(top, "lib/node_modules/dep/package.json"), `{"name":"dep"}`)
	write(t, filepath.Join(top, "lib/node_modules/dev/package.json"), `{"name":"dev"}`)
	link(t, "../../lib", filepath.Join(dir, "node_modules/lib"))
	files, err := packlist.List(dir, packlist.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"package.json", "node_modules/lib/node_modules/dep/package.json", "node_modules/lib/package.json"}
	slices.Sort(want)
	got := paths(files)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("List (-want +got):\n%s", d)
	}
	roots := packlist.Roots{}
	defer roots.Close()
	for _, f := range files {
		r, err := roots.Open(f)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		r.Close()
		if err != nil || int64(len(content)) != f.Size {
			t.Errorf("%s has %d bytes, the list says %d: %v", f.Path, len(content), f.Size, err)
		}
	}
}

// An ignore file may be a link within the workspace.
func TestLinkedIgnoreFile(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "packages/a")
	write(t, filepath.Join(dir, "package.json"), `{"name":"a","version":"1.0.0"}`)
	write(t, filepath.Join(dir, "a.log"), "")
	write(t, filepath.Join(top, "shared-ignore"), "*.log\n")
	link(t, "../../shared-ignore", filepath.Join(dir, ".npmignore"))
	got := list(t, dir, packlist.Options{WorkspaceRoot: top, Workspaces: []string{dir}})
	if d := cmp.Diff([]string{"package.json"}, got); d != "" {
		t.Errorf("List (-want +got):\n%s", d)
	}
	wantFault(t, dir, fault.Invalid, ".npmignore is a link out of the package")
}

func TestErrors(t *testing.T) {
	for _, test := range []struct {
		name, manifest string
		files          map[string]string
		want           string
	}{
		{"files is no array", `{"files":{"a":1}}`, nil, `"files" in`},
		{"an entry is no string", `{"files":["a",1]}`, nil, "must be an array of strings"},
		{"braces without end", `{"files":["{1..100}{1..100}{1..100}"]}`, nil, `the pattern in line 2 of "files" of package.json`},
		{"ignore file", `{}`, map[string]string{"lib/.npmignore": "a\n{1..999999}\n"}, "the pattern in line 2 of lib/.npmignore"},
		{"large ignore file", `{}`, map[string]string{".npmignore": strings.Repeat("a\n", 1<<20)}, ".npmignore is larger"},
		{"name", `{}`, map[string]string{"caf\xe9.js": ""}, "not valid UTF-8"},
		{"bundle above", `{"dependencies":{"b":"1"},"bundleDependencies":true}`, map[string]string{
			"../outer/b/package.json": `{"dependencies":{"c":"1"}}`, "../outer/node_modules/c/package.json": "{}", "../node_modules/c/package.json": "{}",
		}, "installed above the packed package's folder"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "app")
			write(t, filepath.Join(dir, "package.json"), test.manifest)
			for name, content := range test.files {
				write(t, filepath.Join(dir, name), content)
			}
			if test.name == "bundle above" {
				link(t, "../../outer/b", filepath.Join(dir, "node_modules/b"))
			}
			wantFault(t, dir, "", test.want)
		})
	}
}

func TestMissing(t *testing.T) {
	dir := t.TempDir()
	if _, err := packlist.List(filepath.Join(dir, "nowhere"), packlist.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("List of no folder = %v, want fs.ErrNotExist", err)
	}
	if _, err := packlist.List(dir, packlist.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("List without package.json = %v, want fs.ErrNotExist", err)
	}
}

func wantFault(t *testing.T, dir string, kind fault.Kind, text string) {
	t.Helper()
	_, err := packlist.List(dir, packlist.Options{})
	if _, public := fault.Public(err); !public || kind != "" && !errors.Is(err, kind) || !strings.Contains(err.Error(), text) {
		t.Errorf("List = %v, want a fault with %q", err, text)
	}
}

func list(t *testing.T, dir string, opts packlist.Options) []string {
	t.Helper()
	files, err := packlist.List(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return paths(files)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}
