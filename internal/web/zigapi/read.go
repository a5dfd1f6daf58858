package zigapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/httpkit"
)

func (a *API) pkg(w http.ResponseWriter, r *http.Request) error { return a.show(w, r, "latest") }

func (a *API) version(w http.ResponseWriter, r *http.Request) error {
	return a.show(w, r, r.PathValue("version"))
}

func (a *API) show(w http.ResponseWriter, r *http.Request, version string) error {
	v, err := a.Packages.Version(r.Context(), r.PathValue("name"), version)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, a.render(v))
}

// versionList answers what versions there are, highest first.
type versionList struct {
	Name     string   `json:"name"`
	Versions []string `json:"versions"`
	Yanked   []string `json:"yanked,omitempty"` // not among Versions
}

func (a *API) versions(w http.ResponseWriter, r *http.Request) error {
	p, err := a.Packages.Package(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	list := versionList{Name: p.Name, Versions: []string{}}
	for _, v := range slices.Backward(p.Versions) {
		if v.Yanked {
			list.Yanked = append(list.Yanked, v.Version)
		} else {
			list.Versions = append(list.Versions, v.Version)
		}
	}
	return httpkit.JSON(w, r, http.StatusOK, list)
}

func (a *API) hash(w http.ResponseWriter, r *http.Request) error {
	v, err := a.Packages.ByHash(r.Context(), r.PathValue("hash"))
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, a.render(v))
}

func (a *API) tarball(w http.ResponseWriter, r *http.Request) error {
	version := r.PathValue("version")
	v, err := a.Packages.Version(r.Context(), r.PathValue("name"), version)
	if err != nil {
		return err
	}
	return a.serve(w, r, v, version == v.Version)
}

// file is tarball under a name that says what it is.
func (a *API) file(w http.ResponseWriter, r *http.Request) error {
	version := r.PathValue("version")
	if r.PathValue("file") != r.PathValue("name")+"-"+version+".tar.gz" {
		return httpkit.NotFound(r)
	}
	return a.tarball(w, r)
}

// cached is the archive by its hash, under the name that the global cache of Zig 0.16 and later has for it.
func (a *API) cached(w http.ResponseWriter, r *http.Request) error {
	hash, ok := strings.CutSuffix(r.PathValue("file"), ".tar.gz")
	if !ok {
		return httpkit.NotFound(r)
	}
	v, err := a.Packages.ByHash(r.Context(), hash)
	if err != nil {
		return err
	}
	return a.serve(w, r, v, true)
}

// serve sends an archive as every compiler takes it: a bare application/gzip with a
// length, never compressed again and never a redirect, at which they drop
// credentials. fixed says that the address names the bytes for good.
func (a *API) serve(w http.ResponseWriter, r *http.Request, v zigpackages.Version, fixed bool) error {
	body, err := a.Packages.Open(r.Context(), v)
	if err != nil {
		return err
	}
	defer body.Close()
	defer httpkit.CountDownload(a.Downloads, w, r, "zig", v.Name, v.Version)
	httpkit.Serve(w, r, httpkit.Content{
		Reader: body.ReadSeekCloser, Size: body.Size, ETag: v.Artifact.SHA256.Hex(),
		ContentType: "application/gzip", Filename: v.Name + "-" + v.Version + ".tar.gz", Cache: cacheOf(w, fixed),
	})
	return nil
}

// cacheOf is the Cache-Control of an archive; fixed ones never change.
func cacheOf(w http.ResponseWriter, fixed bool) string {
	if fixed {
		return access.Immutable(w)
	}
	return access.Revalidate(w)
}
