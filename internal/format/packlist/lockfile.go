package packlist

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
)

const (
	hiddenLockfile   = "node_modules/.package-lock.json"
	maxLockfileBytes = 256 << 20
)

// lockfile is the one that npm hides in node_modules. While it describes all
// that is installed, npm reads packages from there, where neither `files` nor
// `main` are recorded: so all that a bundled dependency's folder has is packed,
// what an install script has built there, too.
type lockfile struct {
	packages map[string]json.RawMessage
	written  time.Time
}

// readLockfile reads the lockfile of the package in root. It is the zero value
// if there is none, or if node_modules has changed since it was written.
func readLockfile(root *os.Root) (lockfile, error) {
	info, err := root.Stat(hiddenLockfile)
	if isNotExist(err) {
		return lockfile{}, nil
	}
	var text []byte
	if err == nil {
		text, err = readBounded(root, hiddenLockfile, maxLockfileBytes)
	}
	if err != nil {
		return lockfile{}, fmt.Errorf("reading %s: %w", hiddenLockfile, err)
	}
	var content struct {
		Packages map[string]json.RawMessage `json:"packages"`
	}
	if err := json.Unmarshal(text, &content); err != nil {
		return lockfile{}, fault.Wrap(err, fault.Invalid, "%s is no lockfile: remove it or install again", hiddenLockfile)
	}
	l := lockfile{packages: content.Packages, written: info.ModTime()}
	seen := map[string]bool{}
	if !l.holds(root, "node_modules", seen) {
		return lockfile{}, nil
	}
	for location := range l.packages {
		if !seen[location] {
			return lockfile{}, nil
		}
	}
	return l, nil
}

// holds reports whether nothing in dir, a node_modules or a scope's folder in
// one, is newer than the lockfile or missing in it. It adds to seen what is there.
func (l lockfile) holds(root *os.Root, dir string, seen map[string]bool) bool {
	info, err := root.Stat(dir)
	if err != nil || !info.IsDir() {
		return true
	}
	if info.ModTime().After(l.written) {
		return false
	}
	f, err := root.Open(dir)
	if err != nil {
		return false
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return false
	}
	for _, e := range entries {
		p := path.Join(dir, e.Name())
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			seen[p] = true
		case !e.IsDir() || strings.HasPrefix(e.Name(), "."):
		case strings.HasPrefix(e.Name(), "@"):
			if !l.holds(root, p, seen) {
				return false
			}
		case !l.holdsPackage(root, p, e, seen):
			return false
		}
	}
	return true
}

func (l lockfile) holdsPackage(root *os.Root, p string, e fs.DirEntry, seen map[string]bool) bool {
	seen[p] = true
	info, err := e.Info()
	if _, ok := l.packages[p]; !ok || err != nil || info.ModTime().After(l.written) {
		return false
	}
	return l.holds(root, path.Join(p, "node_modules"), seen)
}

// describes reports whether the lockfile has the package at location.
func (l lockfile) describes(location string) bool {
	_, ok := l.packages[location]
	return ok
}
