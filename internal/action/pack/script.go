package pack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/org/registry-action/internal/action/workspace"
)

// before and after name the lifecycle scripts of a manager's own pack command.
func before(m workspace.Manager) []string {
	if m == workspace.Yarn {
		return []string{"prepack"}
	}
	return []string{"prepack", "prepare"}
}

// lifecycle are all of them.
func lifecycle(m workspace.Manager) []string { return append(before(m), after) }

const after = "postpack"

// hasScript reports whether a member's manifest, as it was when the workspace
// was opened, has a script to run.
func (p *packer) hasScript(m *workspace.Member, name string) bool {
	return !p.IgnoreScripts && m.Manifest.Scripts[name] != ""
}

// runScript runs a lifecycle script of a member through the workspace's package manager.
func (p *packer) runScript(ctx context.Context, m *workspace.Member, name string) error {
	if !p.hasScript(m, name) {
		return nil
	}
	p.Log.InfoContext(ctx, "running a script", "package", m.Manifest.Name, "script", name)
	c := command{pkg: m.Manifest.Name, script: name, dir: m.Path, tool: string(p.ws.Manager)}
	switch p.ws.Manager {
	case workspace.PNPM:
		// Else pnpm may first install what it thinks is missing, into the working tree.
		c.args = []string{"--config.verify-deps-before-run=false", "run", name}
	default:
		c.args = []string{"run", name}
	}
	kept, err := p.onDisk(m, name)
	if err != nil {
		return err
	}
	if !kept {
		c.tool, c.args, c.path = "sh", []string{"-c", m.Manifest.Scripts[name]}, p.binFolders(m)
	}
	return p.execute(ctx, c)
}

// binFolders are where the commands of a member's dependencies are, nearest first.
func (p *packer) binFolders(m *workspace.Member) []string {
	var folders []string
	for dir := m.Path; ; dir = filepath.Dir(dir) {
		folders = append(folders, filepath.Join(dir, "node_modules", ".bin"))
		if dir == p.ws.Root || dir == filepath.Dir(dir) {
			return folders
		}
	}
}

// onDisk reports whether a member's package.json still has a script. A prepack
// may have taken `scripts` out for the package it makes; npm runs the postpack
// that it saw before, so that it can be put back.
func (p *packer) onDisk(m *workspace.Member, script string) (bool, error) {
	root, err := os.OpenRoot(m.Path)
	if err != nil {
		return false, fmt.Errorf("opening the folder of %s: %w", m.Manifest.Name, err)
	}
	defer root.Close()
	now, err := p.readManifest(root)
	if err != nil {
		return false, err
	}
	return now.Scripts[script] != "", nil
}
