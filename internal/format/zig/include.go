package zig

import (
	"path"
	"strings"
)

const manifestName = "build.zig.zon"

// filter is what .paths includes: whole folders and single files, no globs.
type filter struct {
	all   bool
	paths map[string]bool // cleaned
	above map[string]bool // the folders above them
}

func newFilter(m *Manifest) filter {
	if m == nil || m.Paths == nil {
		return filter{all: true}
	}
	f := filter{paths: map[string]bool{}, above: map[string]bool{}}
	for _, p := range m.Paths {
		p = path.Clean(p)
		if p == "." {
			return filter{all: true}
		}
		if len(p) > maxPath {
			continue // no entry has such a name
		}
		f.paths[p] = true
		for up := path.Dir(p); up != "." && up != "/" && !f.above[up]; up = path.Dir(up) {
			f.above[up] = true
		}
	}
	return f
}

// includes reports whether a name, or a folder above it, is one of the paths.
func (f filter) includes(name string) bool {
	if f.all || f.paths[name] {
		return true
	}
	for i := range len(name) {
		if name[i] == '/' && f.paths[name[:i]] {
			return true
		}
	}
	return false
}

// reaches reports whether a folder is included or has something included in it.
func (f filter) reaches(folder string) bool { return f.above[folder] || f.includes(folder) }

// rootOf is the top folder that all entries of an archive share; "" if there is none. What compilers can't unpack doesn't count.
func rootOf(entries []Entry) string {
	root, first := "", true
	for _, e := range entries {
		if e.Kind == Other {
			continue
		}
		top, _, nested := strings.Cut(e.Name, "/")
		if !nested && e.Kind != Folder {
			return ""
		}
		if first {
			root, first = top, false
		}
		if top != root {
			return ""
		}
	}
	return root
}

// below are the files and links without the root in front, as compilers strip it.
func below(entries []Entry, root string) []Entry {
	files := make([]Entry, 0, len(entries))
	for _, e := range entries {
		if e.Kind == Folder {
			continue
		}
		if root != "" {
			e.Name = strings.TrimPrefix(e.Name, root+"/")
		}
		files = append(files, e)
	}
	return files
}
