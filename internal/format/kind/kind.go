// Package kind tells apart packages of several ecosystems where their names meet: in a commit, in what a token is for, in
// audit lines. There Zig's and Lumen's begin with their kind, "zig:my_lib" and "lumen:@acme/utils", which no name of npm's can.
package kind

import "strings"

// Kind is an ecosystem.
type Kind string

// The kinds.
const (
	NPM   Kind = "npm"
	Zig   Kind = "zig"
	Lumen Kind = "lumen"
)

// Of is the kind of the package that a name, or a pattern of names, is of, and what is left of it: its name among its like.
func Of(name string) (k Kind, plain string) {
	for _, k := range []Kind{Zig, Lumen} {
		if plain, ok := strings.CutPrefix(name, k.Prefix()); ok {
			return k, plain
		}
	}
	return NPM, name
}

// Prefix is what the names of a kind begin with; npm's with nothing.
func (k Kind) Prefix() string {
	if k == NPM {
		return ""
	}
	return string(k) + ":"
}

// Name is what a package is called among those of other kinds.
func (k Kind) Name(plain string) string { return k.Prefix() + plain }
