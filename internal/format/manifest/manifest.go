package manifest

// Manifest is a parsed package.json with its source text.
type Manifest struct {
	Path    string // where it was read, for errors
	Source  []byte // the text as read
	Name    string
	Version string
	Private bool
	Scripts map[string]string
	// Dependencies by field name ("dependencies", "devDependencies",
	// "optionalDependencies", "peerDependencies"): name -> specifier.
	Dependencies  map[string]map[string]string
	Workspaces    []string // npm, yarn and bun: both the array and the object form
	PublishConfig PublishConfig
	// ManagerField is the `packageManager` field, as in "pnpm@12.21.0".
	ManagerField string
	// Bins are the package-relative paths of `bin` and `directories.bin`.
	Bins []string
}

// PublishConfig is the part of publishConfig that packing obeys.
type PublishConfig struct {
	Directory       string   // pnpm: the folder to pack in place of the package's own
	ExecutableFiles []string // pnpm, yarn: files that get 0755
}

// Catalogs are the workspace's catalogs: name -> package -> specifier. The
// default catalog has the name "default".
type Catalogs map[string]map[string]string

// Sibling is a package of the same workspace.
type Sibling struct {
	Name    string
	Version string // its own version, as its package.json says
	Dir     string // slash-separated, relative to the workspace's root
	// Pin is the specifier that replaces any reference to this sibling: an exact
	// preview version or a URL. Empty: the sibling is not published along, and
	// only `workspace:` is resolved, to its own version.
	Pin string
}

// Rewrite says how a manifest is changed on its way into the tarball.
type Rewrite struct {
	Version  string // written into the packed manifest; empty keeps its own
	Dir      string // the package's own folder, slash-separated, relative to the workspace's root
	Siblings map[string]Sibling
	Catalogs Catalogs
	// PinPeers also pins peerDependencies on siblings; else they keep their range
	// (with `workspace:` and `catalog:` resolved).
	PinPeers bool
	// PNPM applies what only pnpm does: publishConfig overrides move into the
	// manifest, and pnpm's own fields are dropped.
	PNPM bool
	// Yarn applies berry's publishConfig overrides.
	Yarn bool
}
