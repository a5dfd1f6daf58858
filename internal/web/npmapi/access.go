package npmapi

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

const (
	public     = "public"
	restricted = "restricted"
)

// access answers both pnpm's and npm's question whether a package is public.
func (s *site) access(w http.ResponseWriter, r *http.Request) error {
	name, status := r.PathValue("name"), public
	p, err := s.Packages.Package(r.Context(), name)
	switch {
	case err == nil && p.Restricted:
		status = restricted
	case errors.Is(err, fault.NotFound): // upstream's are all public
		_, err = s.Catalog.Tags(r.Context(), s.root(r), name)
	}
	if err != nil {
		return err
	}
	return s.json(w, r, map[string]any{"access": status, "public": status == public})
}

func (s *site) setAccess(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	httpkit.Audit(r, "access", name, "")
	who, err := s.writer(r, name)
	if err != nil {
		return err
	}
	var body struct {
		Access *string         `json:"access"`
		TFA    json.RawMessage `json:"publish_requires_tfa"`
	}
	if err := httpkit.DecodeJSON(w, r, maxSmall, &body); err != nil {
		return err
	}
	if body.TFA != nil && body.Access == nil {
		return errNoTwoFactor()
	}
	if body.Access == nil {
		return fault.New(fault.Invalid, `name the access that the package is to have: {"access": "public"} or {"access": "restricted"}`)
	}
	access := *body.Access
	if access == "private" { // what npm access set status=private sends
		access = restricted
	}
	httpkit.Audit(r, "", name+" "+access, "")
	if err := s.Packages.SetAccess(r.Context(), who, name, access); err != nil {
		return err
	}
	s.warn(w, access)
	return done(w, r, http.StatusOK, "id", name)
}

func errNoTwoFactor() error {
	return fault.New(fault.Invalid, "this registry has no two-factor authentication; limit tokens instead, by packages, permission, networks and time").WithCode("no_two_factor")
}

const readWrite = "read-write"

// collaborator is an owner as pnpm reads it.
type collaborator struct {
	User        string `json:"user"`
	Permissions string `json:"permissions"`
}

// collaborators are the owners: an object for npm, a list for pnpm.
func (s *site) collaborators(w http.ResponseWriter, r *http.Request) error {
	p, err := s.Packages.Package(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	if r.URL.Query().Get("format") != "cli" {
		return s.json(w, r, permissions(p.Owners))
	}
	all := []collaborator{}
	for _, user := range p.Owners {
		all = append(all, collaborator{user, readWrite})
	}
	return s.json(w, r, all)
}

func permissions(of []string) map[string]string {
	all := map[string]string{}
	for _, name := range of {
		all[name] = readWrite
	}
	return all
}

func (s *site) ownedByScope(w http.ResponseWriter, r *http.Request) error {
	owned, err := s.Packages.Owned(r.Context(), scope(r))
	if err == nil && len(owned) == 0 {
		err = fault.New(fault.NotFound, "the scope %.230s has no packages here", scope(r)) // npm asks for the user of this name then
	}
	if err != nil {
		return err
	}
	return s.json(w, r, permissions(owned))
}

func (s *site) ownedByUser(w http.ResponseWriter, r *http.Request) error {
	owned, err := s.Packages.Owned(r.Context(), r.PathValue("user"))
	if err != nil {
		return err
	}
	return s.json(w, r, permissions(owned))
}
