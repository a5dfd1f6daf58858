// Package packlist says which files of a folder belong to its npm package:
// the rules of npm-packlist 10.0.4 and ignore-walk 8, as npm 11 uses them.
package packlist

// Options describe the package's surroundings.
type Options struct {
	// Manifest is used in place of the root package.json on disk, if not nil.
	Manifest []byte
	// WorkspaceRoot is the absolute folder of the workspace the package is a
	// member of, if any: ignore files from there down to the package's parent apply.
	WorkspaceRoot string
	// Workspaces are the absolute folders of the workspace's members; when the
	// package is itself the workspace's root, they are left out.
	Workspaces []string
}

// File is a file of the list.
type File struct {
	Path string // slash-separated, relative to the package's folder
}
