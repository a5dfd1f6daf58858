package publish

import (
	"context"

	"github.com/org/registry-action/internal/report"
	"github.com/org/registry-action/internal/wire"
)

// addChanges asks what became of the packages since the base of a pull request, and adds it to a report of them. A registry
// that does not tell is no failure: the report says then what was published.
func (j *job) addChanges(ctx context.Context, r *report.Report, of pull) {
	r.Base, r.Skipped = j.skipped.base, j.skippedPackages()
	if len(r.Packages) == 0 {
		r.Removed = j.skipped.removed
		return
	}
	changes, err := j.changes(ctx, of)
	if err != nil {
		j.streams.Log.DebugContext(ctx, "the registry does not tell what has changed", "err", err)
		return
	}
	if changes.Base == nil {
		j.streams.Log.DebugContext(ctx, "nothing is known that the packages could be compared with", "pull", of.Number)
	}
	r.Compare(changes, func(name string) bool { return !j.has(name) }) // else it is only not published by this run
}

func (j *job) changes(ctx context.Context, of pull) (wire.Changes, error) {
	if j.source.Repository == "" {
		return wire.Changes{}, nil // so that nobody can tell which packages are of the same one
	}
	ctx, cancel := context.WithTimeout(ctx, compareTimeout)
	defer cancel()
	q := j.compareWith(ctx, of)
	if base := j.skipped.base; base != nil && of == j.firstPull() {
		q.Bases, q.Branch = []string{base.SHA}, ""
	}
	return j.registry.Changes(ctx, j.published.SHA, q)
}

// skippedPackages are those that were not published, as they stand at the base.
func (j *job) skippedPackages() []report.Package {
	var all []report.Package
	for _, p := range j.skipped.packages {
		rp := describePackage(p)
		rp.Linked = j.opt.Siblings == URL
		all = append(all, rp)
	}
	return all
}
