package packlist_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/format/packlist"
)

// vector is a case recorded from npm-packlist's own tests.
type vector struct {
	ID         string                     `json:"id"`
	Tree       map[string]json.RawMessage `json:"tree"`
	Path       string                     `json:"path"`   // the package, relative to the tree
	Prefix     *string                    `json:"prefix"` // the workspace's root, if npm was given one
	Workspaces []string                   `json:"workspaces"`
	Want       []string                   `json:"expect_npm_packlist_10_0_4"`
}

// TestVectors runs the recorded cases, which are not part of this repository.
func TestVectors(t *testing.T) {
	file := filepath.Join(projectRoot(t), "..", "shared", "vectors", "npm-packlist", "cases.json")
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) && os.Getenv("REQUIRE_VECTORS") != "1" {
		t.Skip("no recorded cases beside the project; REQUIRE_VECTORS=1 makes this a failure")
	}
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct{ Cases []vector }
	if err := json.Unmarshal(text, &recorded); err != nil {
		t.Fatal(err)
	}
	if len(recorded.Cases) < 70 {
		t.Fatalf("%d cases, want at least 70", len(recorded.Cases))
	}
	for _, v := range recorded.Cases {
		t.Run(v.ID, func(t *testing.T) {
			t.Parallel()
			top := t.TempDir()
			writeTree(t, top, v.Tree)
			var opts packlist.Options
			if v.Prefix != nil {
				opts.WorkspaceRoot = filepath.Join(top, *v.Prefix)
			}
			for _, w := range v.Workspaces {
				opts.Workspaces = append(opts.Workspaces, filepath.Join(top, w))
			}
			files, err := packlist.List(filepath.Join(top, v.Path), opts)
			if err != nil {
				t.Fatal(err)
			}
			got := paths(files)
			isManifest := func(p string) bool { return p == "package.json" }
			if slices.ContainsFunc(got, isManifest) != slices.ContainsFunc(v.Want, isManifest) {
				t.Errorf("package.json listed: %t, npm says otherwise", slices.ContainsFunc(got, isManifest))
			}
			if d := cmp.Diff(slices.DeleteFunc(v.Want, isManifest), slices.DeleteFunc(got, isManifest)); d != "" {
				t.Errorf("files (-npm +got):\n%s", d)
			}
		})
	}
}

// writeTree makes the files, folders and links of a recorded tree.
func writeTree(t *testing.T, dir string, tree map[string]json.RawMessage) {
	t.Helper()
	for name, raw := range tree {
		p := filepath.Join(dir, name)
		var leaf struct {
			Content *string `json:"content"`
			Symlink *string `json:"symlink"`
		}
		err := json.Unmarshal(raw, &leaf)
		switch {
		case err == nil && leaf.Content != nil:
			err = os.WriteFile(p, []byte(*leaf.Content), 0o644)
		case err == nil && leaf.Symlink != nil:
			err = os.Symlink(*leaf.Symlink, p)
		default:
			var sub map[string]json.RawMessage
			if err := json.Unmarshal(raw, &sub); err != nil {
				t.Fatal(err)
			}
			err = os.Mkdir(p, 0o755)
			writeTree(t, p, sub)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func paths(files []packlist.File) []string {
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = f.Path
	}
	return out
}

// projectRoot is the folder of go.mod.
func projectRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := fs.Stat(os.DirFS(dir), "go.mod"); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}
