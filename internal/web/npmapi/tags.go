package npmapi

import (
	"net/http"

	"github.com/org/registry-action/internal/web/httpkit"
)

// maxSmall bounds the bodies that say one thing, in bytes.
const maxSmall = 64 << 10

func (s *site) tags(w http.ResponseWriter, r *http.Request) error {
	tags, err := s.Catalog.Tags(r.Context(), s.root(r), r.PathValue("name"))
	if err != nil {
		return err
	}
	return s.json(w, r, tags)
}

func (s *site) tag(w http.ResponseWriter, r *http.Request) error {
	name, tag := r.PathValue("name"), r.PathValue("tag")
	httpkit.Audit(r, "dist-tag", name+" "+tag, "")
	who, err := s.writer(r, name)
	if err != nil {
		return err
	}
	var version string
	if err := httpkit.DecodeJSON(w, r, maxSmall, &version); err != nil {
		return err
	}
	httpkit.Audit(r, "", name+"@"+version+" "+tag, "")
	if err := s.Packages.Tag(r.Context(), who, name, tag, version); err != nil {
		return err
	}
	return done(w, r, http.StatusCreated, "id", name)
}

func (s *site) untag(w http.ResponseWriter, r *http.Request) error {
	name, tag := r.PathValue("name"), r.PathValue("tag")
	httpkit.Audit(r, "dist-tag rm", name+" "+tag, "")
	who, err := s.writer(r, name)
	if err == nil {
		err = s.Packages.Untag(r.Context(), who, name, tag)
	}
	if err != nil {
		return err
	}
	return done(w, r, http.StatusOK, "id", name)
}
