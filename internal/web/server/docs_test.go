package server

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const apiDoc = "../../../docs/api.md"

func readDoc(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(apiDoc)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// calls yields the arguments of every call in a Go file, as texts; what is no text is "".
func calls(t *testing.T, path string, yield func(function string, args []string)) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		function := ""
		switch f := call.Fun.(type) {
		case *ast.Ident:
			function = f.Name
		case *ast.SelectorExpr:
			function = f.Sel.Name
		}
		args := make([]string, len(call.Args))
		for i, a := range call.Args {
			if lit, ok := a.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if args[i], err = strconv.Unquote(lit.Value); err != nil {
					t.Fatal(err)
				}
			}
		}
		yield(function, args)
		return true
	})
}

// registered are the routes of all protocols, as "GET /path". A registry's own
// address has no path; it is known by its prefixes.
func registered(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("../*/routes.go")
	if err != nil || len(files) < 4 {
		t.Fatalf("the protocols have %d files of routes (%v)", len(files), err)
	}
	routes := map[string]bool{}
	for _, file := range append(files, "server.go") {
		calls(t, file, func(function string, args []string) {
			switch {
			case function == "Handle" && len(args) == 2 && args[0] != "":
				routes[args[0]] = true
			case len(args) == 3 && strings.ToUpper(args[0]) == args[0] && args[0] != "" && args[1] != "":
				routes[args[0]+" "+args[1]] = true
			case len(args) == 3 && args[0] == "GET":
				routes["GET /npm/"], routes["GET /~/{owner}/{repo}/"] = true, true
			}
		})
	}
	return routes
}

// installURLs are the documented forms of the one pattern that has them all.
var installURLs = map[string]string{"GET /{owner}/{repo}/{name}@{ref}": "GET /{path...}", "GET /{name}@{sha}": "GET /{path...}"}

var documentedRoute = regexp.MustCompile("`((?:GET|HEAD|POST|PUT|DELETE) /[^`?]*)")

func TestEveryRouteIsDocumented(t *testing.T) {
	routes, documented := registered(t), map[string]bool{}
	for _, m := range documentedRoute.FindAllStringSubmatch(readDoc(t), -1) {
		route := m[1]
		if pattern, ok := installURLs[route]; ok {
			route = pattern
		}
		documented[route] = true
	}
	if len(routes) < 80 {
		t.Fatalf("only %d routes were found: %q", len(routes), slices.Sorted(maps.Keys(routes)))
	}
	for _, route := range slices.Sorted(maps.Keys(routes)) {
		if !documented[route] {
			t.Errorf("docs/api.md lacks %q", route)
		}
	}
	for _, route := range slices.Sorted(maps.Keys(documented)) {
		if !routes[route] {
			t.Errorf("docs/api.md has %q, which no protocol registers", route)
		}
	}
}

// codeSources are where the codes of refusals are written down.
var codeSources = map[string]*regexp.Regexp{
	"../../fault":       regexp.MustCompile(`Kind = "(\w+)"`),
	"../../web/httpkit": regexp.MustCompile(`fault\.Kind = "(\w+)"`),
	"../..":             regexp.MustCompile(`(?:WithCode\(|InvalidBase64 = |codeInvalidTag = )"(\w+)"`),
}

func codes(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for root, pattern := range codeSources {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
				found[m[1]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func TestEveryCodeIsDocumented(t *testing.T) {
	_, rest, _ := strings.Cut(readDoc(t), "\n## Errors\n")
	section, _, _ := strings.Cut(rest, "\n## ")
	found := codes(t)
	if len(found) < 60 {
		t.Fatalf("only %d codes were found: %q", len(found), slices.Sorted(maps.Keys(found)))
	}
	for _, code := range slices.Sorted(maps.Keys(found)) {
		if !strings.Contains(section, "`"+code+"`") {
			t.Errorf("the errors of docs/api.md lack %q", code)
		}
	}
}
