package layering

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var listed = regexp.MustCompile("(?m)^- `([^`]+)`: \\S")

// TestDesignNamesEveryPackage: docs/design.md lists the packages of the tree, each once, and no others.
func TestDesignNamesEveryPackage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/design.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## The packages\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var inDoc, inTree []string
	for _, m := range listed.FindAllStringSubmatch(section, -1) {
		inDoc = append(inDoc, m[1])
	}
	for _, p := range list(t) {
		inTree = append(inTree, strings.TrimPrefix(p.ImportPath, module))
	}
	for _, name := range inTree {
		if !slices.Contains(inDoc, name) {
			t.Errorf("docs/design.md does not list %s", name)
		}
	}
	for i, name := range inDoc {
		if !slices.Contains(inTree, name) {
			t.Errorf("docs/design.md lists %s, which is not there", name)
		}
		if slices.Contains(inDoc[:i], name) {
			t.Errorf("docs/design.md lists %s twice", name)
		}
	}
}
