package changeset

import (
	"github.com/org/registry-action/internal/domain/changes"
	"github.com/org/registry-action/internal/wire"
)

// render is a change as the API and comments tell it.
func render(c changes.Change) wire.PackageChange {
	out := wire.PackageChange{Name: c.Name, Kind: string(c.What), Size: &wire.SizeChange{}, UnpackedSize: &wire.SizeChange{}, Incomplete: c.Incomplete}
	if c.Before != nil {
		out.Size.Before, out.UnpackedSize.Before = &c.Before.Size, &c.Before.Unpacked
	}
	if c.After != nil {
		out.Size.After, out.UnpackedSize.After = &c.After.Size, &c.After.Unpacked
	}
	if f := c.Files; f != nil {
		out.Files = &wire.FileChanges{
			Added: f.Added.First, Removed: f.Removed.First, Changed: f.Changed.First,
			AddedCount: f.Added.Count, RemovedCount: f.Removed.Count, ChangedCount: f.Changed.Count,
		}
	}
	for _, d := range c.Dependencies {
		out.Dependencies = append(out.Dependencies, wire.DependencyChange{Field: d.Field, Name: d.Name, Before: d.Before, After: d.After})
	}
	for _, e := range c.Entries {
		out.Entries = append(out.Entries, wire.EntryChange{Field: e.Field, Before: e.Before, After: e.After})
	}
	for _, s := range c.Scripts {
		out.Scripts = append(out.Scripts, wire.ScriptChange{Name: s.Name, Before: s.Before, After: s.After})
	}
	for _, e := range c.Broken {
		out.Broken = append(out.Broken, wire.BrokenEntry{Field: e.Field, Target: e.Target})
	}
	return out
}
