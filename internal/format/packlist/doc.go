// Package packlist says which files of a folder belong to its npm package:
// the rules of npm-packlist 10.0.4 and ignore-walk 8, as npm 11 uses them.
//
// Each folder has rule lists: built-in defaults, the files array of
// package.json (at the top only), .npmignore, .gitignore and, last, rules that
// nothing overrides. A path is judged by the lists of every folder above it,
// from the top down; within a list the last rule that matches decides. Patterns
// are package glob's. Links, special files, empty folders and names with a "*"
// are left out.
//
// Three things differ from npm on purpose, all about bundled dependencies that
// are links. What such a package depends on is listed below the link, where it
// is found at run time, and not above it; where npm would name an entry above
// the packed package's folder, List refuses; and the files array of a link's
// target holds whether or not node_modules has a lockfile of npm's.
package packlist

import "io/fs"

// Options describe the package's surroundings.
type Options struct {
	// Manifest is used in place of the root package.json on disk, if not nil.
	Manifest []byte
	// WorkspaceRoot is the absolute folder of the workspace the package belongs
	// to, if any. If Workspaces names the package, the ignore files from there
	// down to the package's parent apply.
	WorkspaceRoot string
	// Workspaces are the absolute folders of the workspace's members; when the
	// package is itself the workspace's root, they are left out.
	Workspaces []string
}

// File is a file of the list.
type File struct {
	Path string      // slash-separated, relative to the package's folder
	Size int64       // bytes
	Mode fs.FileMode // as on disk
	// Executable says that npm gives the entry mode bits 0111 for a `bin`. npm
	// compares a bin's path with the entry's path less its first folder, so it is
	// true of cli.js for "bin": "cli.js", and false of bin/cli.js for "bin/cli.js".
	Executable bool
	// Base is the absolute folder that Name is relative to, for reading the file
	// through an os.Root: the package's folder, or the one that a bundled
	// dependency's link leads to.
	Base, Name string
}
