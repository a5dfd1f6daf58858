package layering

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// namedTest is a test as docs/security.md names it: its package below internal or the root, and its function.
var namedTest = regexp.MustCompile("`([a-z0-9/-]+)\\.((?:Test|Fuzz)[A-Za-z0-9_]+)`")

// TestSecurityIsShown: every defence that docs/security.md tells of has a test, which is there.
func TestSecurityIsShown(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	functions, rows := map[string]map[string]bool{}, 0
	for line := range strings.Lines(string(text)) {
		tests := namedTest.FindAllStringSubmatch(line, -1)
		if cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|"); len(cells) == 4 && !strings.HasPrefix(line, "|---") && strings.TrimSpace(cells[0]) != "asset" {
			if rows++; len(tests) == 0 {
				t.Errorf("docs/security.md has a row without a test: %s", line)
			}
		}
		for _, m := range tests {
			dir := m[1]
			if functions[dir] == nil {
				functions[dir] = testsOf(t, dir)
			}
			if !functions[dir][m[2]] {
				t.Errorf("docs/security.md names %s.%s, which is not there", dir, m[2])
			}
		}
	}
	if rows < 50 || len(functions) < 20 {
		t.Errorf("docs/security.md has %d rows with tests of %d packages; was it read?", rows, len(functions))
	}
}

// testsOf lists the test functions of a package.
func testsOf(t *testing.T, dir string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, base := range []string{filepath.Join(root, "internal"), root} {
		files, err := filepath.Glob(filepath.Join(base, filepath.FromSlash(dir), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range parsed.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
					found[f.Name.Name] = true
				}
			}
		}
	}
	return found
}
