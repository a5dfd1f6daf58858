package commitapi

import (
	"cmp"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/format/npm"
)

// plainName is what a package is called among its like.
func plainName(p commits.Package) string {
	_, plain := kind.Of(p.Name)
	return plain
}

// contentType is what a package's archive is served as.
func contentType(p commits.Package) string {
	if p.Lumen != nil {
		return "application/x-tar"
	}
	return "application/gzip"
}

// filename is what the archive is saved as: npm's name, with the commit where there is no version, or that of the package's kind.
func filename(p commits.Package) string {
	switch {
	case p.Zig != nil:
		return plainName(p) + "-" + p.Version + ".tar.gz"
	case p.Lumen != nil:
		return lumenFilename(p)
	}
	return npm.TarballName(p.Name, cmp.Or(p.Version, p.SHA))
}

// refuseInForm refuses a package that is not npm's in a form, which is read as archives of npm.
func refuseInForm(name string) error {
	of, code := "", ""
	switch k, _ := kind.Of(name); k {
	case kind.Zig:
		of, code = "Zig", "zig_upload"
	case kind.Lumen:
		of, code = "Lumen", "lumen_upload"
	default:
		return nil
	}
	return fault.New(fault.Invalid, "%.100s: %s packages are not sent in a form; upload the archive first and name it by tarball (POST /publish/commit/plan says where), or let publish-commit do it", name, of).WithCode(code)
}
