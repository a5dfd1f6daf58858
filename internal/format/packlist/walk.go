package packlist

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/org/registry-action/internal/fault"
)

const (
	manifestName = "package.json"
	npmIgnore    = ".npmignore"
	gitIgnore    = ".gitignore"
)

var builtinRules = sync.OnceValues(compileBuiltin)

// uses says which rule lists a folder has.
type uses int

const (
	// filesAndStrict: the top folder of a bundled dependency.
	filesAndStrict uses = iota
	// everything: the defaults and the ignore files, too.
	everything
)

// tree is a walk over one package: the one that is packed, or a bundled one.
type tree struct {
	l        *lister
	base     string    // the package's folder, absolute
	prefix   string    // where the package lies in the list, slash-separated
	manifest *manifest // nil if the folder has no package.json
	// nestedManifests: npm takes each package.json below a workspace's root for
	// an ignore file, which voids the ignore files beside it.
	nestedManifests bool
	segments        []string // of the entry that is looked at
}

// walker is the visit of one folder.
type walker struct {
	tree     *tree
	parent   *walker
	depth    int
	name     string
	uses     uses
	exact    bool // the folder itself is included, not only something in it
	defaults rules
	required []string // files of the files array that lie in this folder
	lists    []rules
}

// walk lists the files below root, whose visit is w.
func (t *tree) walk(root *os.Root, w *walker) error {
	t.segments = t.segments[:w.depth]
	entries, err := readDir(root)
	if err != nil {
		return fmt.Errorf("reading folder %s: %w", t.here(), err)
	}
	if err := w.load(root, entries); err != nil {
		return err
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), "*") {
			continue
		}
		t.segments = append(t.segments[:w.depth], e.Name())
		switch {
		case e.Type().IsRegular():
			err = t.visitFile(w, e)
		case e.IsDir():
			err = t.visitDir(root, w, e.Name())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) visitFile(w *walker, e fs.DirEntry) error {
	if !w.includes(asFile, false) {
		return nil
	}
	info, err := e.Info()
	if err != nil {
		return fmt.Errorf("reading %s: %w", t.here(), err)
	}
	return t.l.add(t, strings.Join(t.segments, "/"), info)
}

func (t *tree) visitDir(root *os.Root, w *walker, name string) error {
	if !w.includes(asFolder, false) {
		return nil
	}
	if w.depth == maxDepth {
		return fault.New(fault.TooLarge, "folder %s lies more than %d folders deep", t.here(), maxDepth)
	}
	sub, err := root.OpenRoot(name)
	if err != nil {
		return fmt.Errorf("opening folder %s: %w", t.here(), err)
	}
	defer sub.Close()
	child := &walker{
		tree: t, parent: w, depth: w.depth + 1, name: name, uses: everything,
		defaults: t.l.builtin.defaults,
		exact:    w.includes(asFile, false) || w.includes(asSlashed, false),
	}
	for _, file := range w.required {
		if dir, base := path.Split(path.Clean(file)); dir == name+"/" {
			child.required = append(child.required, base)
		}
	}
	return t.walk(sub, child)
}

// here is the path of the entry that is looked at, for errors.
func (t *tree) here() string { return path.Join(t.prefix, path.Join(t.segments...)) }

// includes judges the tree's current path as ignore-walk does: the folders
// above decide first. nested says that the path is in a folder below w's.
func (w *walker) includes(as form, nested bool) bool {
	included := true
	if w.parent != nil {
		included = w.parent.includes(as, true)
		if !included && !w.exact {
			return false
		}
	}
	segments := w.tree.segments[w.depth:]
	for _, list := range w.lists {
		for _, rule := range list {
			if rule.Negated() != included && hit(rule, segments, as, nested) {
				included = rule.Negated()
			}
		}
	}
	return included
}

// readDir reads a folder with its entries' sizes and modes: entries of an
// os.Root come with them.
func readDir(root *os.Root) ([]fs.DirEntry, error) {
	f, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadDir(-1)
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
