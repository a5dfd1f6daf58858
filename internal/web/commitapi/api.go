// Package commitapi speaks the commit-package protocol: publishing (the forms
// of the Pantry registry and our two-step upload), reading, and the short
// install URLs. docs/api.md describes every endpoint.
package commitapi

import (
	"log/slog"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/changeset"
	"github.com/org/registry-action/internal/web/httpkit"
)

// API answers the protocol.
type API struct {
	access.Control
	Commits    *commits.Service
	Changes    changeset.Reader
	BaseURL    string            // the server's public URL, without a slash at its end
	MaxPackage int64             // bytes
	MaxPublish int64             // bytes
	Downloads  httpkit.Downloads // nil: they are not counted
	// Published is told of what CI runs have published; nil: nobody is. It must not wait. It returns whether this server
	// writes the comment on the pull request, so that the run does not.
	Published func(commits.Commit, provenance.Proof) (comments bool)
	Log       *slog.Logger
}
