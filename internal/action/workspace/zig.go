package workspace

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/zig"
)

// ZigManifest is the file that makes a folder a package of Zig.
const ZigManifest = "build.zig.zon"

// ZigPrefix begins the names of Zig packages where npm's stand beside them.
const ZigPrefix = "zig:"

// ZigPackage is a package of Zig.
type ZigPackage struct {
	Dir      string       // slash-separated, relative to the workspace's root; "." for the root itself
	Manifest zig.Manifest // zero if it could not be read

	unreadable error  // what is wrong with the manifest
	outside    string // a dependency's .path that leads out of the package's folder
	within     string // the folder of the package that it is part of
}

// Name is the name with ZigPrefix; empty if the manifest could not be read.
func (z *ZigPackage) Name() string {
	if z.Manifest.Name == "" {
		return ""
	}
	return ZigPrefix + z.Manifest.Name
}

// LeftOut says why the package is only published if it is named, or not at all;
// "" if it is published by default. broken: its manifest can't be read.
func (z *ZigPackage) LeftOut() (why string, broken bool) {
	switch {
	case z.unreadable != nil && z.Dir == ".":
		return "", true // said when it is selected
	case z.unreadable != nil:
		return z.unreadable.Error(), true
	case z.outside != "":
		return fmt.Sprintf("it depends on %s by .path, which is outside of its folder, so nobody else could build it", z.outside), false
	case z.within != "":
		return fmt.Sprintf("it is part of the package in %s, which depends on it by .path", z.within), false
	}
	return "", false
}

// check refuses a package that can't be published.
func (z *ZigPackage) check() error {
	if z.unreadable != nil {
		return z.unreadable
	}
	if z.outside != "" {
		why, _ := z.LeftOut()
		return fault.New(fault.Invalid, "%s can't be published: %s; make that a dependency with an .url", cmp.Or(z.Name(), z.Dir), why)
	}
	if z.Manifest.Name == "" {
		return fault.New(fault.Invalid, "%s has no .name; add one, or leave the package out with --exclude", path.Join(z.Dir, ZigManifest))
	}
	return nil
}

// skippedFolders hold what is fetched or built, not written.
var skippedFolders = []string{"node_modules", "zig-cache", "zig-out", "zig-pkg"}

// IsZigManifest reports whether a path below a workspace's root is the manifest of a
// package of its own: not one of a cache, of a build's results or in a hidden folder.
func IsZigManifest(name string) bool {
	dir, file := path.Split(name)
	for part := range strings.SplitSeq(strings.TrimSuffix(dir, "/"), "/") {
		if strings.HasPrefix(part, ".") || slices.Contains(skippedFolders, part) {
			return false
		}
	}
	return file == ZigManifest
}

// FindZig lists the manifests below the root by looking into its folders. Links are not
// followed, and a folder with a .git of its own is another repository.
func (w *Workspace) FindZig() ([]string, error) {
	root, err := os.OpenRoot(w.Root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var found []string
	folders := 0
	err = fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && p == ".":
			return err
		case err != nil:
			return fs.SkipDir // not ours to read
		case d.IsDir() && p != ".":
			if folders++; folders > maxFolders {
				return errBounds
			}
			if _, err := root.Lstat(path.Join(p, ".git")); err == nil || !IsZigManifest(path.Join(p, ZigManifest)) {
				return fs.SkipDir
			}
		case d.Type().IsRegular() && d.Name() == ZigManifest:
			found = append(found, p)
		}
		return nil
	})
	return found, err
}

// AddZig adds the packages of manifests, which are named by their slash-separated paths from the root.
// Those that are not there, and names that IsZigManifest refuses, are passed over.
func (w *Workspace) AddZig(manifests []string) error {
	root, err := os.OpenRoot(w.Root)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range manifests {
		if !IsZigManifest(name) {
			continue
		}
		if len(w.Zig) >= maxMembers {
			return errBounds
		}
		z := &ZigPackage{Dir: path.Dir(name)}
		text, err := readFile(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			z.Manifest, err = zig.ParseManifest(text)
		}
		z.unreadable = located(name, err)
		w.Zig = append(w.Zig, z)
	}
	slices.SortFunc(w.Zig, func(a, b *ZigPackage) int { return cmp.Compare(a.Dir, b.Dir) })
	w.relate()
	return nil
}

// located makes an error of reading a manifest name the file by its path from the root.
func located(file string, err error) error {
	e, ok := fault.Public(err)
	switch {
	case err == nil:
		return nil
	case !ok:
		return fmt.Errorf("reading %s: %w", file, err)
	case strings.HasPrefix(e.Message, file):
		return err
	}
	n := *e
	if rest, ok := strings.CutPrefix(e.Message, ZigManifest); ok {
		n.Message = file + rest
	} else {
		n.Message = file + ": " + e.Message
	}
	return &n
}

// relate finds what the packages' dependencies by path lead to.
func (w *Workspace) relate() {
	byDir := map[string]*ZigPackage{}
	for _, z := range w.Zig {
		byDir[z.Dir] = z
	}
	for _, z := range w.Zig {
		for _, d := range z.Manifest.Dependencies {
			if d.Path == "" {
				continue
			}
			inside, ok := below(d.Path)
			if !ok {
				z.outside = d.Path
				continue
			}
			part := byDir[path.Join(z.Dir, inside)]
			if part != nil && part != z && z.includes(inside) {
				part.within = cmp.Or(part.within, z.Dir)
			}
		}
	}
}

// below cleans a path and reports whether it stays in the folder it is relative to.
func below(p string) (string, bool) {
	p = path.Clean(strings.ReplaceAll(p, `\`, "/"))
	return p, !path.IsAbs(p) && filepath.IsLocal(filepath.FromSlash(p))
}

// includes reports whether the manifest's .paths have a folder below the package's.
func (z *ZigPackage) includes(dir string) bool {
	return z.Manifest.Paths == nil || slices.ContainsFunc(z.Manifest.Paths, func(p string) bool {
		p = path.Clean(p)
		return p == "." || p == dir || strings.HasPrefix(dir, p+"/")
	})
}

// OpenZig is Open for a repository without npm packages: its root is the nearest
// folder at or above dir with a build.zig.zon, in its repository, or else dir.
func OpenZig(dir string) (*Workspace, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, err
	}
	for p := range upward(abs) {
		if exists(filepath.Join(p, ZigManifest)) {
			return &Workspace{Root: p}, nil
		}
	}
	return &Workspace{Root: abs}, nil
}
