package packlist

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"

	"github.com/org/registry-action/internal/fault"
)

// installed is a package as the packed one finds it: itself, or in node_modules.
type installed struct {
	real     string // its folder, absolute, without links
	location string // where it lies in the list; "" for the packed package
	top      bool   // the packed package, or the target of a link: devDependencies count
	manifest *manifest
}

// installedName matches what npm takes for a package's folder in node_modules.
var installedName = regexp.MustCompile(`^(?:@[^/\\]+/)?[^./\\@][^/\\]*$`)

// addBundle adds the bundled dependencies, and what those need in turn.
func (l *lister) addBundle(root *os.Root, members []member) (err error) {
	if len(l.manifest.bundle) == 0 {
		return nil
	}
	if l.lockfile, err = readLockfile(root); err != nil {
		return err
	}
	l.members = make(map[string]bool, len(members))
	for _, m := range members {
		l.members[m.name] = true
	}
	self := installed{real: l.base, top: true, manifest: l.manifest}
	return l.bundleOf(self, l.manifest.bundle, map[string]bool{l.base: true})
}

// bundleOf adds the dependencies of p that have the names. seen are the folders
// whose dependencies are added already.
func (l *lister) bundleOf(p installed, names []string, seen map[string]bool) error {
	for _, name := range names {
		if !l.wanted(p, name) {
			continue
		}
		dep, isLink, err := l.find(p, name)
		if err != nil {
			return fmt.Errorf("bundling %s: %w", name, err)
		}
		if dep.real == "" {
			continue // not installed: npm leaves it out
		}
		if err := l.addInstalled(&dep, isLink); err != nil {
			return fmt.Errorf("bundling %s: %w", name, err)
		}
		if seen[dep.real] || dep.manifest == nil {
			continue
		}
		seen[dep.real] = true
		if err := l.bundleOf(dep, dep.manifest.needs(), seen); err != nil {
			return err
		}
	}
	return nil
}

// needs are the dependencies that go along with a bundled package.
func (m *manifest) needs() []string {
	return slices.AppendSeq(slices.Sorted(maps.Keys(m.dependencies)), maps.Keys(m.optional))
}

// wanted says whether p depends on name other than for development or as a
// peer. A name in several lists is in the last of peer, normal and optional,
// dev; members of the workspace are wanted anyway.
func (l *lister) wanted(p installed, name string) bool {
	if p.location == "" && l.members[name] {
		return true
	}
	if p.top && p.manifest.dev[name] {
		return false
	}
	return p.manifest.dependencies[name] || p.manifest.optional[name]
}

// find looks for a package in the node_modules of p's folder and of those
// above it, up to the nearest that also holds the packed package. It returns
// the zero value if there is none.
func (l *lister) find(p installed, name string) (dep installed, isLink bool, err error) {
	if !installedName.MatchString(name) {
		return installed{}, false, nil
	}
	for dir := p.real; ; dir = filepath.Dir(dir) {
		folder := filepath.Join(dir, "node_modules", filepath.FromSlash(name))
		_, err := os.Lstat(folder)
		switch {
		case err == nil && filepath.Base(dir) != "node_modules":
			return l.locate(p, folder)
		case err != nil && !isNotExist(err) && !errors.Is(err, syscall.ENOTDIR):
			return installed{}, false, err
		}
		if within(dir, l.base) || dir == filepath.Dir(dir) {
			return installed{}, false, nil
		}
	}
}

// locate says where a package that p found in folder lies in the list: where it
// is, or below the link by which p itself was found.
func (l *lister) locate(p installed, folder string) (dep installed, isLink bool, err error) {
	real, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return installed{}, false, fmt.Errorf("following its link: %w", err)
	}
	dep = installed{real: real, top: real != folder}
	switch {
	case within(p.real, folder):
		rel, err := filepath.Rel(p.real, folder)
		if err != nil {
			return installed{}, false, err
		}
		dep.location = path.Join(p.location, filepath.ToSlash(rel))
	case within(l.base, folder):
		rel, err := filepath.Rel(l.base, folder)
		if err != nil {
			return installed{}, false, err
		}
		dep.location = filepath.ToSlash(rel)
	default:
		return installed{}, false, fault.New(fault.Invalid,
			"it is needed by the linked package %s and installed above the packed package's folder, where an archive can't put it: install it below %s, or do not bundle that",
			p.location, p.location)
	}
	return dep, dep.top, nil
}

// addInstalled lists the files of a bundled dependency and reads its manifest.
// One that is a link has ignore files and defaults; others have not, since
// their archive went through them when it was made.
func (l *lister) addInstalled(dep *installed, isLink bool) error {
	root, err := os.OpenRoot(dep.real)
	if err != nil {
		return fmt.Errorf("opening its folder: %w", err)
	}
	defer root.Close()
	switch text, err := readBounded(root, manifestName, maxManifestBytes); {
	case isNotExist(err):
	case err != nil:
		return fmt.Errorf("reading its %s: %w", manifestName, err)
	default:
		dep.manifest, err = parseManifest(text, root, path.Join(dep.location, manifestName))
		if err != nil {
			return err
		}
	}
	if dep.manifest != nil && !isLink && l.lockfile.describes(dep.location) {
		dep.manifest.files, dep.manifest.hasFiles = nil, false
		dep.manifest.main, dep.manifest.browser = "", ""
	}
	t := &tree{l: l, base: dep.real, prefix: dep.location, manifest: dep.manifest}
	w := &walker{tree: t, uses: filesAndStrict}
	if isLink {
		w.uses, w.defaults = everything, l.builtin.defaults
	}
	return t.walk(root, w)
}

// within reports whether p is dir or below it.
func within(dir, p string) bool {
	rel, err := filepath.Rel(dir, p)
	return err == nil && (rel == "." || filepath.IsLocal(rel))
}
