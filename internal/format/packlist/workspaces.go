package packlist

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packlist/glob"
)

// member is a package of the workspace that the packed package is the root of.
type member struct {
	name string // the folder's, if its package.json gives none
	dir  string // slash-separated
}

// findWorkspaces finds the folders with a package.json that the patterns of a
// `workspaces` field name; the last pattern that matches decides.
func findWorkspaces(root *os.Root, patterns []string) ([]member, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	f := workspaceFinder{root: root}
	for _, p := range patterns {
		bare := strings.TrimLeft(p, "!")
		negations := p[:len(p)-len(bare)]
		bare = strings.TrimLeft(strings.TrimPrefix(bare, "."), "/")
		compiled, err := glob.Compile(negations + "/" + strings.TrimRight(bare, "/"))
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "the pattern %q of \"workspaces\" in %s can't be used, write a simpler one", p, manifestName)
		}
		f.patterns = append(f.patterns, compiled)
	}
	err := f.walk(".", nil)
	return f.found, err
}

type workspaceFinder struct {
	root     *os.Root
	patterns []*glob.Pattern
	found    []member
}

func (f *workspaceFinder) walk(dir string, segments []string) error {
	sub, err := f.root.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening folder %s: %w", dir, err)
	}
	defer sub.Close()
	entries, err := readDir(sub)
	if err != nil {
		return fmt.Errorf("reading folder %s: %w", dir, err)
	}
	for _, e := range entries {
		name := e.Name()
		if !e.IsDir() || name == "node_modules" || strings.HasPrefix(name, ".") || len(segments) == maxDepth {
			continue
		}
		segments := append(segments[:len(segments):len(segments)], name)
		if full, partial := f.match(segments); full {
			if err := f.add(path.Join(dir, name)); err != nil {
				return err
			}
		} else if !partial {
			continue
		}
		if err := f.walk(path.Join(dir, name), segments); err != nil {
			return err
		}
	}
	return nil
}

func (f *workspaceFinder) match(segments []string) (full, partial bool) {
	at := glob.Path{Segments: segments}
	for _, p := range f.patterns {
		if p.Match(at, false) {
			full = !p.Negated()
		}
		partial = partial || !p.Negated() && p.Match(at, true)
	}
	return full, partial
}

func (f *workspaceFinder) add(dir string) error {
	text, err := readBounded(f.root, path.Join(dir, manifestName), maxManifestBytes)
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", path.Join(dir, manifestName), err)
	}
	var m struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return fault.Wrap(err, fault.Invalid, "%s is not a JSON object", path.Join(dir, manifestName))
	}
	if m.Name == "" {
		m.Name = path.Base(dir)
	}
	f.found = append(f.found, member{name: m.Name, dir: dir})
	return nil
}
