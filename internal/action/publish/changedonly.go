package publish

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/wire"
)

// compareTimeout is how long the registry may take to tell of a base, or of changes: they are no reason to fail.
const compareTimeout = 20 * time.Second

// skipped are the packages that are left at the base.
type skipped struct {
	base     *wire.Base // nil: all packages are published
	packages []wire.CommitPackage
	removed  []string // those that the base has and the workspace has not
}

func (s skipped) names() (names []string) {
	for _, p := range s.packages {
		names = append(names, p.Name)
	}
	return names
}

// published is the outcome if no package has changed: what there is, is the base's.
func (s skipped) published(sha string) wire.Published {
	first := s.packages[0]
	return wire.Published{
		Success: true, SHA: sha, Repository: first.Repository, Packages: []wire.PublishedPackage{}, ExpiresAt: first.ExpiresAt,
		Message: fmt.Sprintf("Nothing has changed since commit %.7s, so nothing was published", s.base.SHA),
	}
}

// leaveUnchanged leaves those packages out that are as they are at the base. What it leaves in can be installed: the changed
// ones, those that depend on them, so that whoever installs one gets the change, and those that any of these needs by version.
func (j *job) leaveUnchanged(ctx context.Context) error {
	if !j.opt.ChangedOnly {
		return nil
	}
	base, err := j.findBase(ctx)
	if err != nil {
		j.say("changed-only: all packages are published, for %v", err)
		return nil
	}
	before := map[string]wire.CommitPackage{}
	for _, p := range base.Packages {
		before[p.Name] = p
	}
	needed := needed(j.packages, func(p *pack.Package) bool {
		old, ok := before[p.Name]
		return !ok || !sameContent(p, old)
	})
	j.skipped = skipped{base: &base.Base}
	var left []*pack.Package
	for _, p := range j.packages {
		if !needed[p.Name] {
			j.skipped.packages = append(j.skipped.packages, before[p.Name])
			continue
		}
		left = append(left, p)
	}
	for _, p := range base.Packages {
		if !j.has(p.Name) {
			j.skipped.removed = append(j.skipped.removed, p.Name)
		}
	}
	j.packages = left
	if len(left) == 0 {
		j.say("changed-only: nothing has changed since %.10s, so nothing is published", base.SHA)
		return nil
	}
	j.say("changed-only: compared with %.10s, %d of %d are published", base.SHA, len(left), len(left)+len(j.skipped.packages))
	return nil
}

// needed are the names of the packages to publish.
func needed(packages []*pack.Package, changed func(*pack.Package) bool) map[string]bool {
	chosen := map[string]bool{}
	byName := map[string]*pack.Package{}
	for _, p := range packages {
		byName[p.Name] = p
		if changed(p) {
			chosen[p.Name] = true
		}
	}
	for more := true; more; { // those that depend on a chosen one, directly or not
		more = false
		for _, p := range packages {
			if !chosen[p.Name] && slices.ContainsFunc(p.Siblings, func(name string) bool { return chosen[name] }) {
				chosen[p.Name], more = true, true
			}
		}
	}
	var along func(p *pack.Package)
	along = func(p *pack.Package) {
		for _, name := range p.Siblings {
			if s := byName[name]; s != nil && !chosen[name] {
				chosen[name] = true
				along(s)
			}
		}
	}
	for _, p := range packages {
		if chosen[p.Name] {
			along(p)
		}
	}
	return chosen
}

// sameContent reports whether a package is as it was published, but for the digits of the commits.
func sameContent(p *pack.Package, old wire.CommitPackage) bool {
	if p.Sums == old.Sums {
		return true
	}
	return p.Split() && old.Parts != nil && p.Recipe.Holes && old.Parts.Holes && p.Recipe.Head.Digest == old.Parts.Head && p.Recipe.Body.Digest == old.Parts.Body
}

// based are the packages of the repository at a base.
type based struct {
	wire.Base
	Packages []wire.CommitPackage // never empty
}

// findBase finds the packages to compare with. Its error says why there are none.
func (j *job) findBase(ctx context.Context) (based, error) {
	if j.registry == nil {
		return based{}, errors.New("no registry is named")
	}
	of := j.firstPull()
	if j.source.InCI && (of.BaseRef == "" || !j.source.Comment) {
		return based{}, errors.New("this run is not about a pull request, and what later runs compare with must be whole")
	}
	ctx, cancel := context.WithTimeout(ctx, compareTimeout)
	defer cancel()
	q := j.compareWith(ctx, of)
	for _, sha := range q.Bases {
		if found, err := j.packagesAt(ctx, sha); err != nil || len(found.Packages) > 0 {
			return found, err
		}
	}
	if sha, err := j.newest(ctx, q); err != nil || sha != "" {
		if err != nil {
			return based{}, err
		}
		found, err := j.packagesAt(ctx, sha)
		found.Branch = q.Branch
		if err != nil || len(found.Packages) > 0 {
			return found, err
		}
	}
	return based{}, errors.New("none of the commits that they could be compared with was published")
}

// packagesAt reads what the repository has published of a commit; nothing is no error.
func (j *job) packagesAt(ctx context.Context, sha string) (based, error) {
	found := based{Base: wire.Base{SHA: sha}}
	c, err := j.registry.Commit(ctx, sha)
	if isUnknown(err) {
		return found, nil
	}
	if err != nil {
		return found, fmt.Errorf("the registry does not tell of commit %.10s: %w", sha, err)
	}
	for _, p := range c.Packages {
		if repositoryPath(p.Repository) == repositoryPath(j.source.Repository) {
			found.Packages = append(found.Packages, p)
		}
	}
	return found, nil
}

// newest is the commit of the base's branch that was published last; "" if there is none.
func (j *job) newest(ctx context.Context, q regclient.ChangesQuery) (string, error) {
	const tries = 3 // a package may be new, or not npm's
	if q.Branch == "" || q.Repository == "" {
		return "", nil
	}
	for _, p := range j.packages[:min(tries, len(j.packages))] {
		found, err := j.registry.Newest(ctx, repositoryPath(q.Repository), p.Name, q.Branch)
		if isUnknown(err) || err == nil && found.SHA == j.source.SHA {
			continue
		}
		return found.SHA, err
	}
	return "", nil
}

func isUnknown(err error) bool {
	refused, ok := errors.AsType[*regclient.Error](err)
	return ok && refused.Status == http.StatusNotFound
}

// firstPull is what the commit is compared for.
func (j *job) firstPull() pull {
	if len(j.source.Pulls) == 0 {
		return pull{}
	}
	return j.source.Pulls[0]
}

// has reports whether the run, or the workspace, has a package, although it may not be published now.
func (j *job) has(name string) bool {
	for _, p := range j.packages {
		if p.Name == name {
			return true
		}
	}
	if slices.Contains(j.skipped.names(), name) {
		return true
	}
	if j.workspace == nil {
		return false
	}
	for _, m := range j.workspace.Members {
		if m.Manifest.Name == name && !m.Manifest.Private {
			return true
		}
	}
	for _, p := range j.workspace.Packages {
		if p.Name == name {
			return true
		}
	}
	return false
}
