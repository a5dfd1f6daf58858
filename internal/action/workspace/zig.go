package workspace

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/zig"
)

// zonName finds the name in a build.zig.zon that can't be read.
var zonName = regexp.MustCompile(`(?m)^[^/\n]*\.name\s*=\s*(?:\.([A-Za-z_][A-Za-z0-9_]{0,63})\b|"([A-Za-z0-9_][A-Za-z0-9_.-]{0,63})")`)

// readZig reads a build.zig.zon.
func (p *Package) readZig(file string, text []byte) {
	m, err := zig.ParseManifest(text)
	if err != nil {
		if found := zonName.FindSubmatch(text); found != nil {
			p.Name = Zig.Prefix() + cmp.Or(string(found[1]), string(found[2]))
		}
		p.refuse(located(file, err))
		return
	}
	p.Name = Zig.Prefix() + m.Name
	p.within = func(dir string) bool { return includes(m.Paths, dir) }
	for _, d := range m.Dependencies {
		if d.Path == "" {
			continue
		}
		if _, ok := below(d.Path); ok {
			p.paths = append(p.paths, d.Path)
			continue
		}
		p.leftOut = fmt.Sprintf("it depends on %s by .path, which is outside of its folder, so nobody else could build it", d.Path)
		p.refusal = fault.New(fault.Invalid, "%s can't be published: %s; make that a dependency with an .url", cmp.Or(p.Name, p.Dir), p.leftOut)
	}
}

// includes reports whether the .paths of a manifest have a folder below the package's.
func includes(paths []string, dir string) bool {
	return paths == nil || slices.ContainsFunc(paths, func(p string) bool {
		p = path.Clean(p)
		return p == "." || p == dir || strings.HasPrefix(dir, p+"/")
	})
}
