package npmapi

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/web/httpkit"
)

// change answers a packument that comes back without a tarball. Clients send it
// whole to change one thing; only that one is taken over.
func (s *site) change(w http.ResponseWriter, r *http.Request, who auth.Principal, doc *document) error {
	name := r.PathValue("name")
	if err := doc.named(name); err != nil {
		return err
	}
	var err error
	switch {
	case doc.Versions != nil:
		err = s.changeVersions(r, who, doc)
	case doc.Maintainers != nil:
		var owners []string
		for _, m := range doc.Maintainers {
			owners = append(owners, m.Name)
		}
		rev := r.PathValue("rev")
		err = s.changeOwners(r, who, name, func(old []string) ([]string, string) { return owners, rev })
	case doc.Users != nil:
		httpkit.Audit(r, "star", name, "")
		err = s.Packages.Star(r.Context(), who, name, doc.Users[who.User()])
	default:
		err = fault.New(fault.Invalid, "the body has no tarball in _attachments, and nothing that can be changed: versions, maintainers or users")
	}
	if err != nil {
		return err
	}
	return done(w, r, http.StatusCreated, "id", name)
}

// changeVersions finds out what is different in a whole packument: versions that
// are missing are unpublished if the address names a revision; else it is the
// deprecations, or else, from pnpm, the caller's star.
func (s *site) changeVersions(r *http.Request, who auth.Principal, doc *document) error {
	ctx, name, rev := r.Context(), r.PathValue("name"), r.PathValue("rev")
	p, err := s.Packages.Package(ctx, name)
	if err != nil {
		return err
	}
	var missing []string
	messages := map[string]string{}
	for _, v := range p.Versions {
		version := v.Version.Version
		said, ok := doc.Versions[version]
		if !ok {
			missing = append(missing, version)
			continue
		}
		if text := deprecation(said); text != v.Deprecated {
			messages[version] = text
		}
	}
	for version := range doc.Versions {
		if !slices.ContainsFunc(p.Versions, func(v packages.Version) bool { return v.Version.Version == version }) {
			return fault.New(fault.Invalid, "%s@%.260s is not published here, and without its tarball in _attachments it can't be", name, version)
		}
	}
	if rev != "" && len(missing) > 0 {
		httpkit.Audit(r, "unpublish", targets(name, missing), "")
		return s.Packages.Unpublish(ctx, who, name, rev, missing...)
	}
	star := doc.Users[who.User()]
	if len(messages) == 0 && star != slices.Contains(p.Stars, who.User()) {
		httpkit.Audit(r, "star", name, "")
		return s.Packages.Star(ctx, who, name, star)
	}
	httpkit.Audit(r, "deprecate", name, "")
	return s.Packages.Deprecate(ctx, who, name, messages)
}

func deprecation(v release) string {
	text, _ := jsonText(v.Deprecated)
	return text
}

// targets names versions for the audit line.
func targets(name string, versions []string) string {
	const most = 20
	more := ""
	if len(versions) > most {
		versions, more = versions[:most], " …"
	}
	return name + "@" + strings.Join(versions, " "+name+"@") + more
}

func (s *site) unpublishAll(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	httpkit.Audit(r, "unpublish", name, "")
	who, err := s.writer(r, name)
	if err == nil {
		err = s.Packages.UnpublishAll(r.Context(), who, name, r.PathValue("rev"))
	}
	if err != nil {
		return err
	}
	return done(w, r, http.StatusOK, "id", name)
}

// unpublishFile is the second step of npm unpublish, after the version has gone
// from the packument: then it has nothing left to do.
func (s *site) unpublishFile(w http.ResponseWriter, r *http.Request) error {
	name, file := r.PathValue("name"), baseName(r.PathValue("file"))
	httpkit.Audit(r, "unpublish", name+"/-/"+file, "")
	who, err := s.writer(r, name)
	if err != nil {
		return err
	}
	p, err := s.Packages.Package(r.Context(), name)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	if err == nil {
		for _, v := range p.Versions {
			if packument.TarballFile(name, v.Version.Version) != file {
				continue
			}
			if err := s.Packages.Unpublish(r.Context(), who, name, r.PathValue("rev"), v.Version.Version); err != nil {
				return err
			}
		}
	}
	return done(w, r, http.StatusOK, "id", name)
}
