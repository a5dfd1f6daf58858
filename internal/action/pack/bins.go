package pack

import (
	"encoding/json"
	"maps"
	"path"
	"slices"

	"github.com/org/registry-action/internal/format/manifest"
)

// binNames are the commands that installing a package with these files gives, sorted.
func binNames(m *manifest.Manifest, files []File) []string {
	var fields struct {
		Bin         json.RawMessage
		Directories struct{ Bin string }
	}
	// Parse has read the same text: what is no bin here is none for npm either.
	if err := json.Unmarshal(m.Source, &fields); err != nil {
		return nil
	}
	var one string
	var many map[string]json.RawMessage
	switch {
	case json.Unmarshal(fields.Bin, &one) == nil && one != "":
		return []string{path.Base(m.Name)}
	case json.Unmarshal(fields.Bin, &many) == nil && len(many) > 0:
		return slices.Sorted(maps.Keys(many))
	case fields.Directories.Bin != "":
		var names []string
		for _, f := range files {
			if path.Dir(f.Path) == path.Clean(fields.Directories.Bin) {
				names = append(names, path.Base(f.Path))
			}
		}
		slices.Sort(names)
		return names
	}
	return nil
}
