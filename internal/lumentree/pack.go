package lumentree

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
)

// Package is a packed package, as Publish and Send take it.
type Package struct {
	lumen.Archive
	File *os.File // the plain tar
}

// Pack packs the package in a folder as Lumen's client does, and checks what came of it. The caller closes the package.
func Pack(ctx context.Context, dir string) (p Package, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if p.File, err = os.CreateTemp("", "lumen-*.tar"); err != nil {
		return p, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if _, err := lumen.Pack(ctx, root, p.File, lumen.Limits{}); err != nil {
		return p, err
	}
	if _, err := p.File.Seek(0, io.SeekStart); err != nil {
		return p, err
	}
	if p.Archive, err = lumen.Check(p.File, io.Discard, lumen.Limits{}); err != nil {
		return p, err
	}
	if p.Manifest.Private {
		return p, fault.New(fault.Invalid, "the package %s is not to be published: its lumen.toml says publish = false", p.Manifest.Name)
	}
	return p, nil
}

// Close removes the file.
func (p Package) Close() error { return errors.Join(p.File.Close(), os.Remove(p.File.Name())) }
