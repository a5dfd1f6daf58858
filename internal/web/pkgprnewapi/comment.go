package pkgprnewapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/pkgprnew"
)

// Comment is what to write on the pull requests of a run, and how the CLI wants it.
type Comment struct {
	Run      pkgprnew.Admission
	SHA      string
	Managers []string // to give lines for: --packageManager
	Anew     bool     // a new comment takes the place of the one that stands: --comment=create
	Dev      bool     // --commentWithDev
}

// comment has the comments written that the CLI asks for. What keeps them from it is told in a note: the packages are
// published.
func (a *API) comment(ctx context.Context, h http.Header, f form, p commits.Publication) (id int64, note string) {
	mode := h.Get("Sb-Comment")
	if a.Comment == nil || len(f.run.Pulls) == 0 || mode == "off" || h.Get("Sb-Only-Templates") == "true" { // of which there are none
		return 0, ""
	}
	id, err := a.Comment(ctx, Comment{
		Run: f.run, SHA: p.SHA, Managers: strings.Split(h.Get("Sb-Package-Manager"), ","), Anew: mode == "create", Dev: h.Get("Sb-Comment-With-Dev") == "true",
	})
	if err != nil {
		a.Log.WarnContext(ctx, "commenting on what pkg-pr-new has published", "repository", p.Repository.Path, "err", err)
		return id, "a comment could not be written: " + refusal(err)
	}
	return id, ""
}
