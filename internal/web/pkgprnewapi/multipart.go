package pkgprnewapi

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/org/registry-action/internal/domain/pkgprnew"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// begin begins a tarball that comes in parts, as the CLI does it past 99 MiB.
func (a *API) begin(w http.ResponseWriter, r *http.Request) error {
	name := r.Header.Get("Sb-Name")
	httpkit.Audit(r, "begin an upload", name, "")
	u, err := a.Runs.Begin(r.Context(), pkgprnew.Claim{Key: r.Header.Get("Sb-Key"), SHA: r.Header.Get("Sb-Sha")}, name)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{"ok": true, "key": u.Key, "id": u.ID})
}

// part is one of an upload, as the CLI has it.
type part struct {
	Number int    `json:"partNumber"`
	ETag   string `json:"etag"`
}

func (a *API) putPart(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "upload a part", "a tarball", "who began it")
	number, err := strconv.Atoi(r.Header.Get("Part-Number"))
	if err != nil {
		return fault.New(fault.Invalid, "part-number is %.40q, not a number", r.Header.Get("Part-Number")).WithCode("invalid_part")
	}
	body, err := httpkit.Body(w, r, max(r.ContentLength, 0))
	if err != nil {
		return err
	}
	p, err := a.Runs.PutPart(r.Context(), upload(r), number, r.ContentLength, body)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{"ok": true, "part": part(p)})
}

func upload(r *http.Request) pkgprnew.Upload {
	return pkgprnew.Upload{Key: r.Header.Get("Key"), ID: r.Header.Get("Id")}
}

func (a *API) complete(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "complete an upload", "a tarball", "who began it")
	var listed []part // bounded by what headers may have
	if err := json.Unmarshal([]byte(r.Header.Get("Uploaded-Parts")), &listed); err != nil {
		return httpkit.JSONError("the header uploaded-parts is missing, or not a JSON list", err)
	}
	parts := make([]pkgprnew.Part, len(listed))
	for i, p := range listed {
		parts[i] = pkgprnew.Part(p)
	}
	u := upload(r)
	if err := a.Runs.Complete(r.Context(), u, parts); err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{"ok": true, "key": u.Key})
}
