// Package pattern says which packages are meant where many are: by names, and by their beginnings with a * at the end.
//
// "@acme/*" is a scope, "tool-*" is names without one, "zig:tool-*" is Zig packages, "lumen:@acme/*" is Lumen's, "*" is
// everything.
package pattern

import (
	"regexp"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/format/npm"
)

// Valid refuses more than limit patterns, and what is none.
func Valid(patterns []string, limit int) error {
	if len(patterns) > limit {
		return fault.New(fault.Invalid, "%d packages are more than the %d that may be named; use a pattern such as @acme/*", len(patterns), limit)
	}
	for _, p := range patterns {
		name := p
		if begin, ok := strings.CutSuffix(p, "*"); ok {
			name = begin + "x" // whatever the * stands for
		}
		if npm.ValidName(name) != nil && !zigName.MatchString(name) && !lumenName.MatchString(name) {
			return fault.New(fault.Invalid, "%.230q is no pattern of packages; write a name, or its beginning with a * at the end, such as @acme/core, @acme/*, tool-*, zig:my_lib, lumen:@acme/* or *", p).WithCode("invalid_pattern")
		}
	}
	return nil
}

var (
	zigName   = regexp.MustCompile(`^zig:[A-Za-z0-9_.-]{1,65}$`)
	lumenName = regexp.MustCompile(`^lumen:(@[a-z0-9-]{1,63}/)?[a-z0-9-]{1,65}$`)
)

func kindOf(name string) kind.Kind {
	k, _ := kind.Of(name)
	return k
}

// plainName is a package's name without what tells no two packages apart: case, and "_" from "-", in Zig's.
func plainName(name string) string {
	if kindOf(name) == kind.Zig {
		return strings.ReplaceAll(strings.ToLower(name), "_", "-")
	}
	return name
}

// Covers reports whether one of the patterns matches the name, or all that the name matches if it is a pattern itself.
// Of the patterns of npm's packages only "*" is for Zig's and Lumen's too.
func Covers(patterns []string, name string) bool {
	name = plainName(name)
	return slices.ContainsFunc(patterns, func(p string) bool {
		p = plainName(p)
		begin, open := strings.CutSuffix(p, "*")
		sameKind := begin == "" || kindOf(p) == kindOf(name)
		return open && sameKind && strings.HasPrefix(name, begin) || p == name
	})
}
