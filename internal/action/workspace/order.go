package workspace

import (
	"maps"
	"slices"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/manifest"
)

// Order sorts members so that each comes behind the siblings it depends on, of
// whatever kind, also through members that aren't in the list. Members of a
// cycle, and those that don't depend on each other, keep the workspace's order.
// It refuses a member of another workspace.
func (w *Workspace) Order(members []*Member) ([]*Member, error) {
	byDir := make(map[string]*Member, len(w.Members))
	for _, m := range w.Members {
		byDir[m.Dir] = m
	}
	wanted := map[*Member]bool{}
	for _, m := range members {
		if byDir[m.Dir] != m {
			return nil, fault.New(fault.Invalid, "%s is not a package of the workspace %s", m.Path, w.Root)
		}
		wanted[m] = true
	}
	siblings := w.Siblings()
	seen := map[*Member]bool{}
	ordered := make([]*Member, 0, len(members))
	var visit func(m *Member)
	visit = func(m *Member) {
		if seen[m] {
			return
		}
		seen[m] = true
		for _, dir := range w.dependencies(m, siblings) {
			visit(byDir[dir])
		}
		if wanted[m] {
			ordered = append(ordered, m)
		}
	}
	for _, m := range w.Members {
		if wanted[m] {
			visit(m)
		}
	}
	return ordered, nil
}

// dependencies are the folders of the siblings that m depends on, sorted.
func (w *Workspace) dependencies(m *Member, siblings map[string]manifest.Sibling) []string {
	dirs := map[string]bool{}
	for _, deps := range m.Manifest.Dependencies {
		for dep, spec := range deps {
			spec, err := w.Catalogs.Resolve(dep, spec)
			if err != nil {
				continue // said when the manifest is rewritten
			}
			if s, ok := manifest.Refers(dep, spec, m.Dir, siblings); ok {
				dirs[s.Dir] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(dirs))
}
