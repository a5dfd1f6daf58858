package commitapi

import (
	"errors"
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

func (a *API) commit(w http.ResponseWriter, r *http.Request) error {
	c, err := a.Commits.Commit(r.Context(), r.PathValue("sha"))
	if err != nil {
		return err
	}
	out := wire.Commit{SHA: c.SHA, PublishedAt: c.PublishedAt, ExpiresAt: c.ExpiresAt, Packages: []wire.CommitPackage{}}
	for _, p := range c.Packages {
		out.Packages = append(out.Packages, a.render(p))
	}
	if len(c.Packages) > 0 {
		out.Repository = c.Packages[0].Repository.Base().String()
	}
	return httpkit.JSON(w, r, http.StatusOK, out)
}

func (a *API) pkg(w http.ResponseWriter, r *http.Request) error {
	sha, name := r.PathValue("sha"), r.PathValue("name")
	p, err := a.Commits.Package(r.Context(), sha, name)
	if base, ok := strings.CutSuffix(name, ".tgz"); ok && errors.Is(err, fault.NotFound) {
		r.SetPathValue("name", base)
		return a.tarball(w, r)
	}
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, a.render(p))
}

func (a *API) tarball(w http.ResponseWriter, r *http.Request) error {
	sha := r.PathValue("sha")
	p, err := a.Commits.Package(r.Context(), sha, r.PathValue("name"))
	if err != nil {
		return err
	}
	if !strings.EqualFold(sha, p.SHA) { // what a prefix means can change: lockfiles shall hold the whole SHA
		return a.redirect(w, r, a.tarballPath(p))
	}
	return a.serve(w, r, p)
}

// serve sends a package's tarball under an address that names its whole SHA.
func (a *API) serve(w http.ResponseWriter, r *http.Request, p commits.Package) error {
	defer httpkit.CountDownload(a.Downloads, w, r, "commit", p.Name, npm.PreviewVersion(p.SHA))
	if httpkit.Linkable(r) {
		link, err := a.Commits.Link(r.Context(), p, commits.Answer{ContentType: contentType(p), Filename: filename(p)})
		if err != nil {
			return err
		}
		if httpkit.Link(w, r, a.BaseURL, link) {
			return nil
		}
	}
	c, err := a.Commits.Open(r.Context(), p)
	if err != nil {
		return err
	}
	defer c.Close()
	httpkit.Serve(w, r, httpkit.Content{
		Reader: c.ReadSeeker, Size: c.Size, ETag: p.Artifact.SHA256.Hex(), ContentType: contentType(p),
		Filename: filename(p), Cache: access.Immutable(w),
	})
	return nil
}

func (a *API) redirect(w http.ResponseWriter, r *http.Request, to string) error {
	w.Header().Set("Cache-Control", access.Revalidate(w))
	http.Redirect(w, r, to, http.StatusFound)
	return nil
}
