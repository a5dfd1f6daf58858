package filelist

import "strings"

// What happened to a file between two archives.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
)

// Change is a file that is not the same in two archives.
type Change struct {
	What          string // Added, Removed or Changed
	Before, After File   // the zero File where there is none
}

// Path is where the file lies, or lay.
func (c Change) Path() string {
	if c.What == Removed {
		return c.Before.Path
	}
	return c.After.Path
}

// Compare merges two lists. It returns what is not the same in them, by path, and how many files are.
func Compare(before, after *List) (changes []Change, same int) {
	a, b := before.Files, after.Files
	for len(a) > 0 || len(b) > 0 {
		switch order := order(a, b); {
		case order < 0:
			changes = append(changes, Change{What: Removed, Before: a[0]})
			a = a[1:]
		case order > 0:
			changes = append(changes, Change{What: Added, After: b[0]})
			b = b[1:]
		default:
			if a[0].same(b[0]) {
				same++
			} else {
				changes = append(changes, Change{What: Changed, Before: a[0], After: b[0]})
			}
			a, b = a[1:], b[1:]
		}
	}
	return changes, same
}

// order says which of two lists comes next: below 0 the first, above 0 the second, 0 both.
func order(a, b []File) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return strings.Compare(a[0].Path, b[0].Path)
}
