package manifest

import (
	"cmp"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// Manifest is a parsed package.json with its source text.
type Manifest struct {
	Path    string // where it was read, for errors
	Source  []byte // the text as read, without its byte order mark
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
	// Bins are the package-relative paths of `bin`, or, where there is no bin, the
	// folder that `directories.bin` names. Overrides by publishConfig show in the
	// bins of the rewritten manifest.
	Bins []string
	// Catalogs are bun's: `catalog` and `catalogs`, in `workspaces` or beside it.
	Catalogs Catalogs
}

// PublishConfig is the part of publishConfig that packing obeys.
type PublishConfig struct {
	Directory       string   // pnpm: the folder to pack in place of the package's own
	ExecutableFiles []string // pnpm, yarn: files that get 0755
	Name            string   // pnpm: the name in the packed manifest
}

// Catalogs are the workspace's catalogs: name -> package -> specifier. The
// default catalog has the name "default".
type Catalogs map[string]map[string]string

// Resolve returns the specifier that a `catalog:` or `catalog:name` specifier
// of the dependency dep stands for. Any other comes back as it is.
func (c Catalogs) Resolve(dep, spec string) (string, error) {
	name, ok := strings.CutPrefix(spec, "catalog:")
	if !ok {
		return spec, nil
	}
	name = cmp.Or(strings.TrimSpace(name), "default")
	catalog, ok := c[name]
	if !ok {
		return "", fault.New(fault.Invalid, "the workspace has no catalog %q", name)
	}
	entry, ok := catalog[dep]
	if !ok {
		return "", fault.New(fault.Invalid, "the catalog %q has no entry for it", name)
	}
	if strings.HasPrefix(entry, "catalog:") {
		return "", fault.New(fault.Invalid, "its entry in the catalog %q is itself %q; write a range there", name, entry)
	}
	return entry, nil
}

// Sibling is a package of the same workspace.
type Sibling struct {
	Name    string
	Version string // its own version, as its package.json says
	Dir     string // slash-separated, relative to the workspace's root
	// Pin is the specifier that replaces any reference to this sibling: an exact
	// preview version or a URL. Empty: the sibling is not published along, and
	// only `workspace:` is resolved, to its own version.
	Pin string
	// PublishName is the name it is packed under, if that isn't Name (pnpm's
	// publishConfig.name). A version pin then becomes an npm: alias.
	PublishName string
}

// Rewrite says how a manifest is changed on its way into the tarball.
type Rewrite struct {
	Version  string // written into the packed manifest; empty keeps its own
	Dir      string // the package's own folder, slash-separated, relative to the workspace's root
	Siblings map[string]Sibling
	Catalogs Catalogs
	// PinPeers also pins peerDependencies on siblings; else they keep their range
	// (with `workspace:` and `catalog:` resolved), and Version beside it, which a
	// pinned sibling has too: "^1.2.3 || 0.0.0-commit.g0123456789".
	PinPeers bool
	// PNPM applies what only pnpm does: publishConfig overrides move into the
	// manifest, and pnpm's own fields are dropped.
	PNPM bool
	// Yarn applies berry's publishConfig overrides.
	Yarn bool
}
