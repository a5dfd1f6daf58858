package workspace

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestOpen runs the trees of testdata/open. The comment of each says which
// folder is opened and what comes of it; lines before the first blank one may
// be prose.
func TestOpen(t *testing.T) {
	files, err := filepath.Glob("testdata/open/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no trees", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			root := write(t, a)
			comment := string(a.Comment)
			if _, rest, ok := strings.Cut(comment, "\n\n"); ok {
				comment = rest
			}
			open, want, _ := strings.Cut(comment, "\n")
			w, err := Open(filepath.Join(root, strings.TrimPrefix(open, "open ")))
			if d := gocmp.Diff(want, describe(w, err, root)); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// write lays a tree out in a folder and returns it, links resolved.
func write(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		p := filepath.Join(root, f.Name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func describe(w *Workspace, err error, root string) string {
	if err != nil {
		return "error " + strings.ReplaceAll(err.Error(), root, "ROOT") + "\n"
	}
	var b strings.Builder
	if w.Root != root {
		rel, _ := filepath.Rel(root, w.Root)
		fmt.Fprintf(&b, "root %s\n", rel)
	}
	fmt.Fprintf(&b, "manager %s\n", w.Manager)
	for _, m := range w.Members {
		fmt.Fprintf(&b, "member %s %s", m.Dir, cmp.Or(m.Manifest.Name, "(no name)"))
		if m.PackDir() != m.Path {
			rel, _ := filepath.Rel(w.Root, m.PackDir())
			fmt.Fprintf(&b, " pack %s", rel)
		}
		b.WriteByte('\n')
	}
	for _, c := range slices.Sorted(maps.Keys(w.Catalogs)) {
		for _, p := range slices.Sorted(maps.Keys(w.Catalogs[c])) {
			fmt.Fprintf(&b, "catalog %s %s %s\n", c, p, w.Catalogs[c][p])
		}
	}
	return b.String()
}

// tree opens a workspace of inline files.
func openTree(t *testing.T, text string) (*Workspace, string) {
	t.Helper()
	root := write(t, txtar.Parse([]byte(text)))
	w, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	return w, root
}

func TestLinks(t *testing.T) {
	root := write(t, txtar.Parse([]byte(`
-- package.json --
{"workspaces": ["packages/**"]}
-- packages/a/package.json --
{"name": "a"}
-- vendor/v/package.json --
{"name": "v"}
`)))
	outside := write(t, txtar.Parse([]byte("-- package.json --\n{\"name\": \"outside\"}\n")))
	for link, target := range map[string]string{
		"packages/twin": "a", "packages/v": "../vendor/v", "packages/out": outside, "packages/loop": ".", "packages/up": "..", "packages/gone": "nowhere",
	} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	w, err := Open(root)
	if d := gocmp.Diff("manager npm\nmember packages/a a\nmember packages/v v\n", describe(w, err, root)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestManagers(t *testing.T) {
	for files, want := range map[string]Manager{
		"":                                  NPM,
		"package-lock.json":                 NPM,
		"yarn.lock":                         Yarn,
		".yarnrc.yml":                       Yarn,
		"bun.lockb":                         Bun,
		"pnpm-lock.yaml yarn.lock":          PNPM,
		"pnpm-workspace.yaml":               PNPM,
		"pnpm-workspace.yaml yarn.lock":     Yarn,
		"packageManager:npm@11 yarn.lock":   NPM,
		"packageManager:bun pnpm-lock.yaml": Bun,
		"packageManager:other@1 yarn.lock":  Yarn,
	} {
		text := "-- package.json --\n{\"name\": \"a\", \"packageManager\": \"\"}\n"
		for f := range strings.FieldsSeq(files) {
			if m, ok := strings.CutPrefix(f, "packageManager:"); ok {
				text = strings.Replace(text, `""`, `"`+m+`"`, 1)
			} else {
				text += "-- " + f + " --\n"
			}
		}
		if w, _ := openTree(t, text); w.Manager != want {
			t.Errorf("%q: %s, want %s", files, w.Manager, want)
		}
	}
}

func TestOddFiles(t *testing.T) {
	root := write(t, txtar.Parse([]byte("-- package.json/x --\n")))
	if _, err := Open(root); err == nil || err.Error() != "package.json is not a regular file" {
		t.Errorf("a folder: %v", err)
	}
	root = write(t, txtar.Parse(nil))
	if err := os.WriteFile(filepath.Join(root, "package.json"), make([]byte, maxFile+1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(root); err == nil || err.Error() != "package.json is larger than 4 MiB" {
		t.Errorf("a large file: %v", err)
	}
	if _, err := Open(filepath.Join(root, "nowhere")); !os.IsNotExist(err) {
		t.Errorf("no folder: %v", err)
	}
}
