package npmapi

import (
	"cmp"
	"net/http"
	"strconv"

	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/web/httpkit"
)

// staged is how a staged version is shown.
type staged struct {
	packages.Staged
	ActorType string `json:"actorType"`
}

func show(v packages.Staged) staged { return staged{v, "user"} }

// stage keeps a publish for approval.
func (s *site) stage(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	httpkit.Audit(r, "stage", name, "")
	who, err := s.writer(r, name)
	if err != nil {
		return err
	}
	up := &uploads{site: s, who: who, max: 1}
	defer up.close()
	var doc document
	if err := up.read(w, r, 0, &doc); err != nil {
		return err
	}
	rel, err := doc.release(name, up)
	if err != nil {
		return err
	}
	httpkit.Audit(r, "", rel.Name+"@"+rel.Version, "")
	v, err := s.Packages.Stage(r.Context(), who, rel)
	if err != nil {
		return republish(err, rel.Version)
	}
	s.warn(w, rel.Access)
	return done(w, r, http.StatusCreated, "stageId", v.ID)
}

// stagedPerPage is the length of a page of staged versions if none is asked for.
const stagedPerPage = 100

func (s *site) staged(w http.ResponseWriter, r *http.Request) error {
	who, err := s.known(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	size := cmp.Or(number(q.Get("perPage"), stagedPerPage, packages.MaxStagedPage), stagedPerPage)
	page := number(q.Get("page"), 0, 1_000_000)
	found, total, err := s.Packages.Staged(r.Context(), who, q.Get("package"), page*size, size)
	if err != nil {
		return err
	}
	items := []staged{}
	for _, v := range found {
		items = append(items, show(v))
	}
	return s.personal(w, r, map[string]any{"items": items, "total": total, "page": page, "perPage": size})
}

// number reads a number of a query, between 0 and limit; what is none is the default.
func number(text string, or, limit int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return or
	}
	return min(n, limit)
}

func (s *site) stagedOne(w http.ResponseWriter, r *http.Request) error {
	who, err := s.known(r)
	if err != nil {
		return err
	}
	v, err := s.Packages.StagedOne(r.Context(), who, r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.personal(w, r, show(v))
}

func (s *site) stagedTarball(w http.ResponseWriter, r *http.Request) error {
	who, err := s.known(r)
	if err != nil {
		return err
	}
	c, v, err := s.Packages.StagedOpen(r.Context(), who, r.PathValue("id"))
	if err != nil {
		return err
	}
	defer c.Close()
	httpkit.Serve(w, r, httpkit.Content{Reader: c.ReadSeekCloser, Size: c.Size, ETag: v.Shasum, ContentType: tarballType, Cache: httpkit.PrivateRevalidate})
	return nil
}

// approve answers /-/stage/{id}/approve; as a pattern that would collide with /-/stage/package/{name}.
func (s *site) approve(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if r.PathValue("verb") != "approve" {
		return httpkit.NotFound(r)
	}
	httpkit.Audit(r, "stage approve", id, "")
	who, err := s.known(r)
	if err != nil {
		return err
	}
	p, err := s.Packages.Approve(r.Context(), who, id)
	if err != nil {
		return republish(err)
	}
	httpkit.Audit(r, "", p.Version.Name+"@"+p.Version.Version.Version, "")
	return published(w, r, p.Version.Name, p)
}

func (s *site) reject(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	httpkit.Audit(r, "stage reject", id, "")
	who, err := s.known(r)
	if err == nil {
		err = s.Packages.Reject(r.Context(), who, id)
	}
	if err != nil {
		return err
	}
	return done(w, r, http.StatusOK)
}
