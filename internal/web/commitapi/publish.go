package commitapi

import (
	"fmt"
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

// maxText bounds the JSON and form fields of a publish, in bytes.
const maxText = 8 << 20

func (a *API) publish(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "publish commit", "a commit", "")
	who, err := a.Writer(r)
	if err != nil {
		return err
	}
	body, err := httpkit.UploadBody(w, r, a.MaxPublish, maxText)
	if err != nil {
		return err
	}
	uploads := &uploads{api: a, who: who}
	defer uploads.close()
	var p commits.Publication
	if body.JSON {
		p, err = readJSON(r.Context(), body, uploads)
	} else {
		p, err = readForm(r.Context(), body, uploads)
	}
	if err != nil {
		return err
	}
	return a.answer(w, r, who, p)
}

func (a *API) answer(w http.ResponseWriter, r *http.Request, who auth.Principal, p commits.Publication) error {
	httpkit.Audit(r, "", p.Repository.String()+"@"+p.SHA, "")
	res, err := a.Commits.Publish(r.Context(), who, p)
	if err != nil {
		return err
	}
	c := res.Commit
	comment := ""
	if proof := who.Proof(); proof != nil && a.Published != nil && a.Published(c, *proof) {
		comment = wire.CommentByServer
	}
	out := wire.Published{
		Success: true, SHA: c.SHA, Repository: p.Repository.String(), ExpiresAt: c.ExpiresAt,
		PreviewRegistry: a.previewRegistry(c.Packages), Comment: comment,
		Message: fmt.Sprintf("Published %d package(s) from commit %.7s", len(c.Packages), c.SHA),
	}
	for _, pkg := range c.Packages {
		out.Packages = append(out.Packages, wire.PublishedPackage{CommitPackage: a.render(pkg), Unchanged: res.Unchanged[pkg.Name], Kept: res.Kept[pkg.Name]})
	}
	status := http.StatusCreated
	if len(res.Unchanged)+len(res.Kept) == len(c.Packages) {
		status = http.StatusOK
		out.Message = fmt.Sprintf("Unchanged: commit %.7s has these %d package(s) already", c.SHA, len(c.Packages))
	}
	return httpkit.JSON(w, r, status, out)
}
