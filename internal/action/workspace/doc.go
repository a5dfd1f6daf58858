// Package workspace finds the packages of a repository: npm, yarn and bun
// `workspaces`, pnpm-workspace.yaml with its catalogs, or a single package; and
// packages of Zig and Lumen, the folders with a build.zig.zon or a lumen.toml, in any of them or alone.
package workspace

import "github.com/org/registry-action/internal/format/manifest"

// Manager is a package manager.
type Manager string

// The managers.
const (
	NPM  Manager = "npm"
	PNPM Manager = "pnpm"
	Yarn Manager = "yarn" // classic and berry
	Bun  Manager = "bun"
)

// Workspace is a repository's packages.
type Workspace struct {
	Root     string // absolute folder, links resolved
	Manager  Manager
	Members  []*Member // by Dir; includes the root package if it has a name
	Catalogs manifest.Catalogs
	Packages []*Package // by Dir; what Add has added
}

// Member is an npm package of the workspace.
type Member struct {
	Dir      string // slash-separated, relative to the root; "." for the root itself
	Path     string // absolute folder
	Manifest *manifest.Manifest

	packDir string // absolute; empty for Path
}

// PackDir is the absolute folder that is packed: publishConfig.directory in a
// pnpm workspace, else Path. Its package.json is the one that is rewritten and
// packed; a build may only make it later.
func (m *Member) PackDir() string {
	if m.packDir != "" {
		return m.packDir
	}
	return m.Path
}

// Siblings are the named members by name, none of them pinned. Where a private
// package shares the name of one that isn't, the latter counts.
func (w *Workspace) Siblings() map[string]manifest.Sibling {
	all := make(map[string]manifest.Sibling, len(w.Members))
	for _, m := range w.Members {
		f := m.Manifest
		if _, taken := all[f.Name]; f.Name == "" || taken && f.Private {
			continue
		}
		s := manifest.Sibling{Name: f.Name, Version: f.Version, Dir: m.Dir}
		if w.Manager == PNPM && f.PublishConfig.Name != f.Name {
			s.PublishName = f.PublishConfig.Name
		}
		all[f.Name] = s
	}
	return all
}
