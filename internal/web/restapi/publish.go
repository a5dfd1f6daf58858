package restapi

import (
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// maxText bounds the metadata of a publish, and what else is in the request
// beside its tarball, in bytes. A package.json has at most half of it.
const maxText = 2 << 20

// published answers a publish: Pantry's three members, then ours.
type published struct {
	Success    bool   `json:"success"`
	Message    string `json:"message"`
	Name       string `json:"name"`
	Version    string `json:"version"`
	TarballURL string `json:"tarballUrl"`
	Checksum   string `json:"checksum"`
	Integrity  string `json:"integrity"`
	Unchanged  bool   `json:"unchanged,omitempty"`
	Notice     string `json:"notice,omitempty"`
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
	return a.answer(w, r, who, in)
}

func (a *API) answer(w http.ResponseWriter, r *http.Request, who auth.Principal, in *incoming) error {
	release, err := in.release()
	if err != nil {
		return err
	}
	httpkit.Audit(r, "", release.Name+"@"+release.Version, "")
	res, err := a.Packages.Publish(r.Context(), who, release)
	if err != nil {
		return httpkit.InWords(err, fault.Exists, "Version already exists")
	}
	return httpkit.JSON(w, r, status(res), a.renderPublished(res))
}

func status(res packages.Published) int {
	if res.Unchanged {
		return http.StatusOK
	}
	return http.StatusCreated
}

func (a *API) renderPublished(res packages.Published) published {
	v := res.Version
	name, version := v.Name, v.Version.Version
	out := published{
		Success: true, Message: "Published " + name + "@" + version, Name: name, Version: version, TarballURL: tarballURL(a.BaseURL, name, version),
		Checksum: v.Artifact.SHA256.String(), Integrity: v.Artifact.Integrity, Unchanged: res.Unchanged,
	}
	if res.Unchanged {
		out.Message = "Unchanged: " + name + "@" + version + " was published before, with the same bytes"
	}
	if res.FirstOf != "" {
		out.Notice = res.FirstOf + " is answered from this registry only from now on; upstream is no longer asked for it"
	}
	return out
}
