package zig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// leftOut are the folders at a package's root that are no part of it, even where .paths is "": `zig fetch ./folder` takes
// them in, but no archive that a forge makes has them.
var leftOut = map[string]bool{".git": true, ".zig-cache": true, "zig-cache": true, "zig-out": true, "zig-pkg": true}

// OpenFolder reads a package's folder on disk as `zig fetch ./folder` does: nothing is stripped. Unlike there, .git,
// .zig-cache, zig-cache, zig-out and zig-pkg are left out. Folders that the manifest's .paths can't include are not even read, and
// nothing outside the root is. Links are entries, never followed. root must stay open while the Tree is used.
func OpenFolder(ctx context.Context, root *os.Root, lim Limits) (*Tree, error) {
	b := &builder{tree: &Tree{Format: "folder", root: root.FS(), lim: lim.withDefaults()}}
	b.lim = b.tree.lim
	only, err := folderFilter(root, b.lim)
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(b.tree.root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("reading the package's folder: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		switch {
		case name == ".":
			return nil
		case d.IsDir() && (leftOut[name] || !only.reaches(name)):
			return fs.SkipDir
		case !d.IsDir() && name != manifestName && !only.includes(name):
			return nil
		}
		return b.addFromDisk(root, name, d)
	})
	if err != nil {
		return nil, err
	}
	return b.tree, nil
}

// folderFilter is what the folder's manifest includes.
func folderFilter(root *os.Root, lim Limits) (filter, error) {
	info, err := root.Lstat(manifestName)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return filter{all: true}, nil
	}
	if err != nil {
		return filter{}, fmt.Errorf("reading the package's folder: %w", err)
	}
	if info.Size() > lim.Manifest {
		return filter{}, manifestTooLarge(lim)
	}
	f, err := root.Open(manifestName)
	if err != nil {
		return filter{}, fmt.Errorf("reading the package's folder: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, lim.Manifest))
	if err != nil {
		return filter{}, fmt.Errorf("reading %s: %w", manifestName, err)
	}
	m, err := ParseManifest(text)
	if err != nil {
		return filter{}, err
	}
	return newFilter(&m), nil
}

func (b *builder) addFromDisk(root *os.Root, name string, d fs.DirEntry) error {
	e := Entry{Name: name}
	switch d.Type() {
	case 0:
		info, err := d.Info()
		if err != nil {
			return fmt.Errorf("reading the package's folder: %w", err)
		}
		e.Size = info.Size()
	case fs.ModeDir:
		e.Kind = Folder
	case fs.ModeSymlink:
		target, err := root.Readlink(name)
		if err != nil {
			return fmt.Errorf("reading the link %s: %w", name, err)
		}
		e.Kind, e.Link = Link, target
	default:
		e.Kind = Other
	}
	return b.add(e)
}
