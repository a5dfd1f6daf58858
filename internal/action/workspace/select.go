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

// Select returns the members to publish, in the order of Members. A pattern is
// a path or path glob from the workspace's root ("./packages/*", "packages/a"), or a
// package name or name glob ("@acme/*"); a leading "!" takes away what it
// matches. Without a pattern in include that adds something, all publishable
// members are meant: those that aren't private and have a name or a version;
// the root of several packages only counts if it has a version, or is named.
//
// Errors of kind Invalid: a pattern that matches nothing (with near candidates)
// or private packages only, and a selected package whose name or version is
// missing or not valid.
func (w *Workspace) Select(include, exclude []string) ([]*Member, error) {
	chosen := map[*Member]bool{}
	if !slices.ContainsFunc(include, func(p string) bool { return !strings.HasPrefix(p, "!") }) {
		for _, m := range w.Members {
			chosen[m] = w.publishable(m)
		}
	}
	for _, text := range include {
		if err := w.choose(chosen, text); err != nil {
			return nil, err
		}
	}
	for _, text := range exclude {
		if err := w.choose(chosen, "!"+strings.TrimPrefix(text, "!")); err != nil {
			return nil, err
		}
	}
	selected := slices.DeleteFunc(slices.Clone(w.Members), func(m *Member) bool { return !chosen[m] })
	if len(selected) == 0 {
		return nil, fault.New(fault.Invalid, "nothing is selected to publish: of %d packages in %s all are private or excluded", len(w.Members), w.Root)
	}
	for _, m := range selected {
		if err := m.check(); err != nil {
			return nil, err
		}
	}
	return selected, nil
}

// choose applies one pattern.
func (w *Workspace) choose(chosen map[*Member]bool, text string) error {
	pattern, negated := strings.CutPrefix(text, "!")
	matches, err := w.match(pattern)
	if err != nil {
		return err
	}
	if len(matches) == 0 {
		return fault.New(fault.Invalid, "no package of the workspace matches %q%s", pattern, w.near(pattern))
	}
	exact := !strings.ContainsAny(pattern, "*?[{")
	added := negated
	for _, m := range matches {
		switch {
		case negated:
			chosen[m] = false
		case w.publishable(m) || exact && !m.Manifest.Private:
			chosen[m], added = true, true
		}
	}
	if !added {
		return fault.New(fault.Invalid, `%q matches only packages that aren't published (%s); their package.json says "private": true, or has no name and version`, pattern, list(matches))
	}
	return nil
}

// match returns the members that a pattern without "!" means.
func (w *Workspace) match(text string) ([]*Member, error) {
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
	var matches []*Member
	for _, m := range w.Members {
		byPath := m.Dir == clean || m.Dir != "." && doublestar.MatchUnvalidated(clean, m.Dir)
		byName := !onlyPath && m.Manifest.Name != "" && doublestar.MatchUnvalidated(clean, m.Manifest.Name)
		if byPath || byName {
			matches = append(matches, m)
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
