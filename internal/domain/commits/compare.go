package commits

import (
	"slices"
	"strings"
)

// ChangeKind is what became of a package between two commits.
type ChangeKind string

// The kinds of changes.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
	Same    ChangeKind = "unchanged"
)

// Change is a package in two commits.
type Change struct {
	Name          string
	Before, After *Package // nil: that commit has none of the name
}

// Kind says what the change is.
func (c Change) Kind() ChangeKind {
	switch {
	case c.Before == nil:
		return Added
	case c.After == nil:
		return Removed
	case c.After.sameContent(*c.Before):
		return Same
	}
	return Changed
}

// Growth is how many bytes the tarball has grown.
func (c Change) Growth() int64 {
	var n int64
	if c.After != nil {
		n = c.After.Artifact.Size
	}
	if c.Before != nil {
		n -= c.Before.Artifact.Size
	}
	return n
}

// Compare tells what became of the packages of one commit in another, by name.
func Compare(before, after []Package) []Change {
	byName := map[string]*Change{}
	at := func(name string) *Change {
		if byName[name] == nil {
			byName[name] = &Change{Name: name}
		}
		return byName[name]
	}
	for _, p := range before {
		at(p.Name).Before = new(p)
	}
	for _, p := range after {
		at(p.Name).After = new(p)
	}
	changes := make([]Change, 0, len(byName))
	for _, c := range byName {
		changes = append(changes, *c)
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Name, b.Name) })
	return changes
}

// sameContent reports whether two packages have the same files, but for the digits of their commits in the package.json.
func (p Package) sameContent(o Package) bool {
	a, b := p.Artifact, o.Artifact
	if a.Sums == b.Sums {
		return true
	}
	return a.Recipe != nil && b.Recipe != nil && a.Recipe.Body == b.Recipe.Body &&
		a.Recipe.Head == b.Recipe.Head && a.Recipe.Holes && b.Recipe.Holes
}
