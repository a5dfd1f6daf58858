package foreign

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
)

// MaxJSON bounds a JSON file of another registry, in bytes.
const MaxJSON = 64 << 20

// Folder is a folder of another registry. Neither a path nor a symbolic link
// leads out of it, and nothing in it is written.
type Folder struct{ root *os.Root }

// OpenFolder opens a folder. The caller closes it.
func OpenFolder(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{root: root}, nil
}

// Close closes the folder.
func (f *Folder) Close() error { return f.root.Close() }

// Open opens a regular file. The caller closes it.
func (f *Folder) Open(name string) (*os.File, error) {
	info, err := f.root.Stat(name) // before opening: that of a pipe would wait for a writer
	if err != nil {
		return nil, plain(err, name)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	file, err := f.root.Open(name)
	return file, plain(err, name)
}

// ReadJSON reads a JSON file of at most MaxJSON bytes, whose syntax is the caller's to check.
func (f *Folder) ReadJSON(name string) ([]byte, error) {
	file, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, MaxJSON+1))
	err = errors.Join(err, file.Close())
	if err == nil && len(text) > MaxJSON {
		err = fmt.Errorf("%s has more than %d bytes; that is the limit", name, MaxJSON)
	}
	return text, err
}

// Has reports whether there is something of that name.
func (f *Folder) Has(name string) bool {
	_, err := f.root.Stat(name)
	return err == nil
}

// dirChunk is how many entries of a folder are read at a time.
const dirChunk = 1000

// Folders lists the folders in a folder ("." for the topmost), by name; links that
// lead to one count.
func (f *Folder) Folders(name string) ([]string, error) { return f.list(name, fs.FileInfo.IsDir) }

// Files lists the regular files in a folder likewise.
func (f *Folder) Files(name string) ([]string, error) {
	return f.list(name, func(i fs.FileInfo) bool { return i.Mode().IsRegular() })
}

func (f *Folder) list(name string, wanted func(fs.FileInfo) bool) ([]string, error) {
	dir, err := f.root.Open(name)
	if err != nil {
		return nil, plain(err, name)
	}
	defer dir.Close()
	var names []string
	for {
		entries, err := dir.ReadDir(dirChunk)
		for _, e := range entries {
			info, statErr := f.root.Stat(path.Join(name, e.Name()))
			if statErr == nil && wanted(info) {
				names = append(names, e.Name())
			}
		}
		if errors.Is(err, io.EOF) {
			slices.Sort(names)
			return names, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// plain says in words what a user can act on.
func plain(err error, name string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is missing: %w", name, fs.ErrNotExist)
	}
	return fmt.Errorf("reading %s: %w", name, err)
}
