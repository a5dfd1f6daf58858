package lumentree

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Tree is a registry to read.
type Tree interface {
	// Open opens a file; fs.ErrNotExist if there is none. The caller closes it.
	Open(ctx context.Context, path string) (io.ReadCloser, error)
}

// Folder is a Tree on disk. Neither a path nor a symbolic link leads out of it.
type Folder struct{ root *os.Root }

// OpenFolder opens a folder to read. The caller closes it.
func OpenFolder(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{root}, nil
}

// Open opens a regular file.
func (f *Folder) Open(_ context.Context, path string) (io.ReadCloser, error) {
	return openRegular(f.root, path)
}

// Close closes the folder.
func (f *Folder) Close() error { return f.root.Close() }

func openRegular(root *os.Root, path string) (*os.File, error) {
	info, err := root.Stat(path) // before opening: that of a pipe would wait for a writer
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return root.Open(path)
}

// readDocument reads a file of metadata.
func readDocument(ctx context.Context, t Tree, path string) (text []byte, err error) {
	r, err := t.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return readBounded(r, path)
}

func readBounded(r io.Reader, path string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err == nil && len(text) > maxDocument {
		err = fmt.Errorf("%s has more than %d bytes; that is the limit", path, maxDocument)
	}
	return text, err
}

// readJSON decodes a file of metadata; found is false if there is none.
func readJSON[T any](ctx context.Context, t Tree, path string) (v T, found bool, err error) {
	text, err := readDocument(ctx, t, path)
	if errors.Is(err, fs.ErrNotExist) {
		return v, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	return v, err == nil, err
}
