package commitapi

import (
	"net/http"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

func (a *API) plan(w http.ResponseWriter, r *http.Request) error {
	who, err := a.Writer(r)
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
	parts, err := a.parts(b.Packages)
	if err != nil {
		return err
	}
	missing, err := a.Commits.Missing(r.Context(), who, p.Repository, parts)
	if err != nil {
		return err
	}
	out := wire.Plan{SHA: p.SHA, Missing: []wire.Upload{}}
	for _, m := range missing {
		direct, err := a.Commits.Direct(r.Context(), who, m)
		if err != nil {
			return err
		}
		out.Missing = append(out.Missing, wire.Upload{Digest: m.Digest, Size: m.Size, URL: "blobs/" + m.Digest.String(), Direct: wireDirect(direct)})
	}
	w.Header().Set("Cache-Control", "no-store") // it may have secrets
	return httpkit.JSON(w, r, http.StatusOK, out)
}

// wireDirect renders a request to the store; nil stays nil.
func wireDirect(r *commits.Request) *wire.Direct {
	if r == nil {
		return nil
	}
	out := &wire.Direct{URL: r.URL, Header: make(map[string]string, len(r.Header))}
	for name := range r.Header {
		out.Header[name] = r.Header.Get(name)
	}
	return out
}

// parts lists the parts of packages; it knows whose one is that is too large.
func (a *API) parts(packages []wire.Package) (out []tarball.Part, err error) {
	for _, p := range packages {
		for _, part := range []*tarball.Part{p.Head, p.Body, p.Tarball} {
			if part == nil {
				continue
			}
			if part.Size > a.MaxPackage {
				return nil, fault.New(fault.TooLarge, "%s has a tarball of at least %d bytes, more than the %d that this server accepts for a package (MAX_PACKAGE_SIZE)", p.Name, part.Size, a.MaxPackage)
			}
			out = append(out, *part)
		}
	}
	return out, nil
}

func (a *API) putBlob(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "upload", r.PathValue("digest"), "")
	who, err := a.Writer(r)
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
