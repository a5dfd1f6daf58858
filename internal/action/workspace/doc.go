// Package workspace finds the packages of a repository: npm, yarn and bun
// `workspaces`, pnpm-workspace.yaml with its catalogs, or a single package.
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
	Root     string // absolute folder
	Manager  Manager
	Members  []*Member // by Dir; includes the root package if it has a name
	Catalogs manifest.Catalogs
}

// Member is a package of the workspace.
type Member struct {
	Dir      string // slash-separated, relative to the root; "." for the root itself
	Path     string // absolute folder
	Manifest *manifest.Manifest
}
