package workspace

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/org/registry-action/internal/format/npm/npmtest"
)

// TestMembersNPM compares the folders that patterns mean with npm's own
// map-workspaces on the same tree.
func TestMembersNPM(t *testing.T) {
	lists := [][]string{
		{"packages/*"}, {"packages/**"}, {"./packages/*/"}, {"/packages/a"}, {"packages/a", "packages/b"}, {"*"}, {"**"}, {"packages"},
		{"{packages,apps}/*"}, {"packages/{a,b}"}, {"packages/[ab]"}, {"packages/?"}, {"packages/.hidden"}, {"packages/.*"}, {"packages/*/*"},
		{"packages/**", "!packages/a"}, {"!packages/a", "packages/**"}, {"packages/**", "!packages/b/**"}, {"packages/**", "!**/inner"},
		{"packages/**", "!packages/b/*", "packages/b/inner"}, {"packages/*", "!packages/*"}, {"packages/*", "!!packages/a"},
		{"packages/*", "!packages/a", "!packages/b", "packages/b"}, {"nowhere/*"}, {"packages/**/inner"}, {`packages\a`}, {"packages/*", "packages/a"},
	}
	var tree strings.Builder
	tree.WriteString("-- package.json --\n{\"name\": \"root\"}\n-- packages/file --\n-- packages/empty/file --\n")
	for _, dir := range []string{
		"top", "packages", "packages/a", "packages/b", "packages/b/inner", "packages/b/node_modules/x", "packages/.hidden", "packages/.hidden/deep",
		"packages/long", "apps/web", "node_modules/y", "packages/empty/below/inner",
	} {
		tree.WriteString("-- " + dir + "/package.json --\n{\"name\": \"" + dir + "\"}\n")
	}
	root := write(t, txtar.Parse([]byte(tree.String())))
	var want [][]string
	npmtest.Run(t, `
		const map = npmRequire("@npmcli/map-workspaces");
		const path = require("node:path");
		const answers = [];
		for (const workspaces of input.lists) {
			const found = await map({ cwd: input.root, pkg: { workspaces } });
			answers.push([...found.values()].map((p) => path.relative(input.root, p)).sort());
		}
		return answers;`, map[string]any{"root": root, "lists": lists}, &want)
	for i, patterns := range lists {
		manifest, err := json.Marshal(map[string]any{"workspaces": patterns})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "package.json"), manifest, 0o644); err != nil {
			t.Fatal(err)
		}
		w, err := Open(root)
		if err != nil {
			t.Errorf("%q: %v", patterns, err)
			continue
		}
		got := []string{}
		for _, m := range w.Members {
			got = append(got, m.Dir)
		}
		if d := gocmp.Diff(want[i], got); d != "" {
			t.Errorf("%q (-npm +ours)\n%s", patterns, d)
		}
	}
}
