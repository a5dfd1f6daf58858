package workspace

import (
	"path"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/kind"
)

// Kind is what a package is a package of, other than npm. Such a package is a folder with a
// manifest of its kind, in an npm workspace or alone.
type Kind string

// The kinds.
const (
	Zig   Kind = "zig"
	Lumen Kind = "lumen"
)

// Kinds are all kinds.
func Kinds() []Kind { return []Kind{Zig, Lumen} }

// Manifest is the name of the file that makes a folder a package.
func (k Kind) Manifest() string {
	if k == Lumen {
		return "lumen.toml"
	}
	return "build.zig.zon"
}

// Prefix begins the names of the kind's packages where npm's stand beside them.
func (k Kind) Prefix() string { return kind.Kind(k).Prefix() }

// skips reports whether folders of a name hold what is fetched or built, not written. Previews
// of Lumen packages are unpacked into vendor and committed: they are not this repository's.
func (k Kind) skips(folder string) bool {
	of := []string{"node_modules", "zig-cache", "zig-out", "zig-pkg"}
	if k == Lumen {
		of = []string{"node_modules", "vendor", "target", "dist"}
	}
	return strings.HasPrefix(folder, ".") || slices.Contains(of, folder)
}

// has reports whether what is in a folder below a workspace's root can be a package: it is in no
// cache, no build's results and no hidden folder.
func (k Kind) has(dir string) bool {
	if dir == "." || dir == "" {
		return true
	}
	for part := range strings.SplitSeq(dir, "/") {
		if k.skips(part) {
			return false
		}
	}
	return true
}

// kindOf is the kind of the package that a file is the manifest of, by its slash-separated path
// from a workspace's root; ok is false if it is none.
func kindOf(name string) (k Kind, ok bool) {
	dir, file := path.Split(name)
	for _, k := range Kinds() {
		if file == k.Manifest() {
			return k, k.has(strings.TrimSuffix(dir, "/"))
		}
	}
	return "", false
}
