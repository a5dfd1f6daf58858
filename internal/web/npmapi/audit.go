package npmapi

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/signature"
	"github.com/org/registry-action/internal/web/httpkit"
)

// maxAudit bounds the list of what is installed, in bytes.
const maxAudit = 8 << 20

// advisories answers npm's bulk audit.
func (s *site) advisories(w http.ResponseWriter, r *http.Request) error {
	var installed object[list[string]]
	if err := httpkit.DecodeJSON(w, r, maxAudit, &installed); err != nil {
		return err
	}
	asked := make(map[string][]string, len(installed))
	for name, versions := range installed {
		asked[name] = versions
	}
	found, err := s.Catalog.Advisories(r.Context(), s.root(r), asked)
	if err != nil {
		return err
	}
	if found == nil {
		found = map[string]json.RawMessage{}
	}
	return httpkit.JSON(w, r, http.StatusOK, found)
}

// quickAudit answers what npm 6 to 10 and pnpm 10 ask where bulk audits are missing.
func (s *site) quickAudit(http.ResponseWriter, *http.Request) error {
	return fault.New(fault.NotFound, "this registry answers bulk audits only (/-/npm/v1/security/advisories/bulk); use npm 7, pnpm 11 or later")
}

func (s *site) keys(w http.ResponseWriter, r *http.Request) error {
	keys, err := s.Catalog.Keys(r.Context())
	if err != nil {
		return err
	}
	if keys == nil {
		keys = []signature.Key{}
	}
	return s.json(w, r, map[string]any{"keys": keys})
}

func (s *site) attestations(w http.ResponseWriter, r *http.Request) error {
	spec := r.PathValue("spec")
	at := strings.LastIndexByte(spec, '@')
	if at <= 0 {
		return fault.New(fault.Invalid, "%.300q is not a package with a version; ask for {name}@{version}", cmp.Or(spec, "it"))
	}
	found, err := s.Catalog.Attestations(r.Context(), s.root(r), spec[:at], spec[at+1:])
	if err != nil {
		return err
	}
	return s.json(w, r, found)
}
