package wire

// Changes answers GET /commits/{sha}/changes: what became of a commit's packages since the first of some bases that was
// published here. Its query:
//
//	repository  the repository whose packages are compared: a URL, or owner/repo; needed if the commit has packages of several
//	base        a commit that the changes are counted from; may be given up to 50 times, the best one first
//	branch      where none of them has packages here: the newest of this branch that was published before the commit
type Changes struct {
	SHA  string `json:"sha"`
	Base *Base  `json:"base"` // null: none of them was, so that there is nothing to compare with
	// Packages are changed, added, removed and then unchanged ones, each by name. Without a base they are the commit's, and
	// of each there are only its sizes and broken entries.
	Packages []PackageChange `json:"packages"`
}

// Base is the commit that changes are counted from.
type Base struct {
	SHA    string `json:"sha"`
	Branch string `json:"branch,omitempty"` // it is not one of those asked for, but the newest of this branch
}

// The kinds of a PackageChange.
const (
	Changed   = "changed"
	Added     = "added"
	Removed   = "removed"
	Unchanged = "unchanged"
)

// PackageChange is what became of one package. Of an added one Dependencies and Scripts are all that it has; Files and
// Entries, which are all new, are left out. Of a removed and of an unchanged one there are only the sizes. A removed one is in
// the base and was not published for the commit, whatever the reason.
type PackageChange struct {
	Name         string             `json:"name"`
	Kind         string             `json:"kind,omitempty"`         // "changed", "added", "removed" or "unchanged"; empty: there is no base
	Size         *SizeChange        `json:"size,omitempty"`         // of the tarball
	UnpackedSize *SizeChange        `json:"unpackedSize,omitempty"` // of its files
	Files        *FileChanges       `json:"files,omitempty"`
	Dependencies []DependencyChange `json:"dependencies,omitempty"`
	Entries      []EntryChange      `json:"entries,omitempty"`    // of exports, types, bin and the like
	Scripts      []ScriptChange     `json:"scripts,omitempty"`    // that run at install
	Broken       []BrokenEntry      `json:"broken,omitempty"`     // whether or not it was broken before
	Incomplete   bool               `json:"incomplete,omitempty"` // there was no time, an archive could not be read whole, or a list other than of files was cut
}

// SizeChange is a number of bytes before and after; absent where there is none.
type SizeChange struct {
	Before *int64 `json:"before,omitempty"`
	After  *int64 `json:"after,omitempty"`
}

// FileChanges are the paths of files; each list has at most 100, the numbers count all. A package.json in which only
// the digits of the commit changed is none of them.
type FileChanges struct {
	Added        []string `json:"added,omitempty"`
	Removed      []string `json:"removed,omitempty"`
	Changed      []string `json:"changed,omitempty"`
	AddedCount   int      `json:"addedCount,omitempty"`
	RemovedCount int      `json:"removedCount,omitempty"`
	ChangedCount int      `json:"changedCount,omitempty"`
}

// DependencyChange is a dependency that was added (no Before), removed (no After) or changed.
type DependencyChange struct {
	Field  string `json:"field"` // "dependencies", "peerDependencies", …
	Name   string `json:"name"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// ScriptChange is a script that runs at install, and that was added (no Before) or runs something else.
type ScriptChange struct {
	Name   string `json:"name"` // "preinstall", "install" or "postinstall"
	Before string `json:"before,omitempty"`
	After  string `json:"after"` // the command; "node-gyp rebuild" for a binding.gyp
}

// EntryChange is a way into the package that was added, removed or leads elsewhere.
type EntryChange struct {
	Field  string `json:"field"` // as people write it: main, bin.acme, exports["./x"].import
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// BrokenEntry is a way into the package that leads to no file of it.
type BrokenEntry struct {
	Field  string `json:"field"`
	Target string `json:"target"`
}
