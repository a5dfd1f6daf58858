package lumenapi

import (
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/web/httpkit"
)

// maxMetadata bounds a version's metadata, in bytes.
const maxMetadata = 1 << 20

// stage takes an archive that the metadata of a version will name.
func (a *API) stage(w http.ResponseWriter, r *http.Request) error {
	d, _, ok := artifactOf(r)
	if !ok {
		return fault.New(fault.Invalid, "%.200q is no address of an archive; put it to artifacts/sha256/{2 digits}/{62 digits}.tar, of its SHA-256", r.URL.Path).WithCode("bad_hash")
	}
	httpkit.Audit(r, "stage", kind.Lumen.Name(d.String()), "")
	who, err := a.Writer(r)
	if err != nil {
		return err
	}
	body, err := httpkit.Body(w, r, a.MaxPackage+1) // one byte more tells that it is too large
	if err != nil {
		return err
	}
	in := &incoming{api: a, who: who}
	defer in.close()
	if err := in.receive(r.Context(), body); err != nil {
		return err
	}
	if err := a.Packages.Stage(r.Context(), who, in.upload, d); err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusCreated, map[string]any{"success": true, "hash": d})
}

// staged answers the HEAD of an archive that is not published to who has staged it; absent to all others.
func (a *API) staged(w http.ResponseWriter, r *http.Request, d digest.SHA256, absent error) error {
	who, err := a.Principal(r)
	if err != nil {
		return err
	}
	size, err := a.Packages.Staged(r.Context(), who, d)
	if err != nil {
		return absent
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	w.WriteHeader(http.StatusOK)
	return nil
}

// publishStaged takes the metadata of a version whose archive was staged. What they say must be what the archive has.
func (a *API) publishStaged(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	version, ok := strings.CutSuffix(r.PathValue("file"), ".json")
	httpkit.Audit(r, "publish", auditName(name, version), "")
	who, err := a.Writer(r)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(fault.Invalid, "put the metadata of a version to packages/{name}/{version}.json")
	}
	var m lumen.Metadata
	if err := httpkit.DecodeJSON(w, r, maxMetadata, &m); err != nil {
		return err
	}
	if m.Name != name || m.Version != version {
		return fault.New(fault.Invalid, "the metadata are of %.80q %.140q, but were put to the address of %.80q %.140q; both must be the same", m.Name, m.Version, name, version).WithCode("manifest_mismatch")
	}
	d, err := archiveOf(m)
	if err != nil {
		return err
	}
	upload, err := a.Packages.Reopen(r.Context(), who, d)
	if err != nil {
		return err
	}
	in := &incoming{api: a, who: who, upload: upload}
	defer in.close()
	if err := agrees(m, upload); err != nil {
		return err
	}
	claim, err := claimOf(nil, r.Header)
	if err != nil {
		return err
	}
	return a.answer(w, r, who, lumenpackages.Release{Name: name, Version: version, Hash: d.String(), Upload: upload, Signature: claim})
}

// archiveOf is the hash of the archive that the metadata name.
func archiveOf(m lumen.Metadata) (digest.SHA256, error) {
	if len(m.Artifacts) == 0 {
		return digest.SHA256{}, fault.New(fault.Invalid, "the metadata of %.80s %.140s name no artifact; put the archive to artifacts/sha256/… first and name it in \"artifacts\"", m.Name, m.Version).WithCode("no_tarball")
	}
	d, err := digest.Parse(m.Artifacts[0].Hash)
	if err != nil {
		return d, fault.Wrap(err, fault.Invalid, "%.100q is no hash of an artifact; send sha256: and 64 hex digits", m.Artifacts[0].Hash).WithCode("bad_hash")
	}
	return d, nil
}

// agrees refuses metadata that say something else than their archive. What describes the package, such as the license, is
// taken from the archive.
func agrees(m lumen.Metadata, u *lumenpackages.Upload) error {
	said := m.Artifacts[0].Size
	size := u.Size
	if u.Gzipped {
		size = u.SentSize
	}
	for _, f := range []struct {
		member string
		same   bool
	}{
		{"artifacts[0].size", said == 0 || said == size},
		{"integrity.manifest_hash", m.Integrity == nil || m.Integrity.ManifestHash == "" || m.Integrity.ManifestHash == u.Integrity.ManifestHash},
		{"integrity.content_hash", m.Integrity == nil || m.Integrity.ContentHash == "" || m.Integrity.ContentHash == u.Integrity.ContentHash},
		{"deps", len(m.Deps) == 0 || maps.Equal(m.Deps, u.Manifest.Deps)},
	} {
		if !f.same {
			return fault.New(fault.Invalid, "%q of the metadata of %.80s %.140s is not what the archive has; leave it out, or correct it", f.member, m.Name, m.Version).WithCode("manifest_mismatch")
		}
	}
	return nil
}
