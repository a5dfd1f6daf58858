package npmapi

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/org/registry-action/internal/domain/trust"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/web/httpkit"
)

// exchange answers the OIDC token of a CI run by a token for one package. There is no body.
func (s *site) exchange(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	httpkit.Audit(r, "token exchange", name, "")
	if err := npm.ValidName(name); err != nil {
		return err
	}
	c := httpkit.CredentialsOf(r)
	got, claims, err := s.Trust.Exchange(r.Context(), trust.Ask{Token: c.Secret, Addr: c.Addr, Packages: []string{name}})
	if who := claims.Who(); who != "" {
		httpkit.Audit(r, "", name+" "+claims.String(), who)
	}
	if err != nil {
		return err
	}
	return s.secret(w, http.StatusCreated, map[string]any{"token": got.Secret, "expires": got.Expires.UTC().Format(time.RFC3339), "tier": got.Proof.Tier})
}

// writeExchangeError has the message where npm, pnpm and people look for it.
func writeExchangeError(w http.ResponseWriter, r *http.Request, err error) {
	status, message, request := httpkit.Failure(w, err)
	body := map[string]any{}
	if e, ok := fault.Public(err); ok {
		maps.Copy(body, e.Details)
		if body["code"] = e.Code; e.Code == "" {
			body["code"] = string(e.Kind)
		}
	}
	if request != "" {
		body["requestId"] = request
	}
	body["message"], body["error"], body["body"] = message, message, map[string]string{"message": message}
	w.Header().Set("Cache-Control", "no-store")
	_ = httpkit.JSON(w, r, status, body) // it fails for reads only
}

// visibility is access for who asks whether a package is public. npm asks it for a run, too, and would then sign a
// provenance at services of the public internet: so what a run's token asks for is not.
func (s *site) visibility(w http.ResponseWriter, r *http.Request) error {
	if who, err := s.Principal(r); err == nil && who.Proof() != nil {
		return s.json(w, r, map[string]any{"public": false})
	}
	return s.access(w, r)
}

// trustConfig is a policy as npm trust writes and reads it.
type trustConfig struct {
	ID     string `json:"id,omitempty"`
	Type   string `json:"type"`
	Claims struct {
		Repository  string `json:"repository"`
		WorkflowRef struct {
			File string `json:"file,omitempty"`
		} `json:"workflow_ref"`
		Environment string `json:"environment,omitempty"`
	} `json:"claims"`
	Permissions []string `json:"permissions,omitempty"`
}

// The words of npm trust.
const (
	typeGitHub       = "github"
	permitPublish    = "createPackage"
	permitStage      = "createStagedPackage"
	maxTrusts        = 10 // of one request
	trustOnlyPublish = "a policy lets a run publish, which includes staging; give --allow-publish"
)

func showTrust(p trust.Policy) trustConfig {
	c := trustConfig{ID: p.ID, Type: typeGitHub, Permissions: []string{permitPublish}}
	c.Claims.Repository, c.Claims.WorkflowRef.File, c.Claims.Environment = p.Repository, p.Workflow, p.Environment
	return c
}

// binding is what npm trust asks for: releases of one package.
func (c trustConfig) binding(name string) (trust.Binding, error) {
	switch {
	case c.Type != typeGitHub:
		return trust.Binding{}, fault.New(fault.Invalid, "runs of %.40q are not known here, only those of GitHub Actions: npm trust github", c.Type).WithCode("unknown_provider")
	case !slices.Contains(c.Permissions, permitPublish) && slices.Contains(c.Permissions, permitStage):
		return trust.Binding{}, fault.New(fault.Invalid, trustOnlyPublish).WithCode("unknown_permission")
	case c.Claims.WorkflowRef.File == "":
		return trust.Binding{}, fault.New(fault.Invalid, "the policy names no workflow; give --file with the name of its file").WithCode("invalid_policy")
	}
	return trust.Binding{
		Repository: c.Claims.Repository, Workflow: c.Claims.WorkflowRef.File, Environment: c.Claims.Environment,
		Tier: provenance.Release, Packages: []string{name},
	}, nil
}

// trusted lists the policies of a package, for its owners.
func (s *site) trusted(w http.ResponseWriter, r *http.Request) error {
	who, err := s.known(r)
	if err != nil {
		return err
	}
	all, err := s.Trust.Of(r.Context(), who, r.PathValue("name"))
	if err != nil {
		return err
	}
	out := []trustConfig{}
	for _, p := range all {
		out = append(out, showTrust(p))
	}
	return s.personal(w, r, out)
}

func (s *site) trust(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	httpkit.Audit(r, "trust", name, "")
	who, err := s.known(r)
	if err != nil {
		return err
	}
	if err := npm.ValidName(name); err != nil {
		return err
	}
	var asked []trustConfig
	if err := httpkit.DecodeJSON(w, r, maxSmall, &asked); err != nil {
		return err
	}
	if len(asked) == 0 || len(asked) > maxTrusts {
		return fault.New(fault.Invalid, "the request has %d policies; send a list of 1 to %d", len(asked), maxTrusts)
	}
	out := []trustConfig{}
	for _, c := range asked {
		b, err := c.binding(name)
		if err != nil {
			return err
		}
		p, err := s.Trust.Add(r.Context(), who, trust.NewPolicy{Binding: b})
		if err != nil {
			return err
		}
		httpkit.Audit(r, "", name+" "+p.Repository+" policy "+p.ID, "")
		out = append(out, showTrust(p))
	}
	return httpkit.JSON(w, r, http.StatusCreated, out)
}

func (s *site) distrust(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "distrust", r.PathValue("name")+" policy "+r.PathValue("id"), "")
	who, err := s.known(r)
	if err == nil {
		err = s.Trust.Remove(r.Context(), who, r.PathValue("id"))
	}
	if err != nil {
		return err
	}
	return done(w, r, http.StatusOK)
}
