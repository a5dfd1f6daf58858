package restapi

import (
	"net/http"
	"regexp"
	"strings"
	"unicode"

	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/format/semver"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/httpkit"
)

// Pantry's words for what is not there.
const (
	packageNotFound = "Package not found"
	versionNotFound = "Package version not found"
)

func (a *API) pkg(w http.ResponseWriter, r *http.Request) error {
	return a.show(w, r, "latest", packageNotFound)
}

func (a *API) version(w http.ResponseWriter, r *http.Request) error {
	return a.show(w, r, r.PathValue("version"), versionNotFound)
}

func (a *API) show(w http.ResponseWriter, r *http.Request, versionOrTag, notFound string) error {
	name, err := nameOf(r)
	if err != nil {
		return err
	}
	found, err := a.Catalog.Version(r.Context(), a.root(), name, versionOrTag)
	if err != nil {
		return httpkit.InWords(err, fault.NotFound, notFound)
	}
	return httpkit.JSON(w, r, http.StatusOK, a.render(found))
}

func (a *API) versions(w http.ResponseWriter, r *http.Request) error {
	name, err := nameOf(r)
	if err != nil {
		return err
	}
	list, err := a.Catalog.Versions(r.Context(), a.root(), name)
	if err != nil {
		return httpkit.InWords(err, fault.NotFound, packageNotFound)
	}
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{"versions": list})
}

// paywall answers what Pantry's client asks of each package: there are none.
func (a *API) paywall(w http.ResponseWriter, r *http.Request) error {
	if _, err := nameOf(r); err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{"enabled": false})
}

// versionPattern is what a version or dist-tag in an address may look like.
var versionPattern = regexp.MustCompile(`^[a-zA-Z0-9._+!~*'()-]{1,256}$`)

func (a *API) tarball(w http.ResponseWriter, r *http.Request) error {
	name, err := nameOf(r)
	if err != nil {
		return err
	}
	version := r.PathValue("version")
	if !versionPattern.MatchString(version) {
		return fault.New(fault.Invalid, "Invalid version: %.80q is no version or dist-tag", version).WithCode("invalid_version")
	}
	if _, err := semver.Parse(version); err != nil {
		found, err := a.Catalog.Version(r.Context(), a.root(), name, version)
		if err != nil {
			return httpkit.InWords(err, fault.NotFound, packageNotFound)
		}
		if found.Version.Version != version { // a dist-tag moves: lockfiles shall hold the version
			return a.redirect(w, r, tarballURL(a.BaseURL, name, found.Version.Version))
		}
	}
	return a.send(w, r, name, version)
}

// send sends a tarball, or the client to it.
func (a *API) send(w http.ResponseWriter, r *http.Request, name, version string) error {
	filename := npm.TarballName(name, version)
	want := catalog.Want{Head: r.Method == http.MethodHead}
	if httpkit.Linkable(r) {
		want.Link = &catalog.Link{ContentType: tarballType, Filename: filename}
	}
	t, err := a.Catalog.Tarball(r.Context(), a.root(), name, packument.TarballFile(name, version), want)
	if err == nil {
		defer httpkit.CountDownload(a.Downloads, w, r, string(t.Origin), name, t.Version)
	}
	if err == nil && t.URL != "" {
		if httpkit.Link(w, r, a.BaseURL, t.URL) {
			return nil
		}
		t, err = a.Catalog.Tarball(r.Context(), a.root(), name, packument.TarballFile(name, version), catalog.Want{})
	}
	if err != nil {
		return httpkit.InWords(err, fault.NotFound, packageNotFound)
	}
	defer t.Close()
	return a.serve(w, r, t, filename)
}

const tarballType = "application/gzip"

func (a *API) redirect(w http.ResponseWriter, r *http.Request, to string) error {
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", httpkit.Revalidate)
	}
	http.Redirect(w, r, to, http.StatusFound)
	return nil
}

func (a *API) serve(w http.ResponseWriter, r *http.Request, t *catalog.Tarball, filename string) error {
	c := httpkit.Content{Reader: t.File, Size: t.Size, ETag: t.ETag, ContentType: tarballType, Filename: filename, Cache: access.Immutable(w)}
	if t.File == nil {
		return httpkit.Stream(w, r, t.Stream, c)
	}
	httpkit.Serve(w, r, c)
	return nil
}

// nameOf is the package that the address names.
func nameOf(r *http.Request) (string, error) {
	name := r.PathValue("name")
	if strings.Contains(name, "..") || strings.ContainsFunc(name, unicode.IsControl) || len(name) > npm.MaxName {
		return "", fault.New(fault.Invalid, "Invalid package name: %.230q can't be the name of a package", name).WithCode("invalid_name")
	}
	return name, nil
}
