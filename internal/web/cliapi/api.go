// Package cliapi serves the released programs that the operator has put into a
// folder: the action takes publish-commit from where it publishes to, so that
// runners need no way to GitHub. Everybody may read them: they are public.
package cliapi

import (
	"log/slog"
	"net/http"

	"github.com/org/registry-action/internal/domain/programs"
	"github.com/org/registry-action/internal/web/httpkit"
)

// API answers what is below /-/cli/.
type API struct {
	Programs *programs.Folder // nil: there are none, which the answers say
	Log      *slog.Logger
}

func (a *API) file(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("file")
	f, err := a.Programs.File(r.PathValue("version"), name)
	if err != nil {
		return err
	}
	defer f.Close()
	httpkit.Serve(w, r, httpkit.Content{
		Reader: f, Size: f.Size, ETag: f.SHA256, ContentType: "application/octet-stream", Filename: name, Cache: httpkit.Immutable,
	})
	return nil
}
