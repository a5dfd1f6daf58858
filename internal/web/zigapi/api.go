// Package zigapi speaks the REST protocol for Zig packages: publishing an archive,
// reading packages by name or hash, and the archives themselves as every Zig
// compiler fetches them. docs/api.md describes every endpoint, docs/zig.md their use.
//
// Addresses, shapes and words are Pantry's where it has them. The hashes are those
// that compilers compute, and the dependency is text that they read.
package zigapi

import (
	"log/slog"

	"github.com/org/registry-action/internal/domain/zigmirror"
	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/httpkit"
)

// API answers the protocol.
type API struct {
	access.Control
	Packages   *zigpackages.Service
	Index      Index              // what searches ask; nil: Packages
	Mirror     *zigmirror.Service // of forges; nil: off
	BaseURL    string             // the server's public URL, without a slash at its end
	MaxPackage int64              // bytes of an archive
	Downloads  httpkit.Downloads  // nil: they are not counted
	Log        *slog.Logger
}
