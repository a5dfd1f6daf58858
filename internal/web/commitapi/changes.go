package commitapi

import (
	"net/http"

	"github.com/org/registry-action/internal/domain/changes"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

// changes tells what became of a commit's packages since its base. A package may be called like that: who asks for
// nothing gets it.
func (a *API) changes(w http.ResponseWriter, r *http.Request) error {
	const name = "changes"
	sha, query := r.PathValue("sha"), r.URL.Query()
	if len(query) == 0 {
		if _, err := a.Commits.Package(r.Context(), sha, name); err == nil {
			r.SetPathValue("name", name)
			return a.pkg(w, r)
		}
	}
	since := commits.Since{Bases: query["base"], Branch: query.Get("branch")}
	if repository := query.Get("repository"); repository != "" {
		parsed, err := commits.ParseRepository(repository)
		if err != nil {
			return err
		}
		since.Repository = parsed.Path
	}
	compared, all, err := a.Changes.Since(r.Context(), sha, since)
	if err != nil {
		return err
	}
	out := wire.Changes{SHA: compared.SHA, Packages: make([]wire.PackageChange, len(all))}
	if compared.Base != "" {
		out.Base = &wire.Base{SHA: compared.Base, Branch: compared.Branch}
	}
	for i, c := range all {
		out.Packages[i] = renderChange(c)
	}
	return httpkit.JSON(w, r, http.StatusOK, out)
}

func renderChange(c changes.Change) wire.PackageChange {
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
