package npmapi

import (
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// put answers PUT /{name} and PUT /{name}/-rev/{rev}: a publish if it brings a
// tarball, else a change of what is there.
func (s *site) put(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	httpkit.Audit(r, "change", name, "")
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
	if len(doc.Attachments) == 0 {
		return s.change(w, r, who, &doc)
	}
	rel, err := doc.release(name, up)
	if err != nil {
		return err
	}
	httpkit.Audit(r, "publish", rel.Name+"@"+rel.Version, "")
	p, err := s.Packages.Publish(r.Context(), who, rel)
	if err != nil {
		return republish(err, rel.Version)
	}
	s.warn(w, rel.Access)
	return published(w, r, name, p)
}

// writer is principal for a write to a package. Who can't write to it at all is
// refused before the body is read, which takes memory.
func (s *site) writer(r *http.Request, name string) (auth.Principal, error) {
	who, err := s.Principal(r)
	if err == nil {
		err = who.MayRelease(name)
	}
	return who, err
}

func published(w http.ResponseWriter, r *http.Request, id string, all ...packages.Published) error {
	status := http.StatusOK
	for _, p := range all {
		if !p.Unchanged {
			status = http.StatusCreated
		}
		if p.FirstOf != "" { // npm and yarn show it to the user
			w.Header().Add("Npm-Notice", p.FirstOf+" is this registry's from now on: it is never answered from another one")
		}
	}
	return done(w, r, status, "id", id)
}

// warn tells who restricts a package where that hides nothing.
func (s *site) warn(w http.ResponseWriter, access string) {
	if access == restricted && !s.Auth.ReadAuth() {
		w.Header().Set("Npm-Notice", "restricted access is noted, but hides nothing: this registry is read by everybody who reaches it (READ_AUTH)")
	}
}

// maxBatch is how many packages one request may publish.
const maxBatch = 20

// putAll publishes several packages, all or none, as pnpm publish --batch does.
func (s *site) putAll(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "publish", "several packages", "")
	who, err := s.Writer(r)
	if err != nil {
		return err
	}
	up := &uploads{site: s, who: who, max: maxBatch}
	defer up.close()
	var body struct {
		Packages list[document] `json:"packages"`
	}
	if err := up.read(w, r, 2, &body); err != nil {
		return err
	}
	if n := len(body.Packages); n == 0 || n > maxBatch {
		return fault.New(fault.Invalid, "a batch has 1 to %d packages, this one has %d", maxBatch, n)
	}
	var specs []string
	var all []packages.Release
	for i := range body.Packages {
		doc := &body.Packages[i]
		rel, err := doc.release(doc.Name, up)
		if err != nil {
			return err
		}
		s.warn(w, rel.Access)
		all = append(all, rel)
		specs = append(specs, rel.Name+"@"+rel.Version)
	}
	target := strings.Join(specs, " ")
	httpkit.Audit(r, "", target, "")
	p, err := s.Packages.PublishAll(r.Context(), who, all)
	if err != nil {
		return republish(err)
	}
	return published(w, r, target, p...)
}
