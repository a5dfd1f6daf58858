package packlist

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// Roots opens listed files, each through an os.Root of its Base, so that no
// link that has come since leads out. The zero value is ready. It may be used by
// many goroutines.
type Roots struct {
	mu   sync.Mutex
	open map[string]*os.Root
}

// Open opens a file for reading.
func (r *Roots) Open(f File) (*os.File, error) {
	root, err := r.root(f.Base)
	if err != nil {
		return nil, err
	}
	return root.Open(filepath.FromSlash(f.Name))
}

func (r *Roots) root(base string) (*os.Root, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if root := r.open[base]; root != nil {
		return root, nil
	}
	root, err := os.OpenRoot(base)
	if err != nil {
		return nil, fmt.Errorf("opening folder %s: %w", base, err)
	}
	if r.open == nil {
		r.open = map[string]*os.Root{}
	}
	r.open[base] = root
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
