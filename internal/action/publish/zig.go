package publish

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/report"
	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/fault"
)

// openWorkspace reads the workspace once, with its packages of Zig.
func (j *job) openWorkspace(ctx context.Context) (*workspace.Workspace, error) {
	if j.workspace != nil {
		return j.workspace, nil
	}
	ws, err := workspace.Open(j.opt.Dir)
	noPackage := err
	if errors.Is(err, fault.NotFound) {
		ws, err = workspace.OpenZig(j.opt.Dir)
	}
	if err != nil {
		return nil, err
	}
	if err := j.findZig(ctx, ws); err != nil {
		return nil, err
	}
	if noPackage != nil && len(ws.Zig) == 0 {
		return nil, fault.Wrap(noPackage, fault.NotFound, "there is no package in %s: no %s in it, and neither that nor a package.json above it in its repository", ws.Root, workspace.ZigManifest)
	}
	j.workspace = ws
	return ws, nil
}

// findZig finds the manifests that git tracks, or where it can't tell, those on disk.
func (j *job) findZig(ctx context.Context, ws *workspace.Workspace) error {
	manifests, err := git{ws.Root}.tracked(ctx, false, ":(glob)**/"+workspace.ZigManifest)
	if err != nil {
		manifests, err = ws.FindZig()
	}
	if errors.Is(err, fault.Invalid) && len(ws.Members) > 0 {
		j.streams.Log.WarnContext(ctx, "packages of Zig are left out", "err", err)
		return nil
	}
	if err != nil {
		return err
	}
	return ws.AddZig(manifests)
}

// sayLeftOut tells which packages of Zig are not published because nobody named them.
func (j *job) sayLeftOut(ctx context.Context, packages []*workspace.ZigPackage) {
	for _, z := range packages {
		why, broken := z.LeftOut()
		if broken {
			j.warn("the package in %s is left out (--exclude %[1]s says so too): %s", z.Dir, why)
			continue
		}
		j.streams.Log.InfoContext(ctx, "a package of Zig is left out", "package", z.Name(), "folder", z.Dir, "because", why)
	}
}

// packZig packs what git tracks of each package's folder: the rest of what lies there,
// such as node_modules or a secret, is not the commit's.
func (j *job) packZig(ctx context.Context, ws *workspace.Workspace, packages []*workspace.ZigPackage) error {
	for _, z := range packages {
		o := pack.ZigOptions{TempDir: j.temp}
		if inRepository(ws.Root) {
			files, err := git{filepath.Join(ws.Root, filepath.FromSlash(z.Dir))}.tracked(ctx, true)
			if err != nil {
				return fault.Wrap(err, fault.Invalid, "git did not list the files of %s, which are what is packed; see that git is installed and trusts the folder (git config --global --add safe.directory %s)", z.Name(), ws.Root)
			}
			o.Tracked = files
		}
		p, err := pack.ZigPackage(ctx, ws, z, o)
		if err != nil {
			return err
		}
		j.packages = append(j.packages, p)
		j.warnOfZig(ctx, p)
	}
	return nil
}

// oldCompilers are warnings that only users of compilers before 0.14 care about, and
// of what most packages do.
var oldCompilers = []string{"enum_name", "path_dependency", "new_dependency_hash", "links", "long_names", "no_build_file", "minimum_zig_version"}

func (j *job) warnOfZig(ctx context.Context, p *pack.Package) {
	for _, w := range p.Zig.Warnings {
		if slices.Contains(oldCompilers, w.Code) {
			j.streams.Log.InfoContext(ctx, "about a package of Zig", "package", p.Name, "code", w.Code, "message", w.Message)
			continue
		}
		j.warn("%s: %s", p.Name, w.Message)
	}
}

// compilersOf is the end of a line about a package.
func compilersOf(p *pack.Package) string {
	if p.Zig == nil {
		return ""
	}
	return ", for Zig " + report.Compilers(p.Zig.Compilers)
}

// checkHashes refuses to tell people a hash that is not of what was packed: compilers
// trust it, whoever serves the archive.
func (j *job) checkHashes() error {
	packed := map[string]*pack.Package{}
	for _, p := range j.packages {
		packed[p.Name] = p
	}
	for _, p := range j.published.Packages {
		own := packed[p.Name]
		if own == nil || own.Zig == nil || p.Kept {
			continue
		}
		if p.ZigPackage == nil || p.Hash != own.Zig.Hash || p.LegacyHash != own.Zig.Legacy {
			return fmt.Errorf("the registry has published %s, but says of it another hash than what was packed has, %s; do not use it, and see that the server is no older than this program", p.Name, own.Zig.Hash)
		}
	}
	return nil
}

// packedZig is what is told of a Zig package that was only packed.
type packedZig struct {
	Hash       string   `json:"hash,omitempty"`
	LegacyHash string   `json:"legacyHash,omitempty"`
	Compilers  []string `json:"zig,omitempty"`
}

func describeZig(p *pack.Package) packedZig {
	if p.Zig == nil {
		return packedZig{}
	}
	return packedZig{p.Zig.Hash, p.Zig.Legacy, p.Zig.Compilers}
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
