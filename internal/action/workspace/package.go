package workspace

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// Package is a package of a Kind.
type Package struct {
	Kind Kind
	Dir  string // slash-separated, relative to the workspace's root; "." for the root itself
	Name string // with the kind's prefix; empty if the manifest does not say it

	refusal error  // why it can't be published at all
	broken  bool   // its manifest can't be read
	leftOut string // why it is only published if it is named, or not at all

	paths  []string          // of its dependencies by path
	within func(string) bool // whether a folder below its own is part of it
}

// LeftOut says why the package is only published if it is named, or not at all;
// "" if it is published by default. broken: its manifest can't be read.
//
// One that says its name all the same is a package that somebody meant to publish: it is not left out, so that to select it
// tells what is wrong. One that does not may be a template, or another program's file.
func (p *Package) LeftOut() (why string, broken bool) {
	if p.broken && p.Name != "" {
		return "", true
	}
	return p.leftOut, p.broken
}

// refuse keeps what is wrong with the manifest.
func (p *Package) refuse(err error) {
	if e, ok := fault.Public(err); ok && p.Name != "" {
		n := *e
		n.Message += "; correct it, or leave the package out with --exclude " + p.Name
		err = &n
	}
	p.refusal, p.broken, p.leftOut = err, true, err.Error()
}

// Find lists the manifests below the root by looking into its folders. Links are not
// followed, and a folder with a .git of its own is another repository.
func (w *Workspace) Find() ([]string, error) {
	root, err := os.OpenRoot(w.Root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var found []string
	folders := 0
	err = fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && p == ".":
			return err
		case err != nil:
			return fs.SkipDir // not ours to read
		case d.IsDir() && p != ".":
			if folders++; folders > maxFolders {
				return errBounds
			}
			if _, err := root.Lstat(path.Join(p, ".git")); err == nil || !slices.ContainsFunc(Kinds(), func(k Kind) bool { return k.has(p) }) {
				return fs.SkipDir
			}
		case d.Type().IsRegular():
			if _, ok := kindOf(p); ok {
				found = append(found, p)
			}
		}
		return nil
	})
	return found, err
}

// Add adds the packages of manifests, which are named by their slash-separated paths from the root.
// Those that are not there, and names that are no kindOf, are passed over.
func (w *Workspace) Add(manifests []string) error {
	root, err := os.OpenRoot(w.Root)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range manifests {
		kind, ok := kindOf(name)
		if !ok {
			continue
		}
		if len(w.Packages) >= maxMembers {
			return errBounds
		}
		text, err := readFile(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		p := &Package{Kind: kind, Dir: path.Dir(name)}
		switch {
		case err != nil:
			p.refuse(located(name, err))
		case kind == Lumen:
			p.readLumen(name, text)
		default:
			p.readZig(name, text)
		}
		w.Packages = append(w.Packages, p)
	}
	slices.SortFunc(w.Packages, func(a, b *Package) int {
		return cmp.Or(cmp.Compare(a.Dir, b.Dir), slices.Index(Kinds(), a.Kind)-slices.Index(Kinds(), b.Kind))
	})
	w.relate()
	return nil
}

// located makes an error of reading a manifest name the file by its path from the root.
func located(file string, err error) error {
	e, ok := fault.Public(err)
	switch {
	case !ok:
		return fmt.Errorf("reading %s: %w", file, err)
	case strings.HasPrefix(e.Message, file):
		return err
	}
	n := *e
	if rest, ok := strings.CutPrefix(e.Message, path.Base(file)); ok {
		n.Message = file + rest
	} else {
		n.Message = file + ": " + e.Message
	}
	return &n
}

// relate finds the packages that are part of others, which depend on them by path.
func (w *Workspace) relate() {
	type place struct {
		kind Kind
		dir  string
	}
	at := map[place]*Package{}
	for _, p := range w.Packages {
		at[place{p.Kind, p.Dir}] = p
	}
	for _, p := range w.Packages {
		for _, to := range p.paths {
			inside, _ := below(to)
			part := at[place{p.Kind, path.Join(p.Dir, inside)}]
			if part == nil || part == p || !p.within(inside) {
				continue
			}
			if why, _ := part.LeftOut(); why == "" {
				part.leftOut, part.broken = fmt.Sprintf("it is part of the package in %s, which depends on it by .path", p.Dir), false
			}
		}
	}
}

// below cleans a path and reports whether it stays in the folder it is relative to.
func below(p string) (string, bool) {
	p = path.Clean(strings.ReplaceAll(p, `\`, "/"))
	return p, !path.IsAbs(p) && filepath.IsLocal(filepath.FromSlash(p))
}

// OpenAlone is Open for a repository without npm packages: its root is the nearest
// folder at or above dir with a manifest of a Kind, in its repository, or else dir.
func OpenAlone(dir string) (*Workspace, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, err
	}
	for p := range upward(abs) {
		if slices.ContainsFunc(Kinds(), func(k Kind) bool { return exists(filepath.Join(p, k.Manifest())) }) {
			return &Workspace{Root: p}, nil
		}
	}
	return &Workspace{Root: abs}, nil
}
