package commitapi

import (
	"net/http"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

func (a *API) plan(w http.ResponseWriter, r *http.Request) error {
	who, err := a.writer(r)
	if err != nil {
		return err
	}
	if _, _, err := httpkit.MediaType(r, "application/json"); err != nil {
		return err
	}
	var b listing
	if err := httpkit.DecodeJSON(w, r, maxText, &b); err != nil {
		return err
	}
	p, err := publication(b.Publication)
	if err != nil {
		return err
	}
	missing, err := a.Commits.Missing(r.Context(), who, p.Repository, parts(b.Packages))
	if err != nil {
		return err
	}
	out := wire.Plan{SHA: p.SHA, Missing: []wire.Upload{}}
	for _, m := range missing {
		out.Missing = append(out.Missing, wire.Upload{Digest: m.Digest, Size: m.Size, URL: "blobs/" + m.Digest.String()})
	}
	return httpkit.JSON(w, r, http.StatusOK, out)
}

func parts(packages []wire.Package) []tarball.Part {
	var out []tarball.Part
	for _, p := range packages {
		for _, part := range []*tarball.Part{p.Head, p.Body, p.Tarball} {
			if part != nil {
				out = append(out, *part)
			}
		}
	}
	return out
}

func (a *API) putBlob(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "upload", r.PathValue("digest"), "")
	who, err := a.writer(r)
	if err != nil {
		return err
	}
	d, err := digest.Parse(r.PathValue("digest"))
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "%.100q is not a digest: expected sha256: and 64 hex digits", r.PathValue("digest")).WithCode("invalid_digest")
	}
	body, err := httpkit.Body(w, r, a.MaxPackage+1)
	if err != nil {
		return err
	}
	created, err := a.Commits.PutPart(r.Context(), who, d, body)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return httpkit.JSON(w, r, status, map[string]any{"digest": d, "created": created})
}
