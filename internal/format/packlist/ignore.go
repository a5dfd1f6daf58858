package packlist

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// load reads the rules of w's folder.
func (w *walker) load(root *os.Root, entries []fs.DirEntry) error {
	t := w.tree
	var files, ignore, git, strict rules
	var err error
	switch {
	case w.parent == nil:
		if files, strict, err = t.manifestRules(root, w); err != nil {
			return err
		}
	default:
		if strict, err = w.requiredRules(); err != nil {
			return err
		}
		if t.nestedManifests {
			files, err = t.readIgnore(root, entries, manifestName)
		}
	}
	if err == nil && w.uses == everything {
		ignore, err = t.readIgnore(root, entries, npmIgnore)
	}
	if err == nil && w.uses == everything {
		git, err = t.readIgnore(root, entries, gitIgnore)
	}
	if err != nil {
		return err
	}
	if files != nil {
		ignore, git = nil, nil
	}
	if ignore != nil {
		git = nil
	}
	w.lists = []rules{files, ignore, git, strict}
	if w.uses == everything {
		w.lists = slices.Insert(w.lists, 0, w.defaults)
	}
	return nil
}

// requiredRules are the last rules of a folder that is not the package's top.
func (w *walker) requiredRules() (rules, error) {
	if len(w.required) == 0 {
		return w.tree.l.builtin.strictFirst, nil
	}
	required, err := compileRules("!"+strings.Join(w.required, "\n!"), `"files" of package.json`)
	return slices.Concat(w.tree.l.builtin.strictFirst, required), err
}

// readIgnore reads the ignore file of a name, if the folder has one. The result
// is not nil then, even if it has no rules.
func (t *tree) readIgnore(root *os.Root, entries []fs.DirEntry, name string) (rules, error) {
	i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name })
	if i < 0 {
		return nil, nil
	}
	where := path.Join(t.prefix, path.Join(t.segments...)) + "/"
	if entries[i].Type()&fs.ModeSymlink == 0 {
		return readRules(root, name, where)
	}
	return t.readLinkedRules(name, where)
}

// readLinkedRules reads an ignore file that is a link. The target must lie in
// the package's folder, or in the workspace around it.
func (t *tree) readLinkedRules(name, where string) (rules, error) {
	link := filepath.Join(t.base, filepath.Join(t.segments...), name)
	target, err := filepath.EvalSymlinks(link)
	if err != nil {
		return nil, fmt.Errorf("following link %s: %w", where+name, err)
	}
	bound := t.base
	if w := t.l.opts.WorkspaceRoot; w != "" && within(realPath(w), target) {
		bound = realPath(w)
	}
	if !within(bound, target) {
		return nil, fault.New(fault.Invalid, "%s is a link out of the package and its workspace: replace it by a file", where+name)
	}
	rel, err := filepath.Rel(bound, target)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(bound)
	if err != nil {
		return nil, fmt.Errorf("opening folder %s: %w", bound, err)
	}
	defer root.Close()
	return readRules(root, rel, where)
}

func readRules(root *os.Root, name, where string) (rules, error) {
	text, err := readBounded(root, name, maxIgnoreBytes)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", where+name, err)
	}
	r, err := compileRules(string(text), where+name)
	if r == nil {
		r = rules{}
	}
	return r, err
}

// readBounded reads a regular file.
func readBounded(root *os.Root, name string, limit int64) ([]byte, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for its writer
		return nil, fault.New(fault.Invalid, "%s is not a regular file", name)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		return nil, fault.New(fault.TooLarge, "%s is larger than %d bytes", name, limit)
	}
	return text, err
}
