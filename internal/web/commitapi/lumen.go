package commitapi

import (
	"fmt"
	"path"
	"strings"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/wire"
)

// lumenFilename is @acme/utils as acme-utils-1.0.0.tar.
func lumenFilename(p commits.Package) string {
	return strings.ReplaceAll(strings.TrimPrefix(plainName(p), "@"), "/", "-") + "-" + p.Version + ".tar"
}

// describeLumen adds what a package of Lumen is used by: its client takes what is in no registry by path, from a folder.
func describeLumen(out *wire.CommitPackage, p commits.Package) {
	name := plainName(p)
	folder := "vendor/" + path.Base(name)
	out.Kind = "lumen"
	out.LumenPackage = &wire.LumenPackage{ManifestHash: p.Lumen.ManifestHash, ContentHash: p.Lumen.ContentHash}
	out.FetchCommand = fmt.Sprintf("mkdir -p %s && curl -fsSL %s | tar -xf - -C %[1]s", folder, out.URL)
	out.Dependency = fmt.Sprintf("%q = { path = %q }", name, folder)
}
