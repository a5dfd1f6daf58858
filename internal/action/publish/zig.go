package publish

import (
	"context"
	"slices"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/report"
)

// oldCompilers are warnings that only users of compilers before 0.14 care about, and
// of what most packages do.
var oldCompilers = []string{"enum_name", "path_dependency", "new_dependency_hash", "links", "long_names", "no_build_file", "minimum_zig_version"}

func (j *job) warnOfZig(ctx context.Context, p *pack.Package) {
	if p.Zig == nil {
		return
	}
	for _, w := range p.Zig.Warnings {
		if slices.Contains(oldCompilers, w.Code) {
			j.streams.Log.InfoContext(ctx, "about a package of Zig", "package", p.Name, "code", w.Code, "message", w.Message)
			continue
		}
		j.warn("%s: %s", p.Name, w.Message)
	}
}

// compilersOf is the end of a line about a package.
func compilersOf(p *pack.Package) string {
	if p.Zig == nil {
		return ""
	}
	return ", for Zig " + report.Compilers(p.Zig.Compilers)
}
