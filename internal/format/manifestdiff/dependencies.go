package manifestdiff

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/packument"
)

// Dependency is one that was added (no Before), removed (no After) or changed.
type Dependency struct {
	Field         string // "dependencies", "peerDependencies", …
	Name          string
	Before, After string // what it asks for
}

// What stands for a dependency that asks for nothing in words.
const (
	anyVersion = "*"        // of an empty range
	bundled    = "bundled"  // of bundleDependencies
	optional   = "optional" // of peerDependenciesMeta
)

// dependencyFields are compared, in this order.
var dependencyFields = []string{"dependencies", "optionalDependencies", "peerDependencies", "peerDependenciesMeta", "bundleDependencies", "devDependencies"}

// Dependencies lists what became of all dependencies, as npm reads them, by field and name. A sibling that is asked for
// by the version of the same commit, before and after, is no change.
func Dependencies(before, after Manifest) []Dependency {
	var all []Dependency
	for _, field := range dependencyFields {
		was, is := before.dependencies(field), after.dependencies(field)
		var changed []Dependency
		for name, old := range was {
			if now := is[name]; before.neutral(old) != after.neutral(now) {
				changed = append(changed, Dependency{field, name, old, now})
			}
		}
		for name, now := range is {
			if was[name] == "" {
				changed = append(changed, Dependency{Field: field, Name: name, After: now})
			}
		}
		slices.SortFunc(changed, func(a, b Dependency) int { return strings.Compare(a.Name, b.Name) })
		all = append(all, changed...)
	}
	return all
}

// dependencies are those of a field, by name.
func (m Manifest) dependencies(field string) map[string]string {
	raw := m.npm.Get(field)
	all := map[string]string{}
	switch field {
	case "bundleDependencies":
		var names []string
		_ = json.Unmarshal(raw, &names) // npm's form of it is a list, or it is not there
		for _, name := range names {
			all[name] = bundled
		}
	case "peerDependenciesMeta":
		for _, member := range members(raw) {
			if string(members(member.Value).Get(optional)) == "true" {
				all[member.Key] = optional
			}
		}
	default:
		for _, member := range members(raw) {
			var spec string
			if json.Unmarshal(member.Value, &spec) == nil {
				all[member.Key] = cmp.Or(spec, anyVersion)
			}
		}
	}
	return all
}

func members(raw json.RawMessage) packument.Object {
	o, err := packument.ParseObject(raw)
	if err != nil {
		return nil
	}
	return o
}
