package pack

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/format/manifest"
)

func TestBinNames(t *testing.T) {
	files := []File{{Path: "package.json"}, {Path: "tools/b.js"}, {Path: "tools/a"}, {Path: "tools/lib/c.js"}, {Path: "d.js"}}
	for name, c := range map[string]struct {
		src  string
		want []string
	}{
		"none":      {`{"name":"x"}`, nil},
		"string":    {`{"name":"@s/x","bin":"./cli.js"}`, []string{"x"}},
		"map":       {`{"name":"x","bin":{"two":"2.js","one":"1.js"}}`, []string{"one", "two"}},
		"empty":     {`{"name":"x","bin":""}`, nil},
		"directory": {`{"name":"x","directories":{"bin":"./tools/"}}`, []string{"a", "b.js"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := manifest.Parse("package.json", []byte(c.src))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, binNames(m, files)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestIsBerry(t *testing.T) {
	for name, c := range map[string]struct {
		manager    workspace.Manager
		file, text string
		want       bool
	}{
		"npm with yarn's settings": {workspace.NPM, ".yarnrc.yml", "", false},
		"settings":                 {workspace.Yarn, ".yarnrc.yml", "", true},
		"lockfile":                 {workspace.Yarn, "yarn.lock", "# generated\n\n__metadata:\n  version: 8\n", true},
		"classic":                  {workspace.Yarn, "yarn.lock", "# yarn lockfile v1\n", false},
		"nothing":                  {workspace.Yarn, "package.json", "{}", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := isBerry(&workspace.Workspace{Root: dir, Manager: c.manager})
			if err != nil || got != c.want {
				t.Errorf("isBerry = %t, %v; want %t", got, err, c.want)
			}
		})
	}
}

// Of the environment's variables of one name the last one counts.
func TestVariable(t *testing.T) {
	env := []string{"PATH=/a", "Path=/b=c", "X="}
	if got := variable(env, "PATH"); got != "/b=c" {
		t.Errorf("PATH = %q", got)
	}
	if got := variable(env, "Y"); got != "" {
		t.Errorf("Y = %q", got)
	}
}
