package webui

import (
	"context"

	"github.com/org/registry-action/internal/domain/changes"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/format/entrypoints"
	"github.com/org/registry-action/internal/format/manifestdiff"
	"github.com/org/registry-action/internal/web/changeset"
)

// maxFound bounds each list of a finding.
const maxFound = 20

// finding is what a reviewer of a changed package should know beside its files.
type finding struct {
	Package      link // where its files are compared
	Broken       []entrypoints.Entry
	Scripts      []string // that newly run at install
	Dependencies []manifestdiff.Dependency
	More         bool // there is more than is listed
}

// findings looks into the packages that changed, and corrects in their rows what only a look into them tells. A page can
// do without.
func (u *UI) findings(ctx context.Context, shown []commits.Package, rows []packageRow, before map[string]commits.Change) []finding {
	var changed []commits.Change
	row := map[string]*packageRow{}
	for i, p := range shown {
		if c, ok := before[p.Name]; ok && c.Kind() != commits.Same {
			changed, row[p.Name] = append(changed, c), &rows[i]
		}
	}
	if len(changed) == 0 {
		return nil
	}
	all, err := changeset.Reader{Commits: u.Commits, Files: u.Files, Changes: u.Changes}.Compare(ctx, changed, true)
	if err != nil {
		if ctx.Err() == nil {
			u.Log.WarnContext(ctx, "looking into the packages of a commit", "commit", shown[0].SHA, "err", err)
		}
		return nil
	}
	var found []finding
	for _, c := range all {
		row[c.Name].Status = commits.ChangeKind(c.What)
		if f, ok := findingOf(c); ok {
			f.Package = diffLink(before[c.Name])
			found = append(found, f)
		}
	}
	return found
}

// findingOf picks what is worth a reviewer's time; ok is false if there is nothing.
func findingOf(c changes.Change) (f finding, ok bool) {
	f = finding{Scripts: c.Scripts, More: c.Incomplete}
	f.Broken = c.Broken[:min(len(c.Broken), maxFound)]
	f.Dependencies = c.Dependencies[:min(len(c.Dependencies), maxFound)]
	f.More = f.More || len(f.Broken) < len(c.Broken) || len(f.Dependencies) < len(c.Dependencies)
	return f, f.More || len(f.Broken)+len(f.Scripts)+len(f.Dependencies) > 0
}

// diffLink leads to what is different in the files of a package, or to the package if it is new.
func diffLink(c commits.Change) link {
	to := link{shownName(*c.After), packagePath(*c.After)}
	if c.Before != nil {
		to.URL += "/diff/" + c.Before.SHA
	}
	return to
}
