package workspace

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/semver"
)

// Selection is what is to be published, each in the order of the Workspace.
type Selection struct {
	Members  []*Member
	Packages []*Package
	LeftOut  []*Package // that no pattern speaks of, and that are not published by default
}

// Select returns the packages to publish. A pattern is
// a path or path glob from the workspace's root ("./packages/*", "packages/a"), or a
// package name or name glob ("@acme/*", "lumen:@acme/*", and "lumen:*" for all, with a scope or without); a leading "!" takes away what it
// matches. Without a pattern in include that adds something, all publishable
// packages are meant: npm packages that aren't private and have a name or a version,
// where the root of several only counts if it has a version, or is named; and those
// of a Kind that are not LeftOut.
//
// Errors of kind Invalid: a pattern that matches nothing (with near candidates)
// or only what can't be published, and a selected package whose name or version is
// missing or not valid.
func (w *Workspace) Select(include, exclude []string) (Selection, error) {
	all := w.candidates()
	named := slices.ContainsFunc(include, func(p string) bool { return !strings.HasPrefix(p, "!") })
	if !named {
		for i, c := range all {
			all[i].chosen = c.byDefault(w)
		}
	}
	for _, text := range include {
		if err := w.choose(all, text); err != nil {
			return Selection{}, err
		}
	}
	for _, text := range exclude {
		if err := w.choose(all, "!"+strings.TrimPrefix(text, "!")); err != nil {
			return Selection{}, err
		}
	}
	s, err := w.chosen(all)
	for _, c := range all {
		if !named && c.other != nil && !c.chosen && !c.excluded {
			s.LeftOut = append(s.LeftOut, c.other)
		}
	}
	return s, err
}

// chosen checks what is chosen.
func (w *Workspace) chosen(all []candidate) (Selection, error) {
	var s Selection
	dirs := map[string]string{} // of packages of a Kind, by name
	for _, c := range all {
		if !c.chosen {
			continue
		}
		if err := c.check(); err != nil {
			return Selection{}, err
		}
		if c.member != nil {
			s.Members = append(s.Members, c.member)
			continue
		}
		if other, taken := dirs[c.name]; taken {
			return Selection{}, fault.New(fault.Invalid, "two packages are called %s: %s and %s; rename one, or leave one out with --exclude", c.name, other, c.dir)
		}
		dirs[c.name] = c.dir
		s.Packages = append(s.Packages, c.other)
	}
	if len(s.Members)+len(s.Packages) == 0 {
		return s, fault.New(fault.Invalid, "nothing is selected to publish: all packages in %s, %d of them, are private or excluded%s", w.Root, len(all), whyNot(all))
	}
	return s, nil
}

// choose applies one pattern.
func (w *Workspace) choose(all []candidate, text string) error {
	pattern, negated := strings.CutPrefix(text, "!")
	matches, err := w.match(all, pattern)
	if err != nil {
		return err
	}
	if len(matches) == 0 {
		return fault.New(fault.Invalid, "no package of the workspace matches %q%s", pattern, w.near(pattern))
	}
	exact := !strings.ContainsAny(pattern, "*?[{")
	added := negated
	var refused []candidate
	for _, i := range matches {
		c := &all[i]
		switch {
		case negated:
			c.chosen, c.excluded = false, true
		case c.byDefault(w) || c.ifNamed(exact):
			c.chosen, added = true, true
		default:
			refused = append(refused, *c)
		}
	}
	if !added {
		return notPublished(pattern, refused)
	}
	return nil
}

func notPublished(pattern string, refused []candidate) error {
	why := whyNot(refused)
	if slices.ContainsFunc(refused, func(c candidate) bool { return c.member != nil }) {
		why = `; their package.json says "private": true, or has no name and version` + why
	}
	return fault.New(fault.Invalid, "%q matches only packages that aren't published (%s)%s", pattern, list(refused), why)
}

// match returns the indices of the packages that a pattern without "!" means.
func (w *Workspace) match(all []candidate, text string) ([]int, error) {
	p := filepath.ToSlash(text)
	if filepath.IsAbs(text) {
		rel, err := filepath.Rel(w.Root, text)
		if err != nil {
			return nil, err
		}
		p = "./" + filepath.ToSlash(rel)
	}
	clean := cleanPattern(p)
	if !doublestar.ValidatePattern(clean) {
		return nil, fault.New(fault.Invalid, "%q is not a valid pattern", text)
	}
	onlyPath := p == "." || strings.HasPrefix(p, "./") || strings.HasPrefix(p, "../")
	var matches []int
	for i, c := range all {
		byPath := c.dir == clean || c.dir != "." && doublestar.MatchUnvalidated(clean, c.dir)
		byName := !onlyPath && c.name != "" && (doublestar.MatchUnvalidated(clean, c.name) || c.allOfKind(clean))
		if byPath || byName {
			matches = append(matches, i)
		}
	}
	return matches, nil
}

// publishable reports whether m is meant where it isn't named.
func (w *Workspace) publishable(m *Member) bool {
	f := m.Manifest
	if m.Dir == "." && len(w.Members) > 1 && f.Version == "" {
		return false
	}
	return !f.Private && (f.Name != "" || f.Version != "" || len(w.Members) == 1)
}

// check refuses a package that can't be published.
func (m *Member) check() error {
	f := m.Manifest
	const remedy = `add one, or set "private": true if it isn't to be published`
	if f.Name == "" {
		return fault.New(fault.Invalid, "%s has no name; %s", f.Path, remedy)
	}
	if err := npm.ValidName(f.Name); err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	if f.Version == "" {
		return fault.New(fault.Invalid, "%s: %s has no version; %s", f.Path, f.Name, remedy)
	}
	if _, err := semver.Clean(f.Version); err != nil {
		return fault.New(fault.Invalid, "%s: the version of %s is %q, which is not a semantic version like 1.2.3", f.Path, f.Name, f.Version)
	}
	return nil
}
