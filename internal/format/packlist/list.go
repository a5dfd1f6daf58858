package packlist

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/org/registry-action/internal/fault"
)

// The limits of a package. Over them List refuses.
const (
	maxFiles         = 500_000
	maxDepth         = 256
	maxManifestBytes = 8 << 20
	maxIgnoreBytes   = 1 << 20
)

// List returns the files of the package in dir, in npm's order. Nothing outside
// dir is listed, except below the links by which bundled dependencies are
// installed. Files that can't be read, patterns that can't be used and an
// unusable package.json are errors.
func List(dir string, opts Options) ([]File, error) {
	base, err := filepath.Abs(dir)
	if err == nil {
		base, err = filepath.EvalSymlinks(base)
	}
	if err != nil {
		return nil, fmt.Errorf("finding the package's folder: %w", err)
	}
	root, err := os.OpenRoot(base)
	if err != nil {
		return nil, fmt.Errorf("opening the package's folder: %w", err)
	}
	defer root.Close()
	built, err := builtinRules()
	if err != nil {
		return nil, err
	}
	l := &lister{base: base, builtin: built, opts: opts}
	if err := l.list(root, filepath.Clean(dir)); err != nil {
		return nil, err
	}
	Sort(l.files)
	return slices.CompactFunc(l.files, func(a, b File) bool { return a.Path == b.Path }), nil
}

// lister gathers the files of one package and of what it bundles.
type lister struct {
	base     string // the package's folder, absolute, without links
	builtin  builtin
	opts     Options
	manifest *manifest       // of the package itself
	members  map[string]bool // names of the packages of the workspace that it is the root of
	lockfile lockfile
	files    []File
}

func (l *lister) list(root *os.Root, dir string) error {
	text := l.opts.Manifest
	if text == nil {
		var err error
		if text, err = readBounded(root, manifestName, maxManifestBytes); err != nil {
			return fmt.Errorf("reading %s of %s: %w", manifestName, dir, err)
		}
	}
	m, err := parseManifest(text, root, filepath.Join(dir, manifestName))
	if err != nil {
		return err
	}
	l.manifest = m
	members, err := findWorkspaces(root, m.workspaces)
	if err != nil {
		return err
	}
	surroundings, err := l.surroundings()
	if err != nil {
		return err
	}
	t := &tree{l: l, base: l.base, manifest: m, nestedManifests: len(members) > 0}
	w := &walker{tree: t, uses: everything, defaults: slices.Concat(l.builtin.defaults, surroundings)}
	if err := t.walk(root, w); err != nil {
		return err
	}
	return l.addBundle(root, members)
}

// surroundings are the rules that come from the workspace around the package.
func (l *lister) surroundings() (rules, error) {
	if l.opts.WorkspaceRoot == "" || len(l.opts.Workspaces) == 0 {
		return nil, nil
	}
	top, err := filepath.EvalSymlinks(l.opts.WorkspaceRoot)
	if err != nil {
		return nil, fmt.Errorf("finding the workspace's folder: %w", err)
	}
	if top == l.base {
		return l.workspaceRules(top)
	}
	member := slices.ContainsFunc(l.opts.Workspaces, func(w string) bool { return realPath(w) == l.base })
	rel, err := filepath.Rel(top, filepath.Dir(l.base))
	if !member || err != nil || !filepath.IsLocal(rel) {
		return nil, nil
	}
	root, err := os.OpenRoot(top)
	if err != nil {
		return nil, fmt.Errorf("opening the workspace's folder: %w", err)
	}
	defer root.Close()
	return ancestorRules(root, filepath.ToSlash(rel))
}

// workspaceRules leave the workspace's members out of its root's package.
func (l *lister) workspaceRules(top string) (rules, error) {
	var lines []string
	for _, w := range l.opts.Workspaces {
		if rel, err := filepath.Rel(top, realPath(w)); err == nil && rel != "." {
			lines = append(lines, filepath.ToSlash(rel))
		}
	}
	return compileRules(strings.Join(lines, "\n"), "the list of workspaces")
}

// ancestorRules are those of the ignore files of the workspace's root and of
// the folders from there down to rel. In each, .npmignore beats .gitignore.
func ancestorRules(root *os.Root, rel string) (rules, error) {
	dirs := []string{"."}
	for i := range len(rel) {
		if rel[i] == '/' {
			dirs = append(dirs, rel[:i])
		}
	}
	if rel != "." {
		dirs = append(dirs, rel)
	}
	var out rules
	for _, dir := range dirs {
		for _, name := range []string{npmIgnore, gitIgnore} {
			r, err := readRules(root, path.Join(dir, name), "the workspace's ")
			if isNotExist(err) {
				continue
			}
			if err != nil {
				return nil, err
			}
			out = append(out, r...)
			break
		}
	}
	return out, nil
}

func realPath(p string) string {
	if real, err := filepath.EvalSymlinks(p); err == nil {
		return real
	}
	return filepath.Clean(p)
}

// add lists a file. name is its path below t's folder.
func (l *lister) add(t *tree, name string, info fs.FileInfo) error {
	p := path.Join(t.prefix, name)
	if !utf8.ValidString(p) {
		return fault.New(fault.Invalid, "the file name %q is not valid UTF-8: rename the file or leave it out", p)
	}
	if len(l.files) == maxFiles {
		return fault.New(fault.TooLarge, "the package has more than %d files: is a folder missing in .npmignore?", maxFiles)
	}
	l.files = append(l.files, File{
		Path: p, Size: info.Size(), Mode: info.Mode(), Executable: l.manifest.executable(p),
		Base: t.base, Name: name,
	})
	return nil
}
