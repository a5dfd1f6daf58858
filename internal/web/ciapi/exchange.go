package ciapi

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/domain/trust"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

// maxBody bounds a request: 1,000 names and a merge commit.
const maxBody = 512 << 10

// exchange answers an OIDC token by one of ours.
func (a *API) exchange(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "token exchange", "a run", "")
	var b wire.Exchange
	if err := httpkit.DecodeJSON(w, r, maxBody, &b); err != nil {
		return err
	}
	merge, err := base64.StdEncoding.DecodeString(b.MergeCommit)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "mergeCommit is no base64; send the output of git cat-file commit in it").WithCode("wrong_merge_commit")
	}
	c := httpkit.CredentialsOf(r)
	got, claims, err := a.Trust.Exchange(r.Context(), trust.Ask{
		Token: c.Secret, Addr: c.Addr, Packages: b.Packages, Repository: b.Repository, MergeCommit: merge, Tier: provenance.Tier(b.Tier),
	})
	if who := claims.Who(); who != "" {
		httpkit.Audit(r, "", claims.String()+" "+strings.Join(b.Packages, " "), who)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpkit.JSON(w, r, http.StatusOK, wire.Exchanged{
		Token: got.Secret, Expires: got.Expires, Tier: string(got.Proof.Tier), SHA: got.Proof.SHA, Refs: got.Refs, Packages: got.Packages,
	})
}
