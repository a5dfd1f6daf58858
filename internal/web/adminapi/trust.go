package adminapi

import (
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/trust"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

func (a *API) trusts(w http.ResponseWriter, r *http.Request, who auth.Principal) error {
	all, err := a.Trust.List(r.Context(), who)
	if err != nil {
		return err
	}
	out := wire.Trusts{Policies: []wire.Trust{}}
	for _, p := range all {
		out.Policies = append(out.Policies, renderTrust(p))
	}
	return httpkit.JSON(w, r, http.StatusOK, out)
}

func (a *API) addTrust(w http.ResponseWriter, r *http.Request, who auth.Principal) error {
	httpkit.Audit(r, "trust", "", "")
	var b wire.NewTrust
	if err := httpkit.DecodeJSON(w, r, maxText, &b); err != nil {
		return err
	}
	httpkit.Audit(r, "", b.Repository, "")
	if b.User != "" {
		if err := a.Auth.CheckOwner(r.Context(), who, b.User); err != nil {
			return err
		}
	}
	p, err := a.Trust.Add(r.Context(), who, PolicyOf(b))
	if err != nil {
		return err
	}
	httpkit.Audit(r, "", p.Repository+" policy "+p.ID, "")
	return httpkit.JSON(w, r, http.StatusCreated, renderTrust(p))
}

// PolicyOf is what a body asks for.
func PolicyOf(b wire.NewTrust) trust.NewPolicy {
	return trust.NewPolicy{
		Binding: trust.Binding{
			Issuer: b.Issuer, Repository: b.Repository, Workflow: b.Workflow, WorkflowRepository: b.WorkflowRepository, Environment: b.Environment,
			Refs: b.Refs, Events: b.Events, Tier: b.Tier, Packages: b.Packages, SelfHosted: b.SelfHosted,
		},
		RepositoryID: b.RepositoryID, OwnerID: b.OwnerID, User: b.User,
	}
}

func (a *API) removeTrust(w http.ResponseWriter, r *http.Request, who auth.Principal) error {
	httpkit.Audit(r, "distrust", "policy "+r.PathValue("id"), "")
	if err := a.Trust.Remove(r.Context(), who, r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func renderTrust(p trust.Policy) wire.Trust {
	return wire.Trust{
		ID: p.ID,
		NewTrust: wire.NewTrust{
			Issuer: p.Issuer, Repository: p.Repository, RepositoryID: p.RepositoryID, OwnerID: p.OwnerID, Workflow: p.Workflow,
			WorkflowRepository: p.WorkflowRepository, Environment: p.Environment, Refs: p.Refs, Events: p.Events, Tier: p.Tier,
			Packages: p.Packages, SelfHosted: p.SelfHosted, User: p.User,
		},
		Pinned: p.OwnerID != 0, Granted: p.Granted, MadeBy: p.MadeBy, FromFile: p.FromFile, Created: p.Created,
	}
}
