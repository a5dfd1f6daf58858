package entrypoints

import (
	"path"
	"slices"
	"strings"
)

// The extensions that are tried, in no order that matters here.
var (
	nodeExtensions    = []string{".js", ".json", ".node"}
	bundlerExtensions = append([]string{".mjs", ".cjs", ".jsx", ".ts", ".mts", ".tsx", ".wasm", ".css"}, nodeExtensions...)
	typesExtensions   = []string{".d.ts", ".ts", ".tsx"}
)

// main reports whether who takes a package for a folder with a file finds one: Node for main.
func (f Files) main(target string) bool {
	return f.module(target, nodeExtensions) || f.index("", nodeExtensions) || f.declarations && f.types(target)
}

// module reports whether a target is a file, or becomes one by an extension or as a folder.
func (f Files) module(target string, extensions []string) bool {
	for _, form := range []string{target, decoded(target)} {
		p, ok := inside(form)
		if ok && (f.has(p) || p != "." && f.with(p, extensions) || f.index(p+"/", extensions)) {
			return true
		}
	}
	return false
}

func (f Files) with(p string, extensions []string) bool {
	for _, e := range extensions {
		if f.has(p + e) {
			return true
		}
	}
	return false
}

// index reports whether a folder, which ends with a slash, has an index.
func (f Files) index(folder string, extensions []string) bool {
	return f.with(strings.TrimPrefix(folder, "./")+"index", extensions)
}

// types reports whether TypeScript finds a target: a file of it, of an extension that was left out, a folder, or the
// index in the top folder, which is where it looks last.
func (f Files) types(target string) bool {
	p, ok := inside(target)
	if !ok {
		return f.index("", typesExtensions)
	}
	if slices.ContainsFunc(append(typed(p), p), f.has) {
		return true
	}
	return f.with(p, typesExtensions) || f.index(p+"/", typesExtensions) || f.index("", typesExtensions)
}

// typed lists what TypeScript takes a file for, beside itself: ./a.js is a.ts, a.d.ts and the like.
func typed(p string) []string {
	ext := path.Ext(p)
	base := strings.TrimSuffix(strings.TrimSuffix(p, ext), ".d")
	switch ext {
	case "":
		return nil
	case ".js", ".jsx", ".ts", ".tsx":
		return []string{base + ".ts", base + ".tsx", base + ".d.ts"}
	case ".mjs", ".mts":
		return []string{base + ".mts", base + ".d.mts"}
	case ".cjs", ".cts":
		return []string{base + ".cts", base + ".d.cts"}
	}
	return []string{base + ".d" + ext + ".ts"}
}

// bin reports whether npm has a file to link.
func (f Files) bin(target string) bool {
	clean := path.Clean("/" + strings.ReplaceAll(target, `\`, "/"))[1:]
	return f.has(clean) || f.has(target)
}
