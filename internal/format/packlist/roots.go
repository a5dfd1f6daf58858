package packlist

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sync"
	"syscall"
)

// maxOpenFolders bounds the folders that a Roots keeps open besides the bases.
const maxOpenFolders = 32

// Roots opens listed files, each through an os.Root of its Base, so that no
// link that has come since leads out. It keeps the folders that it has been in
// open, up to a bound, since an os.Root goes down a path folder by folder. The
// zero value is ready. It may be used by many goroutines.
type Roots struct {
	mu   sync.Mutex
	open map[folder]*os.Root
}

// folder is one below a Base, slash-separated; "" is the Base itself.
type folder struct{ base, dir string }

// Open opens a file for reading. It does not wait, even if a pipe has taken the
// file's place.
func (r *Roots) Open(f File) (*os.File, error) {
	dir, name := path.Split(f.Name)
	r.mu.Lock()
	root, err := r.root(folder{f.Base, dir})
	if err == nil && root == nil {
		root, err = r.root(folder{base: f.Base})
		name = filepath.FromSlash(f.Name)
	}
	r.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// root is the os.Root of a folder; nil if it is not open and none may be added.
func (r *Roots) root(at folder) (root *os.Root, err error) {
	if root = r.open[at]; root != nil {
		return root, nil
	}
	switch {
	case at.dir == "":
		root, err = os.OpenRoot(at.base)
	case len(r.open) >= maxOpenFolders:
		return nil, nil
	default:
		if root, err = r.root(folder{base: at.base}); err == nil {
			root, err = root.OpenRoot(filepath.FromSlash(at.dir))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opening folder %s: %w", filepath.Join(at.base, at.dir), err)
	}
	if r.open == nil {
		r.open = map[folder]*os.Root{}
	}
	r.open[at] = root
	return root, nil
}

// Close closes the folders, not the files.
func (r *Roots) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, root := range r.open {
		errs = append(errs, root.Close())
	}
	r.open = nil
	return errors.Join(errs...)
}
