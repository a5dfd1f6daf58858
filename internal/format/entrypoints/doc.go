// Package entrypoints knows the ways into an npm package that its package.json names, and tells which of them lead to
// no file of it.
//
// Read are main, module, browser, types, typings, typesVersions, bin and exports, each as who uses it does:
//
//   - main: Node's LOAD_AS_DIRECTORY, with its extensions, folders and the fallback to index.js in the top folder;
//   - module and browser: bundlers, which look for a few extensions more. What browser replaces by false, or by another
//     package, is no way into this one;
//   - types and typings: TypeScript, for which ./a.js is a.d.ts. Beside typesVersions they mean other files, and are not checked;
//   - bin: npm, which links exactly that file;
//   - exports: Node's PACKAGE_TARGET_RESOLVE, which guesses no extension; below the condition "types" TypeScript. A pattern
//     is broken if no file fits it; of the targets in a list one that is there is enough, as for bundlers.
//
// What Node or TypeScript resolves is never called broken. So null is none, nor is what stands below a condition that no
// runtime sets by itself: "source" and the like are for the package's own repository. Where a package has declarations
// only, TypeScript is the one that reads it, whatever the field. Not looked at: imports, directories, man.
package entrypoints

import (
	"github.com/org/registry-action/internal/format/packument"
)

// Entry is a way into a package.
type Entry struct {
	Field  string // as people write it: main, bin.acme, exports["./x"].import
	Target string // as it stands there; what is no text as JSON: null, false
}

// Package is what is looked at.
type Package struct {
	Manifest packument.Object // its package.json
	Files    Files
}
