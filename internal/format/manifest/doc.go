// Package manifest reads a package.json and rewrites it for packing. Edits are
// made by offset in the original text, so that key order, indentation, line
// ends and numbers stay as their author wrote them.
//
// The rules of `workspace:`, `catalog:` and `publishConfig` are those that pnpm
// and yarn apply when they pack (pnpm's exportable manifest, berry's pack).
package manifest
