package entrypoints

import (
	"net/url"
	"path"
	"slices"
	"strings"
)

// Files are the files of a package.
type Files struct {
	paths        []string // sorted
	declarations bool     // it has TypeScript's declarations and no code
}

// code are the extensions of what Node and browsers run. Without any TypeScript alone reads a package.
var code = []string{".js", ".mjs", ".cjs", ".jsx", ".node", ".wasm"}

// FilesOf returns the files with these paths, below the package's folder.
func FilesOf(paths []string) Files {
	f := Files{paths: slices.Sorted(slices.Values(paths))}
	runs := false
	for _, p := range f.paths {
		runs = runs || slices.Contains(code, path.Ext(p))
		f.declarations = f.declarations || isDeclaration(p)
	}
	f.declarations = f.declarations && !runs
	return f
}

func isDeclaration(p string) bool {
	for _, suffix := range []string{".d.ts", ".d.mts", ".d.cts"} {
		if strings.HasSuffix(p, suffix) {
			return true
		}
	}
	return false
}

func (f Files) has(p string) bool {
	_, ok := slices.BinarySearch(f.paths, p)
	return ok
}

// hasBelow reports whether anything lies in a folder.
func (f Files) hasBelow(folder string) bool {
	i, _ := slices.BinarySearch(f.paths, folder+"/")
	return i < len(f.paths) && strings.HasPrefix(f.paths[i], folder+"/")
}

// fits reports whether there is a file that a pattern means: each of its stars stands for the same text.
func (f Files) fits(pattern string) bool {
	parts := strings.Split(pattern, "*")
	i, _ := slices.BinarySearch(f.paths, parts[0])
	for _, p := range f.paths[i:] {
		if !strings.HasPrefix(p, parts[0]) {
			return false
		}
		if isMade(p, parts, len(pattern)) {
			return true
		}
	}
	return false
}

// isMade reports whether a path is the parts of a pattern with one text between them.
func isMade(p string, parts []string, length int) bool {
	stars := len(parts) - 1
	free := len(p) - (length - stars)
	if free < stars || free%stars != 0 {
		return false
	}
	text, rest := p[len(parts[0]):len(parts[0])+free/stars], p[len(parts[0]):]
	for _, part := range parts[1:] {
		if !strings.HasPrefix(rest, text) || !strings.HasPrefix(rest[len(text):], part) {
			return false
		}
		rest = rest[len(text)+len(part):]
	}
	return true
}

// inside makes a target a path below the package's folder; ok is false if it leads out of it.
func inside(target string) (p string, ok bool) {
	p = path.Clean("./" + target)
	return p, p != ".." && !strings.HasPrefix(p, "../")
}

// decoded is a target as a URL, which Node reads it as where it imports.
func decoded(target string) string {
	u, err := url.Parse(strings.ReplaceAll(target, `\`, "/"))
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" {
		return target
	}
	return u.Path
}
