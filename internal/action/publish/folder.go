package publish

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/fault"
)

// openWorkspace reads the workspace once, with its packages of Zig and Lumen.
func (j *job) openWorkspace(ctx context.Context) (*workspace.Workspace, error) {
	if j.workspace != nil {
		return j.workspace, nil
	}
	ws, err := workspace.Open(j.opt.Dir)
	noPackage := err
	if errors.Is(err, fault.NotFound) {
		ws, err = workspace.OpenAlone(j.opt.Dir)
	}
	if err != nil {
		return nil, err
	}
	if err := j.findPackages(ctx, ws); err != nil {
		return nil, err
	}
	if noPackage != nil && len(ws.Packages) == 0 {
		return nil, fault.New(fault.NotFound, "there is no package in %s: no package.json in it or above it in its repository, and no %s", j.opt.Dir, strings.Join(manifests(), " or "))
	}
	j.workspace = ws
	return ws, nil
}

// manifests are the names of the manifests of all kinds.
func manifests() (names []string) {
	for _, k := range workspace.Kinds() {
		names = append(names, k.Manifest())
	}
	return names
}

// findPackages finds the manifests that git tracks, or where it can't tell, those on disk.
func (j *job) findPackages(ctx context.Context, ws *workspace.Workspace) error {
	var specs []string
	for _, name := range manifests() {
		specs = append(specs, ":(glob)**/"+name)
	}
	found, err := git{dir: ws.Root}.tracked(ctx, false, specs...)
	if err != nil {
		found, err = ws.Find()
	}
	if err == nil {
		err = ws.Add(found)
	}
	if errors.Is(err, fault.Invalid) && len(ws.Members) > 0 {
		j.streams.Log.WarnContext(ctx, "packages of Zig and Lumen are left out", "err", err)
		ws.Packages = nil
		return nil
	}
	return err
}

// sayLeftOut tells which packages are not published because nobody named them.
func (j *job) sayLeftOut(ctx context.Context, packages []*workspace.Package) {
	for _, p := range packages {
		why, broken := p.LeftOut()
		if broken {
			hint := ""
			if p.Dir != "." { // which may be another package's folder too
				hint = " (--exclude " + p.Dir + " says so too)"
			}
			j.warn("the package in %s is left out%s: %s", p.Dir, hint, why)
			continue
		}
		j.streams.Log.InfoContext(ctx, "a package is left out", "kind", p.Kind, "package", p.Name, "folder", p.Dir, "because", why)
	}
}

// packFolders packs what git tracks of each package's folder: the rest of what lies there,
// such as node_modules or a secret, is not the commit's.
func (j *job) packFolders(ctx context.Context, ws *workspace.Workspace, packages []*workspace.Package) error {
	for _, p := range packages {
		o := pack.FolderOptions{TempDir: j.temp}
		if inRepository(ws.Root) {
			files, err := git{dir: filepath.Join(ws.Root, filepath.FromSlash(p.Dir))}.tracked(ctx, true)
			if err != nil {
				return fault.Wrap(err, fault.Invalid, "git did not list the files of %s, which are what is packed; see that git is installed and trusts the folder (git config --global --add safe.directory %s)", p.Name, ws.Root)
			}
			o.Tracked = files
		}
		packed, err := pack.Folder(ctx, ws, p, o)
		if err != nil {
			return err
		}
		j.packages = append(j.packages, packed)
		j.warnOfZig(ctx, packed)
	}
	return nil
}

// inRepository reports whether a folder is in a git repository, whether or not git can read it.
func inRepository(dir string) bool {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return false
		}
		dir = up
	}
}
