package commitapi

import (
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/wire"
)

// describeZig adds what compilers fetch a package of Zig by.
func describeZig(out *wire.CommitPackage, p commits.Package) {
	name := plainName(p)
	hash, _ := p.Zig.Best(p.Zig.Compilers)
	out.Kind = "zig"
	out.ZigPackage = &wire.ZigPackage{Hash: p.Zig.Hash, LegacyHash: p.Zig.Legacy, Zig: p.Zig.Compilers}
	out.FetchCommand, out.Dependency = "zig fetch --save="+name+" "+out.URL, zig.Snippet(name, out.URL, hash)
}
