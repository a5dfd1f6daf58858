// Package restapi speaks the REST protocol of the Pantry registry: reading
// packages, searching, and publishing in one POST. docs/api.md describes every
// endpoint.
//
// It keeps Pantry's shapes, statuses and words, so that its clients work
// unchanged, but not its mistakes: a version shows its own fields, the archive
// decides what a publish says of itself, and the versions of an unknown package
// are 404, not an empty list.
package restapi

import (
	"log/slog"

	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/domain/search"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/httpkit"
)

// API answers the protocol.
type API struct {
	access.Control
	Catalog    *catalog.Service
	Packages   *packages.Service
	Index      *search.Service   // what finds other kinds than npm's; nil: nothing
	BaseURL    string            // the server's public URL, without a slash at its end
	MaxPackage int64             // bytes of a tarball
	Downloads  httpkit.Downloads // nil: they are not counted
	Log        *slog.Logger
}

// root is the registry that the protocol shows.
func (a *API) root() catalog.Root { return catalog.Root{URL: a.BaseURL} }
