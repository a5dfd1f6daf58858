package workspace

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/org/registry-action/internal/fault"
)

// The bounds of a workspace.
const (
	maxMembers = 10_000
	maxFolders = 200_000 // read while looking for members
)

var errBounds = fault.New(fault.Invalid, "the workspace is too large: at most %d packages in %d folders; narrow its patterns", maxMembers, maxFolders)

// members expands the patterns to the folders that have a package.json, sorted.
// As in the package managers, wildcards match no hidden folder, nothing below
// node_modules is looked at, and links are not walked through; a link that
// itself matches counts, if it leads to a folder of the workspace that isn't a
// member already.
func (f *folder) members() ([]string, error) {
	include, exclude, err := splitPatterns(f.patterns, f.manager == NPM || f.manager == Bun)
	if err != nil {
		return nil, err
	}
	t := &tree{fsys: f.root.FS()}
	found := map[string]bool{} // folder: is a link
	for _, pattern := range include {
		err := doublestar.GlobWalk(t, pattern, func(p string, d fs.DirEntry) error {
			link := d.Type()&fs.ModeSymlink != 0
			if p == "." || !link && !d.IsDir() || matchesAny(exclude, p) || !f.has(path.Join(p, packageJSON)) {
				return nil
			}
			found[p] = link
			if len(found) > maxMembers {
				return errBounds
			}
			return nil
		}, doublestar.WithNoFollow(), doublestar.WithNoHidden())
		if err != nil {
			return nil, err
		}
	}
	if t.folders > maxFolders {
		return nil, errBounds
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(found)), func(p string) bool {
		return found[p] && f.isMember(p, found)
	}), nil
}

// isMember reports whether a link leads to a folder that was found by itself.
func (f *folder) isMember(link string, found map[string]bool) bool {
	target, err := filepath.EvalSymlinks(filepath.Join(f.path, filepath.FromSlash(link)))
	if err != nil {
		return true // gone meanwhile
	}
	rel, err := filepath.Rel(f.path, target)
	isLink, ok := found[filepath.ToSlash(rel)]
	return err == nil && (rel == "." || ok && !isLink)
}

var extendedGlob = regexp.MustCompile(`[!@+?*]\(`)

// splitPatterns separates the patterns from the negated ones. npm reads them in
// order: one that a later pattern matches is taken back. For the others a
// negation holds wherever it stands.
func splitPatterns(patterns []string, ordered bool) (include, exclude []string, err error) {
	for _, text := range patterns {
		p := strings.TrimLeft(text, "!")
		negated := (len(text)-len(p))%2 == 1
		p = cleanPattern(p)
		switch {
		case p == "":
			continue
		case p == ".." || strings.HasPrefix(p, "../"):
			return nil, nil, fault.New(fault.Invalid, "the workspace pattern %q leads out of the workspace", text)
		case extendedGlob.MatchString(text) || !doublestar.ValidatePattern(p):
			return nil, nil, fault.New(fault.Invalid, `the workspace pattern %q can't be read; it may have "*", "**", "?", [a-z], {a,b} and a leading "!"`, text)
		case negated:
			exclude = append(exclude, p)
		default:
			if ordered {
				exclude = slices.DeleteFunc(exclude, func(e string) bool { return doublestar.MatchUnvalidated(e, p) })
			}
			include = append(include, p)
		}
	}
	return include, exclude, nil
}

// cleanPattern drops what doesn't matter: "./packages/*/" is "packages/*".
func cleanPattern(p string) string {
	p = strings.TrimSpace(strings.ReplaceAll(p, `\`, "/"))
	if p == "" {
		return ""
	}
	return strings.TrimPrefix(path.Clean(p), "/")
}

func matchesAny(patterns []string, p string) bool {
	return slices.ContainsFunc(patterns, func(e string) bool { return doublestar.MatchUnvalidated(e, p) })
}

// tree is a file system without node_modules and .git that counts what it reads.
type tree struct {
	fsys    fs.FS
	folders int
}

func (t *tree) Open(name string) (fs.File, error) {
	if hidden(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return t.fsys.Open(name)
}

func (t *tree) Stat(name string) (fs.FileInfo, error) {
	if hidden(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return fs.Stat(t.fsys, name)
}

func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	if t.folders++; t.folders > maxFolders {
		return nil, errors.New("too many folders")
	}
	entries, err := fs.ReadDir(t.fsys, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return hidden(e.Name()) }), err
}

func hidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "node_modules" || part == ".git" {
			return true
		}
	}
	return false
}
