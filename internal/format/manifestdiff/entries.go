package manifestdiff

import (
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/entrypoints"
)

// Entry is a way into a package that was added (no Before), removed (no After) or leads elsewhere.
type Entry struct {
	Field         string // as package entrypoints writes it
	Before, After string
}

// Entries lists what became of the ways into a package, by field; more says that there are others.
func Entries(before, after Manifest) (changed []Entry, more bool) {
	was, moreBefore := entrypoints.Flatten(before.written)
	is, moreAfter := entrypoints.Flatten(after.written)
	old, now := byField(was), byField(is)
	for field, target := range old {
		if now[field] != target {
			changed = append(changed, Entry{field, target, now[field]})
		}
	}
	for field, target := range now {
		if _, had := old[field]; !had {
			changed = append(changed, Entry{Field: field, After: target})
		}
	}
	slices.SortFunc(changed, func(a, b Entry) int { return strings.Compare(a.Field, b.Field) })
	return changed, moreBefore || moreAfter
}

// byField leaves out ways that lead nowhere at all: "" is what npm and Node take for none.
func byField(entries []entrypoints.Entry) map[string]string {
	all := map[string]string{}
	for _, e := range entries {
		if e.Target != "" {
			all[e.Field] = e.Target
		}
	}
	return all
}
