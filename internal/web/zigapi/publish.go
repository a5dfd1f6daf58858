package zigapi

import (
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/web/httpkit"
)

// published answers a publish: the version, in Pantry's members and ours.
type published struct {
	Success   bool          `json:"success"`
	Message   string        `json:"message"`
	Unchanged bool          `json:"unchanged,omitempty"`
	Warnings  []zig.Warning `json:"warnings"`
	metadata
}

func (a *API) publish(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "publish", "", "")
	who, err := a.Writer(r)
	if err != nil {
		return err
	}
	body, err := httpkit.UploadBody(w, r, a.MaxPackage, maxText)
	if err != nil {
		return err
	}
	in := &incoming{api: a, who: who}
	defer in.close()
	if body.JSON {
		err = in.readJSON(r.Context(), body)
	} else {
		err = in.readForm(r.Context(), body)
	}
	if err != nil {
		return err
	}
	return a.answer(w, r, who, in.release)
}

func (a *API) answer(w http.ResponseWriter, r *http.Request, who auth.Principal, release zigpackages.Release) error {
	if m := release.Upload.Manifest; m != nil {
		httpkit.Audit(r, "", auditName(m.Name, m.Version), "")
	}
	res, err := a.Packages.Publish(r.Context(), who, release)
	if err != nil {
		return httpkit.InWords(err, fault.Exists, "Version already exists")
	}
	return httpkit.JSON(w, r, status(res), a.renderPublished(res))
}

// auditName is what audit lines call a version; the names of npm's packages have no colon.
func auditName(name, version string) string { return kind.Zig.Name(name) + "@" + version }

func status(res zigpackages.Published) int {
	if res.Unchanged {
		return http.StatusOK
	}
	return http.StatusCreated
}

func (a *API) renderPublished(res zigpackages.Published) published {
	v := res.Version
	out := published{Success: true, Message: "Published " + v.Name + "@" + v.Version, Unchanged: res.Unchanged, Warnings: res.Warnings, metadata: a.render(v)}
	if res.Unchanged {
		out.Message = "Unchanged: " + v.Name + "@" + v.Version + " was published before, with the same content"
	}
	if out.Warnings == nil {
		out.Warnings = []zig.Warning{}
	}
	return out
}
