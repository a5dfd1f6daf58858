package lumentree

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/org/registry-action/internal/format/lumen"
)

// The bounds of looking for the dependencies of a package that is published already.
const (
	lookFor = 30 * time.Second
	looks   = 100 // dependencies
)

// Unmet says which dependencies of a package no version in the tree satisfies, so that whoever adds the package can't resolve it: a
// sentence for each of the first 100 by name. Yanked versions are not chosen, and count for nothing. That it can't look is told likewise.
func Unmet(ctx context.Context, t Tree, m lumen.Manifest) (unmet []string) {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	deps := m.AllDeps()
	names := slices.Sorted(maps.Keys(deps))
	for _, name := range names[:min(len(names), looks)] {
		problem, err := unmetOne(ctx, t, name, deps[name])
		if err != nil {
			return append(unmet, fmt.Sprintf("whether the registry has the dependency %s is not known: %v", name, err))
		}
		if problem != "" {
			unmet = append(unmet, problem)
		}
	}
	return unmet
}

// unmetOne is "" for a dependency that some version satisfies.
func unmetOne(ctx context.Context, t Tree, name, constraint string) (string, error) {
	wanted, err := lumen.ParseConstraint(constraint)
	if err != nil {
		return "", err
	}
	text, err := readDocument(ctx, t, lumen.PackageIndexPath(name))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Sprintf("the registry has no package %s, which this one depends on: publish it, too", name), nil
	}
	if err != nil {
		return "", err
	}
	x, err := lumen.DecodePackageIndex(text)
	if err != nil {
		return "", err
	}
	for _, version := range x.Versions {
		if _, yanked := x.Yanked[version]; !yanked && wanted.Match(version) {
			return "", nil
		}
	}
	return fmt.Sprintf("the registry has no version of %s that is %s, which this package depends on; its latest is %s", name, constraint, cmp.Or(x.Latest, "none")), nil
}
