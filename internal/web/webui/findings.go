package webui

import (
	"context"
	"html/template"

	"github.com/org/registry-action/internal/domain/changes"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/format/entrypoints"
	"github.com/org/registry-action/internal/format/manifestdiff"
	"github.com/org/registry-action/internal/web/changeset"
)

const (
	maxFound   = 20       // of each list of a finding
	shownFound = 24 << 10 // bytes of all findings of a page
	foundCost  = 160      // bytes of the HTML around one
)

// review is the content of the fragment "findings".
type review struct {
	Findings []finding
	Left     int // packages of which there is more to say
}

// finding is what a reviewer of a changed package should know beside its files.
type finding struct {
	Package      link // where its files are compared
	Broken       []entrypoints.Entry
	Scripts      []manifestdiff.Script
	Dependencies []manifestdiff.Dependency
	More         bool // there is more than is listed
}

// findings looks into the packages that changed, and corrects in their rows what only a look into them tells. A page can
// do without.
func (u *UI) findings(ctx context.Context, shown []commits.Package, rows []packageRow, before map[string]commits.Change) (out review) {
	var changed []commits.Change
	row := map[string]*packageRow{}
	for i, p := range shown {
		if c, ok := before[p.Name]; ok && c.Kind() != commits.Same {
			changed, row[p.Name] = append(changed, c), &rows[i]
		}
	}
	if len(changed) == 0 {
		return out
	}
	all, err := changeset.Reader{Commits: u.Commits, Files: u.Files, Changes: u.Changes}.Compare(ctx, changed, true)
	if err != nil {
		if ctx.Err() == nil {
			u.Log.WarnContext(ctx, "looking into the packages of a commit", "commit", shown[0].SHA, "err", err)
		}
		return out
	}
	room := shownFound
	for _, c := range all {
		row[c.Name].Status = commits.ChangeKind(c.What)
		f, ok := findingOf(c)
		if !ok {
			continue
		}
		f.Package = diffLink(before[c.Name])
		size := f.size()
		if size > room {
			out.Left++
			continue
		}
		room -= size
		out.Findings = append(out.Findings, f)
	}
	return out
}

// size is about how many bytes of HTML it takes.
func (f finding) size() int {
	texts := []string{f.Package.Text, f.Package.URL}
	for _, e := range f.Broken {
		texts = append(texts, e.Field, e.Target)
	}
	for _, d := range f.Dependencies {
		texts = append(texts, d.Name, d.Before, d.After)
	}
	for _, s := range f.Scripts {
		texts = append(texts, s.Before, s.After)
	}
	n := foundCost * (1 + len(f.Broken) + len(f.Scripts) + len(f.Dependencies))
	for _, text := range texts {
		n += len(template.HTMLEscapeString(text))
	}
	return n
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
