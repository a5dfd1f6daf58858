package adminapi

import (
	"errors"
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

func (a *API) lumenKeys(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	d, err := a.Lumen.Keys(r.Context())
	if err != nil {
		return err
	}
	keys, err := lumen.DecodeKeys(d.Body)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, keys)
}

func (a *API) rotateLumenKey(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	httpkit.Audit(r, "key rotate", "lumen", "")
	key, err := a.Lumen.RotateKey(r.Context())
	if err != nil {
		return err
	}
	httpkit.Audit(r, "", kind.Lumen.Name(key.KeyID), "")
	return httpkit.JSON(w, r, http.StatusCreated, key)
}

// revokeLumenKey ends a key, and has the current one sign what it had signed.
func (a *API) revokeLumenKey(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	httpkit.Audit(r, "key revoke", kind.Lumen.Name(r.PathValue("key")), "")
	out, err := a.Lumen.RevokeKey(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, wire.LumenRevocation{Key: out.Key, Current: out.Current, Resigned: out.Resigned, Left: out.Left})
}

// presentLumen tells an importer what need not be sent: of each version the digest of what was sent, which is the last of its artifacts.
func (a *API) presentLumen(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	name, out := r.URL.Query().Get("name"), wire.Present{Versions: map[string]digest.SHA256{}}
	d, err := a.Lumen.PackageIndex(r.Context(), name)
	if errors.Is(err, fault.NotFound) {
		return httpkit.JSON(w, r, http.StatusOK, out)
	}
	if err != nil {
		return err
	}
	x, err := lumen.DecodePackageIndex(d.Body)
	if err != nil {
		return err
	}
	for _, version := range x.Versions {
		sum, err := a.lumenDigest(r, name, version)
		if err != nil {
			return err
		}
		out.Versions[version] = sum
	}
	return httpkit.JSON(w, r, http.StatusOK, out)
}

func (a *API) lumenDigest(r *http.Request, name, version string) (sum digest.SHA256, err error) {
	d, err := a.Lumen.Metadata(r.Context(), name, version)
	if err != nil {
		return sum, err
	}
	m, err := lumen.DecodeMetadata(d.Body)
	if err != nil || len(m.Artifacts) == 0 {
		return sum, err
	}
	return digest.Parse(m.Artifacts[len(m.Artifacts)-1].Hash)
}

// importLumen publishes a version of a Lumen package that another registry had.
func (a *API) importLumen(w http.ResponseWriter, r *http.Request, who auth.Principal) error {
	in, err := wire.LumenImportOf(r.URL.Query())
	if err != nil {
		return fault.New(fault.Invalid, "%s", err)
	}
	httpkit.Audit(r, "import", kind.Lumen.Name(in.Name)+"@"+in.Version, "")
	if in.Name == "" || in.Version == "" {
		return fault.New(fault.Invalid, "an import names its package and version: ?name=…&version=…")
	}
	if err := checkTime(&in.PublishedAt); err != nil {
		return err
	}
	body, err := httpkit.Body(w, r, a.MaxPackage+1)
	if err != nil {
		return err
	}
	up, err := a.Lumen.Receive(r.Context(), who, body)
	if err != nil {
		return err
	}
	defer func() {
		if err := up.Close(); err != nil {
			a.Log.WarnContext(r.Context(), "removing an upload's file", "err", err)
		}
	}()
	res, err := a.Lumen.Publish(r.Context(), who, lumenpackages.Release{
		Name: in.Name, Version: in.Version, Hash: in.Checksum, Upload: up, PublishedAt: in.PublishedAt, Yanked: in.Yanked,
	})
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if res.Unchanged {
		status = http.StatusOK
	}
	return httpkit.JSON(w, r, status, wire.Imported{Name: res.Metadata.Name, Version: res.Metadata.Version, Unchanged: res.Unchanged})
}
