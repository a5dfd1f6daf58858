package pack

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/manifest"
	"github.com/org/registry-action/internal/format/packlist"
	"github.com/org/registry-action/internal/format/semver"
	"github.com/org/registry-action/internal/format/tarball"
)

// native packs a member with npm's rules, and those of pnpm or yarn that change
// what a package holds.
func (p *packer) native(ctx context.Context, m *workspace.Member) (*Package, error) {
	root, err := p.openPackDir(m)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	own, err := p.readManifest(root)
	if err != nil {
		return nil, err
	}
	packed, err := p.rewrite(m, own, manifest.Rewrite{PNPM: p.ws.Manager == workspace.PNPM, Yarn: p.berry})
	if err != nil {
		return nil, err
	}
	var roots packlist.Roots
	defer roots.Close()
	files, err := p.list(ctx, m, root.Name(), packed, &roots)
	if err != nil {
		return nil, err
	}
	return p.write(content{dir: m.Dir, own: own.Version, manifest: packed, files: files})
}

// openPackDir opens the folder to pack, which must be one of the workspace: not
// even a link may make something else of the machine part of a package.
func (p *packer) openPackDir(m *workspace.Member) (*os.Root, error) {
	dir, err := filepath.EvalSymlinks(m.PackDir())
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "%s: the folder to pack is missing; build it first, "+
			"or correct publishConfig.directory", m.Manifest.Name)
	}
	if rel, err := filepath.Rel(p.ws.Root, dir); err != nil || !filepath.IsLocal(rel) {
		return nil, fault.New(fault.Invalid, "%s: the folder to pack is a link out of the workspace, to %s; "+
			"put the files themselves there", m.Manifest.Name, dir)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of %s: %w", m.Manifest.Name, err)
	}
	return root, nil
}

// rewrite gives the manifest as it is packed: how says which manager's rules apply.
func (p *packer) rewrite(m *workspace.Member, own *manifest.Manifest, how manifest.Rewrite) (*manifest.Manifest, error) {
	how.Version, how.Dir, how.PinPeers = p.Version, m.Dir, p.PinPeers
	how.Siblings, how.Catalogs = p.siblings, p.ws.Catalogs
	src, err := own.Rewrite(how)
	if err != nil {
		return nil, err
	}
	packed, err := manifest.Parse(own.Path, src)
	if err != nil {
		return nil, err
	}
	if _, err := semver.Clean(packed.Version); err != nil || packed.Name == "" {
		return nil, fault.New(fault.Invalid, "%s has the name %.100q and the version %.100q; a package needs a name and a semantic version", own.Path, packed.Name, packed.Version)
	}
	return packed, nil
}

// list is the files of a member's package but for package.json, in npm's order.
// They are opened through roots.
func (p *packer) list(ctx context.Context, m *workspace.Member, dir string, packed *manifest.Manifest, roots *packlist.Roots) ([]tarball.File, error) {
	// The workspace's ignore files apply to the folder itself, also where it is a
	// publishConfig.directory; the root leaves out its members.
	folders := []string{dir}
	if dir == p.ws.Root {
		folders = p.folders
	}
	listed, err := packlist.List(dir, packlist.Options{
		Manifest: packed.Source, WorkspaceRoot: p.ws.Root, Workspaces: folders,
	})
	if err != nil {
		return nil, fmt.Errorf("listing the files of %s: %w", packed.Name, err)
	}
	bins := executables(p.ws.Manager, packed)
	files := make([]tarball.File, 0, len(listed))
	for _, f := range listed {
		if f.Path == manifestName {
			continue
		}
		open := func() (*os.File, error) { return roots.Open(f) }
		files = append(files, tarball.File{
			Name: f.Path, Size: f.Size, Mode: f.Mode, Executable: f.Executable || slices.Contains(bins, f.Path),
			Open: func() (io.ReadCloser, error) { return openSource(ctx, open, packed.Name, f.Name, f.Size) },
		})
	}
	if p.ws.Manager != workspace.PNPM {
		return files, nil
	}
	return p.withLicense(ctx, m, packed.Name, files)
}

// executables are the files that pnpm and yarn make executable in addition to
// npm's: every bin (npm misses those in folders) and publishConfig.executableFiles.
func executables(manager workspace.Manager, m *manifest.Manifest) []string {
	if manager != workspace.PNPM && manager != workspace.Yarn {
		return nil
	}
	files := slices.Concat(m.Bins, m.PublishConfig.ExecutableFiles)
	for i, f := range files {
		files[i] = path.Clean(f)
	}
	return files
}
