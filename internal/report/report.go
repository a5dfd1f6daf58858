// Package report says what was published: as the comment on a pull request,
// as the summary of a job, and as text at a desk.
//
// Every name in a report may be hostile: a pull request chooses the names and
// versions of its packages. What goes into Markdown is neutralised there, not
// trusted to have been checked before.
package report

import (
	"slices"
	"time"

	"github.com/org/registry-action/internal/wire"
)

// Report is what was published from one commit.
type Report struct {
	Repository  string // owner/name
	SHA         string // the commit that people know: a pull request's head
	MergeSHA    string // the merge commit that was packed; empty if it was SHA
	ServerURL   string // the forge's pages, for links to commits
	RegistryURL string // of our server
	Previews    string // the root that clients ask for the packages, as the server says; default: the repository's preview registry
	JobURL      string // the run that published; optional
	PR          int    // optional
	Tag         string // the publish's dist-tag in the preview registry; empty: versions are named
	ExpiresAt   time.Time
	// Managers are the package managers to give commands for, in this order:
	// npm, pnpm, yarn and bun; others are left out. If none is left: npm.
	Managers []string
	Dev      bool // they save the packages as devDependencies
	Packages []Package

	Base    *wire.Base // the commit that changes are counted from; nil: nothing is known of changes
	Removed []string   // the packages that Base has and the commit has not
	Skipped []Package  // those that are as they are at Base, and were left there: as they are published there
}

// Package is a published package.
type Package struct {
	Name       string
	Version    string
	URL        string // of the tarball, or of the server's page of the package; immutable
	InstallURL string // a shorter immutable one; default URL
	Size       int64  // bytes of the tarball
	Unchanged  bool   // since Base, or an earlier publish, but for versions
	// Change is what became of it since Base; without one, what is broken. Nil if nothing is known.
	Change *wire.PackageChange
	// Linked: it depends on other packages by URL. Some clients refuse that
	// unless told, so the commands tell them.
	Linked bool
	// Needs are the packages of this report that it depends on by exact version.
	// By URL they must be installed along; the preview registry has them.
	Needs []string
	Bins  []string // the names of its commands
	Zig   *Zig     // nil if it is not of Zig
	Lumen *Lumen   // nil if it is not of Lumen
}

// Zig is what compilers of Zig know a package by.
type Zig struct {
	Name      string // of the dependency
	Hash      string // name-version-…, of Zig 0.14 and later
	Legacy    string // 1220…, of Zig 0.11 to 0.15
	Compilers []string
}

// Lumen is what a package of Lumen is used by.
type Lumen struct {
	Name        string // "@scope/name", or "name"
	Hash        string // sha256:…, of the archive
	ContentHash string // sha256:…, of its files
}

// Compare adds what became of the packages. Gone says of one that the base has and the commit has not whether it was
// removed.
func (r *Report) Compare(c wire.Changes, gone func(name string) bool) {
	if c.Base != nil && (r.Base == nil || r.Base.SHA != c.Base.SHA) { // else it was asked for by its SHA, and its branch is known
		r.Base = c.Base
	}
	place := map[string]int{}
	for i, p := range r.Packages {
		place[p.Name] = i
	}
	for _, p := range c.Packages {
		i, ours := place[p.Name]
		switch {
		case ours && (c.Base != nil || len(p.Broken) > 0): // what is broken is so without a base too
			r.Packages[i].Change, r.Packages[i].Unchanged = new(p), p.Kind == wire.Unchanged
		case p.Kind == wire.Removed && gone(p.Name):
			r.Removed = append(r.Removed, p.Name)
		}
	}
}

// installURL is the URL to install from.
func (p Package) installURL() string {
	if p.InstallURL != "" {
		return p.InstallURL
	}
	return p.URL
}

// split returns the report of npm's packages, and those of Zig and Lumen.
func (r Report) split() (npm Report, zig, lumen []Package) {
	all := r.Packages
	r.Packages = nil
	for _, p := range all {
		switch {
		case p.Zig != nil:
			zig = append(zig, p)
		case p.Lumen != nil:
			lumen = append(lumen, p)
		default:
			r.Packages = append(r.Packages, p)
		}
	}
	return r, zig, lumen
}

// managers returns the known ones of r.Managers, each once.
func (r Report) managers() []manager {
	var known []manager
	for _, name := range r.Managers {
		m := manager(name)
		if m.known() && !slices.Contains(known, m) {
			known = append(known, m)
		}
	}
	if len(known) == 0 {
		return []manager{npm}
	}
	return known
}

// sorted returns the packages in their order, the unchanged ones last.
func (r Report) sorted() (changed, unchanged []Package) {
	for _, p := range r.Packages {
		if p.Unchanged {
			unchanged = append(unchanged, p)
		} else {
			changed = append(changed, p)
		}
	}
	return changed, unchanged
}
