package adminapi

import (
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

// present tells an importer what need not be sent.
func (a *API) present(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	out := wire.Present{Versions: map[string]digest.SHA256{}}
	p, err := a.Packages.Package(r.Context(), r.URL.Query().Get("name"))
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	if err == nil {
		for _, v := range p.Versions {
			out.Versions[v.Version.Version] = v.Artifact.SHA256
		}
	}
	return httpkit.JSON(w, r, http.StatusOK, out)
}

// importVersion publishes a version that another registry had, with what that
// registry says of it. The archive is checked as in any publish.
func (a *API) importVersion(w http.ResponseWriter, r *http.Request, who auth.Principal) error {
	in, err := wire.ImportOf(r.URL.Query())
	if err != nil {
		return fault.New(fault.Invalid, "%s", err)
	}
	httpkit.Audit(r, "import", in.Name+"@"+in.Version, "")
	if err := check(&in); err != nil {
		return err
	}
	body, err := httpkit.Body(w, r, a.MaxPackage+1)
	if err != nil {
		return err
	}
	up, err := a.Packages.Receive(r.Context(), who, body)
	if err != nil {
		return err
	}
	defer func() {
		if err := up.Close(); err != nil {
			a.Log.WarnContext(r.Context(), "removing an upload's file", "err", err)
		}
	}()
	if sum := up.Summary.Sums.SHA256.String(); in.Checksum != "" && !strings.EqualFold(in.Checksum, sum) {
		return fault.New(fault.Invalid, "the tarball does not have the checksum %.80q that is said of it; it has %s", in.Checksum, sum).WithCode("integrity_mismatch")
	}
	res, err := a.Packages.Publish(r.Context(), who, packages.Release{
		Name: in.Name, Version: in.Version, Tags: in.Tags, Upload: up, Integrity: in.Integrity, Shasum: in.Shasum,
		PublishedAt: in.PublishedAt, Deprecated: in.Deprecated, Publisher: in.Publisher,
	})
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if res.Unchanged {
		status = http.StatusOK
	}
	return httpkit.JSON(w, r, status, wire.Imported{
		Name: res.Version.Name, Version: res.Version.Version.Version, Unchanged: res.Unchanged, FirstOf: res.FirstOf,
	})
}

const maxPublisher = 256 // bytes

// check refuses what the archive can't, and gives an import without a time one,
// which is what makes it an import.
func check(in *wire.Import) error {
	if in.Name == "" || in.Version == "" {
		return fault.New(fault.Invalid, "an import names its package and version: ?name=…&version=…")
	}
	if len(in.Publisher) > maxPublisher || strings.ContainsFunc(in.Publisher, unicode.IsControl) {
		return fault.New(fault.Invalid, "publisher %.80q is no name of at most %d bytes", in.Publisher, maxPublisher)
	}
	return checkTime(&in.PublishedAt)
}

func checkTime(publishedAt *time.Time) error {
	now := time.Now()
	if publishedAt.After(now.Add(24 * time.Hour)) {
		return fault.New(fault.Invalid, "publishedAt %s is in the future", publishedAt.Format(time.RFC3339))
	}
	if publishedAt.IsZero() {
		*publishedAt = now
	}
	return nil
}
