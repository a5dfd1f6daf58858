// Package verdaccio reads the storage folder of verdaccio (3 to 6): for each
// package a folder with its packument, package.json, and its tarballs.
//
// Verdaccio keeps what was published to it and what it fetched from uplinks in
// one packument. A tarball that is there is listed in _attachments; where it can
// be fetched from, if it came from an uplink, is in _distfiles. So what is in the
// first and not in the second was published. The list of local packages,
// .verdaccio-db.json, only tells of packages whose folder is gone.
//
// Users are in an htpasswd file elsewhere, with passwords that can't be read; they
// are not imported.
package verdaccio

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/foreign"
	"github.com/org/registry-action/internal/format/npm"
)

const (
	listFile     = ".verdaccio-db.json"
	packumentDoc = "package.json"
)

// Folder is an open storage folder.
type Folder struct {
	*foreign.Folder
	all    bool
	names  []string
	lost   []string // listed, but not there
	cached int      // packages with nothing to import, as far as they were read
}

// Open lists the packages of a storage folder. all includes what was only
// fetched from uplinks.
func Open(dir string, all bool) (*Folder, error) {
	files, err := foreign.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{Folder: files, all: all}
	if err := f.list(); err != nil {
		return nil, errors.Join(err, files.Close())
	}
	return f, nil
}

// list finds the packages: folders, and those below folders that are scopes.
func (f *Folder) list() error {
	top, err := f.Folders(".")
	if err != nil {
		return err
	}
	for _, name := range top {
		switch {
		case strings.HasPrefix(name, "."):
		case strings.HasPrefix(name, "@"):
			inner, err := f.Folders(name)
			if err != nil {
				return err
			}
			for _, base := range inner {
				f.add(name + "/" + base)
			}
		default:
			f.add(name)
		}
	}
	listed, err := f.listed()
	if err != nil {
		return err
	}
	if len(f.names) == 0 && len(listed) == 0 {
		return fmt.Errorf("there are no packages in the folder; give the one that verdaccio's config.yaml names as storage")
	}
	there := map[string]bool{}
	for _, name := range f.names {
		there[name] = true
	}
	for _, name := range listed {
		if !there[name] {
			f.lost = append(f.lost, name)
		}
	}
	return nil
}

func (f *Folder) add(name string) {
	if f.Has(path.Join(name, packumentDoc)) {
		f.names = append(f.names, name)
	}
}

// listed reads the list of local packages; a folder without one is fine.
func (f *Folder) listed() ([]string, error) {
	text, err := f.ReadJSON(listFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var db struct {
		List []string `json:"list"`
	}
	if err := json.Unmarshal(text, &db); err != nil {
		return nil, fmt.Errorf("%s is not the JSON that verdaccio writes: %w", listFile, err)
	}
	slices.Sort(db.List)
	return slices.Compact(db.List), nil
}

// Len is the number of packages.
func (f *Folder) Len() int { return len(f.names) + len(f.lost) }

// Notes says what of the folder is not imported; complete once all packages were read.
func (f *Folder) Notes() []string {
	notes := []string{"verdaccio's users are not imported, since their passwords can't be read: make accounts with registry-server user add, or let people log in anew"}
	switch {
	case f.cached > 0 && f.all:
		notes = append(notes, fmt.Sprintf("packages of an uplink without a tarball in the folder, left out: %d", f.cached))
	case f.cached > 0:
		notes = append(notes, fmt.Sprintf("packages that were only fetched from an uplink, left out: %d; upstream still has them (--all imports them as yours)", f.cached))
	}
	return notes
}

// Packages yields the packages by name.
func (f *Folder) Packages() iter.Seq[foreign.Package] {
	return func(yield func(foreign.Package) bool) {
		for _, name := range f.names {
			p := f.pkg(name)
			if p.Problem == nil && len(p.Versions) == 0 {
				f.cached++
				continue
			}
			if !yield(p) {
				return
			}
		}
		for _, name := range f.lost {
			if !yield(foreign.Package{Name: name, Problem: fmt.Errorf("%s lists it, but it has no folder with a %s", listFile, packumentDoc)}) {
				return
			}
		}
	}
}

func (f *Folder) pkg(name string) foreign.Package {
	p := foreign.Package{Name: name}
	if p.Problem = npm.ValidName(name); p.Problem != nil {
		return p
	}
	text, err := f.ReadJSON(path.Join(name, packumentDoc))
	if err != nil {
		p.Problem = err
		return p
	}
	p.Versions, p.Problem = f.versions(name, text)
	return p
}
