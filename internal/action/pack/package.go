package pack

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/tarball"
)

// File is a file of a packed package.
type File struct {
	Path string `json:"path"` // slash-separated, relative to the package's folder
	Size int64  `json:"size"` // bytes, as packed
}

// Package is a packed package: a split tarball, which has a Head, a body and a
// Recipe, or a whole one: of a workspace.Kind, or a given one that somebody else made. The tarball
// itself is in a file: the given one, or one of Options.TempDir.
type Package struct {
	Name       string // of a workspace.Kind, with its prefix
	Version    string // as packed
	OwnVersion string // as its package.json on disk says; of others, the same as Version
	Dir        string // slash-separated, relative to the workspace's root; empty for a given tarball
	Files      []File // package.json first; of Zig, by path; of Lumen, lumen.toml and then by path
	Unpacked   int64  // sum of the files' sizes
	Bins       []string
	Siblings   []string         // the packages packed along that it needs, by name
	ByURL      bool             // it needs one of them by URL, not by version
	Zig        *Zig             // nil if it is not of Zig
	Lumen      *lumen.Integrity // nil if it is not of Lumen

	Head   []byte // the template, if Recipe.Holes; nil for a whole tarball
	Recipe tarball.Recipe

	whole section // the .tgz; of a split one with the head of Options.Commit

	Sums digest.Sums // of the whole .tgz
	Size int64       // bytes of the whole .tgz
}

// Split reports whether the package has a head and a body.
func (p *Package) Split() bool { return p.Head != nil }

// Filename is what the tarball is saved as: npm's name for it, name-version.tar.gz of Zig, or
// scope-name-version.tar of Lumen.
func (p *Package) Filename() string {
	switch {
	case p.Zig != nil:
		return strings.TrimPrefix(p.Name, workspace.Zig.Prefix()) + "-" + p.Version + ".tar.gz"
	case p.Lumen != nil:
		name := strings.TrimPrefix(p.Name, workspace.Lumen.Prefix())
		return strings.ReplaceAll(strings.TrimPrefix(name, "@"), "/", "-") + "-" + p.Version + ".tar"
	}
	return npm.TarballName(p.Name, p.Version)
}

// Open streams the whole .tgz.
func (p *Package) Open() (io.ReadCloser, error) {
	r, err := p.whole.reader()
	if err != nil {
		return nil, fmt.Errorf("opening the tarball of %s: %w", p.Name, err)
	}
	return r, nil
}

// OpenBody streams the body of a split tarball.
func (p *Package) OpenBody() (io.ReadCloser, error) {
	before := int64(len(p.Recipe.Header())) + p.Recipe.Head.Size
	r, err := section{p.whole.path, p.whole.offset + before, p.Recipe.Body.Size}.reader()
	if err != nil {
		return nil, fmt.Errorf("opening the body of %s: %w", p.Name, err)
	}
	return r, nil
}

// Save writes the whole .tgz to a file, replacing it. The file appears complete or not at all.
func (p *Package) Save(path string) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("saving %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("saving %s: %w", path, err), os.Remove(tmp.Name()))
		}
	}()
	err = p.whole.copyTo(tmp)
	// CreateTemp's 0600 would hide the result from others.
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
