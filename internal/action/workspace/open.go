package workspace

import (
	"cmp"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/manifest"
)

// Open reads the workspace that dir belongs to. That is the nearest folder at
// or above dir with a package.json, if it declares workspaces itself, or the
// folder above it whose workspaces include it, or else that folder as a single
// package. The search ends at the repository's root, the folder with .git.
//
// What is wrong with the files is a *fault.Error of kind Invalid that names
// file, line and column, or the folders that share a package name.
func Open(dir string) (*Workspace, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, err
	}
	start, err := nearest(abs)
	if err != nil {
		return nil, err
	}
	var own *Workspace
	for p := range upward(start) {
		w, declared, err := load(p)
		switch {
		case p != start && errors.Is(err, fs.ErrPermission):
			continue // somebody else's folder
		case err != nil:
			return nil, err
		case p == start && !declared:
			own = w
		case p == start || declared && w.includes(start):
			return w, nil
		}
	}
	return own, nil
}

// upward yields a folder and those above it, up to the one with .git.
func upward(dir string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for p := dir; yield(p); p = filepath.Dir(p) {
			if exists(filepath.Join(p, ".git")) || filepath.Dir(p) == p {
				return
			}
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func nearest(dir string) (string, error) {
	for p := range upward(dir) {
		if exists(filepath.Join(p, packageJSON)) || exists(filepath.Join(p, pnpmYAML)) {
			return p, nil
		}
	}
	return "", fault.New(fault.NotFound, "there is no package.json in %s or above it in its repository", dir)
}

// load reads a folder as a workspace; declared says whether it has members of
// its own rather than just being a package.
func load(dir string) (w *Workspace, declared bool, err error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, false, err
	}
	defer f.close()
	w = &Workspace{Root: dir, Manager: f.manager, Catalogs: f.catalogs}
	declared = f.patterns != nil
	if f.manifest != nil && (f.manifest.Name != "" || !declared) {
		if err := w.add(".", f.manifest); err != nil {
			return nil, false, err
		}
	}
	dirs, err := f.members()
	if err != nil {
		return nil, false, err
	}
	for _, d := range dirs {
		m, err := readManifest(f.root, path.Join(d, packageJSON))
		if err != nil {
			return nil, false, err
		}
		if err := w.add(d, m); err != nil {
			return nil, false, err
		}
	}
	slices.SortFunc(w.Members, func(a, b *Member) int { return cmp.Compare(a.Dir, b.Dir) })
	return w, declared, w.checkNames()
}

// add appends a member with its pack folder.
func (w *Workspace) add(dir string, m *manifest.Manifest) error {
	member := &Member{Dir: dir, Path: filepath.Join(w.Root, filepath.FromSlash(dir)), Manifest: m}
	if to := m.PublishConfig.Directory; to != "" && w.Manager == PNPM {
		packed := filepath.FromSlash(path.Join(dir, to))
		if path.IsAbs(to) || !filepath.IsLocal(packed) {
			return fault.New(fault.Invalid, "%s: publishConfig.directory %q is outside of the workspace", m.Path, to)
		}
		member.packDir = filepath.Join(w.Root, packed)
	}
	w.Members = append(w.Members, member)
	return nil
}

func (w *Workspace) includes(path string) bool {
	return slices.ContainsFunc(w.Members, func(m *Member) bool { return m.Path == path && m.Dir != "." })
}

// checkNames refuses two packages that would be published under one name.
// Private ones, fixtures for instance, may share theirs.
func (w *Workspace) checkNames() error {
	seen := map[string]string{}
	for _, m := range w.Members {
		name := m.Manifest.Name
		if name == "" || m.Manifest.Private {
			continue
		}
		if other, ok := seen[name]; ok {
			return fault.New(fault.Invalid, "two packages are called %s: %s and %s; rename one, or make it private", name, other, m.Dir)
		}
		seen[name] = m.Dir
	}
	return nil
}
