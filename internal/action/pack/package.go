package pack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/tarball"
)

// File is a file of a packed package.
type File struct {
	Path string `json:"path"` // slash-separated, relative to the package's folder
	Size int64  `json:"size"` // bytes, as packed
}

// Package is a packed package: a split tarball (Head, Body, Recipe), or a whole
// one (Tarball) that was taken as it is.
type Package struct {
	Name       string
	Version    string // as packed
	OwnVersion string // as its package.json on disk says; of a given tarball, the same as Version
	Dir        string // slash-separated, relative to the workspace's root; empty for a given tarball
	Files      []File // package.json first
	Unpacked   int64  // sum of the files' sizes
	Bins       []string
	Siblings   []string // the packages packed along that it needs, by name

	Head   []byte // the template, if Recipe.Holes
	filled []byte // the head of Options.Commit
	Body   string // path of the file with the body, in Options.TempDir
	Recipe tarball.Recipe

	Tarball string // path of a tarball taken as it is; empty for a split one

	Sums digest.Sums // of the whole .tgz
	Size int64       // bytes of the whole .tgz
}

// Split reports whether the package has a head and a body.
func (p *Package) Split() bool { return p.Tarball == "" }

// Open streams the whole .tgz.
func (p *Package) Open() (io.ReadCloser, error) {
	path := p.Tarball
	if p.Split() {
		path = p.Body
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the tarball of %s: %w", p.Name, err)
	}
	if !p.Split() {
		return f, nil
	}
	return joined{tarball.NewReader(p.Recipe, bytes.NewReader(p.filled), f), f}, nil
}

// joined reads a split tarball and closes its body's file.
type joined struct {
	io.Reader
	io.Closer
}

// Save writes the whole .tgz to a file, replacing it. The file appears complete or not at all.
func (p *Package) Save(path string) (err error) {
	src, err := p.Open()
	if err != nil {
		return err
	}
	defer src.Close()
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("saving %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("saving %s: %w", path, err), os.Remove(tmp.Name()))
		}
	}()
	_, err = io.Copy(tmp, src)
	// CreateTemp's 0600 would hide the result from others.
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
