package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/wire"
)

// TestChanges publishes main and a change of one package with the real program: the others differ in the digits of the
// commit alone, in their versions and in those of their siblings.
func TestChanges(t *testing.T) {
	s := startServer(t, t.TempDir())
	dir, base := checkout(t, workspace)
	env := cleanEnv("REGISTRY_URL=" + s.url)
	publishCommit(t, dir, env).must(t)
	write(t, dir, `
-- packages/core/package.json --
{
  "name": "@acme/core",
  "version": "1.2.0",
  "main": "dist/index.js",
  "scripts": {"postinstall": "node install.js"},
  "dependencies": {"ms": "^2.1.3"}
}
-- packages/core/install.js --
console.log("installed");
`)
	if err := os.Remove(filepath.Join(dir, "packages/core/index.js")); err != nil {
		t.Fatal(err)
	}
	head := commit(t, dir)
	publishCommit(t, dir, env).must(t)
	client, err := regclient.New(regclient.Options{BaseURL: s.url})
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.Changes(t.Context(), head, regclient.ChangesQuery{Repository: "acme/ws", Bases: []string{strings.Repeat("0", 40), base}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range got.Packages {
		got.Packages[i].Size, got.Packages[i].UnpackedSize = nil, nil
	}
	want := wire.Changes{SHA: head, Base: &wire.Base{SHA: base}, Packages: []wire.PackageChange{
		{
			Name: "@acme/core", Kind: "changed",
			Files:        &wire.FileChanges{Added: []string{"install.js"}, Removed: []string{"index.js"}, Changed: []string{"package.json"}, AddedCount: 1, RemovedCount: 1, ChangedCount: 1},
			Dependencies: []wire.DependencyChange{{Field: "dependencies", Name: "ms", After: "^2.1.3"}},
			Entries:      []wire.EntryChange{{Field: "main", Before: "index.js", After: "dist/index.js"}},
			Scripts:      []wire.ScriptChange{{Name: "postinstall", After: "node install.js"}},
			Broken:       []wire.BrokenEntry{{Field: "main", Target: "dist/index.js"}},
		},
		{Name: "acme-cli", Kind: "unchanged"},
		{Name: "acme-mid", Kind: "unchanged"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
