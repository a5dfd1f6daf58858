package entrypoints_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/format/entrypoints"
	"github.com/org/registry-action/internal/format/packument"
)

// resolved is a package with one way in, and who finds it; testdata/generate.mjs asked them.
type resolved struct {
	Files      []string
	Manifest   packument.Object
	Node       bool
	TypeScript bool
}

// reads reports whether the one whom the way in is for finds a file.
func (r resolved) reads() bool {
	manifest, _ := json.Marshal(r.Manifest)
	if strings.Contains(string(manifest), `"types"`) {
		return r.TypeScript
	}
	return r.Node || r.TypeScript && declarationsOnly(r.Files)
}

func declarationsOnly(files []string) bool {
	ends := func(suffixes ...string) bool {
		return slices.ContainsFunc(files, func(f string) bool {
			return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(f, s) })
		})
	}
	return ends(".d.ts", ".d.mts") && !ends(".js", ".cjs", ".mjs")
}

// TestAsNodeAndTypeScript has what they were asked once: what one of them finds is not broken, and a file that Node does
// not find is, where it alone is asked.
func TestAsNodeAndTypeScript(t *testing.T) {
	text, err := os.ReadFile("testdata/resolved.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []resolved
	if err := json.Unmarshal(text, &all); err != nil || len(all) < 500 {
		t.Fatalf("%d cases: %v", len(all), err)
	}
	alarms := 0
	for _, r := range all {
		broken := entrypoints.Broken(entrypoints.Package{Manifest: r.Manifest, Files: entrypoints.FilesOf(append(r.Files, "package.json"))})
		manifest, _ := json.Marshal(r.Manifest)
		alone := (r.Manifest.Text("main") != "" || r.Manifest.Text("exports") != "") && !declarationsOnly(r.Files)
		switch {
		case r.reads() && len(broken) > 0:
			t.Errorf("a false alarm: %s with %q is broken: %v", manifest, r.Files, broken)
		case alone && !r.Node && len(broken) == 0:
			t.Errorf("not noticed: %s with %q", manifest, r.Files)
		case alone && !r.Node:
			alarms++
		}
	}
	if alarms < 50 {
		t.Errorf("only %d of the cases are broken for Node", alarms)
	}
}
