package commitapi

import (
	"strings"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/wire"
)

// zigPrefix begins the names of Zig packages.
const zigPrefix = "zig:"

func zigName(p commits.Package) string { return strings.TrimPrefix(p.Name, zigPrefix) }

// zigPackage describes a package of Zig that is fetched from an address; nil if it is npm's.
func zigPackage(p commits.Package, at string) *wire.ZigPackage {
	if p.Zig == nil {
		return nil
	}
	name := zigName(p)
	hash, _ := p.Zig.Best(p.Zig.Compilers)
	return &wire.ZigPackage{
		Hash: p.Zig.Hash, LegacyHash: p.Zig.Legacy, Zig: p.Zig.Compilers,
		FetchCommand: "zig fetch --save=" + name + " " + at, Dependency: zig.Snippet(name, at, hash),
	}
}

// errZigPart refuses a Zig package in a form, which is read as archives of npm.
func errZigPart(name string) error {
	return fault.New(fault.Invalid, "%.100s: Zig packages are not sent in a form; upload the archive first and name it by tarball (POST /publish/commit/plan says where), or let publish-commit do it", name).WithCode("zig_upload")
}
