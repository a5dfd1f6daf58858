package npmapi

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// changeOwners replaces a package's owners by what with makes of them, and the
// revision that must still be the package's.
func (s *site) changeOwners(r *http.Request, who auth.Principal, name string, with func(old []string) (owners []string, rev string)) error {
	p, err := s.Packages.Package(r.Context(), name)
	if err != nil {
		return err
	}
	owners, rev := with(p.Owners)
	httpkit.Audit(r, "owner", name+" "+strings.Join(owners, ","), "")
	if err := s.newcomers(r.Context(), who, p.Owners, owners); err != nil {
		return err
	}
	return s.Packages.SetOwners(r.Context(), who, name, rev, owners)
}

// newcomers checks those that are made owners.
func (s *site) newcomers(ctx context.Context, who auth.Principal, old, owners []string) error {
	for _, user := range owners {
		if slices.Contains(old, user) {
			continue
		}
		if err := s.Auth.CheckOwner(ctx, who, user); err != nil {
			return err
		}
	}
	return nil
}

func with(users []string, user string) []string {
	if slices.Contains(users, user) {
		return users
	}
	return append(slices.Clone(users), user)
}

func without(users []string, user string) []string {
	return slices.DeleteFunc(slices.Clone(users), func(u string) bool { return u == user })
}

// member is the body of pnpm's owner and npm's org commands.
type member struct {
	User string `json:"user"`
	Role string `json:"role"`
}

func (s *site) addOwner(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	httpkit.Audit(r, "owner", name, "")
	who, err := s.writer(r, name)
	if err != nil {
		return err
	}
	var m member
	if err := httpkit.DecodeJSON(w, r, maxSmall, &m); err != nil {
		return err
	}
	err = s.changeOwners(r, who, name, func(old []string) ([]string, string) { return with(old, m.User), "" })
	if err != nil {
		return err
	}
	return done(w, r, http.StatusOK)
}

func (s *site) removeOwner(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	httpkit.Audit(r, "owner", name, "")
	who, err := s.writer(r, name)
	if err == nil {
		err = s.changeOwners(r, who, name, func(old []string) ([]string, string) { return without(old, r.PathValue("user")), "" })
	}
	if err != nil {
		return err
	}
	return done(w, r, http.StatusOK)
}

// scope is the scope that an organisation's name stands for.
func scope(r *http.Request) string { return "@" + strings.TrimPrefix(r.PathValue("scope"), "@") }

// members lists the owners of a scope, which are all that an organisation has here.
func (s *site) members(w http.ResponseWriter, r *http.Request) error {
	owners, err := s.Packages.ScopeOwners(r.Context(), scope(r))
	if err != nil {
		return err
	}
	if len(owners) == 0 {
		return fault.New(fault.NotFound, "nobody owns the scope %.230s; its first publisher will", scope(r))
	}
	roster := map[string]string{}
	for _, user := range owners {
		roster[user] = "owner"
	}
	return s.json(w, r, roster)
}

func (s *site) addMember(w http.ResponseWriter, r *http.Request) error {
	m, owners, err := s.changeMembers(w, r, with)
	if err != nil {
		return err
	}
	return done(w, r, http.StatusCreated, "user", m.User, "role", "owner",
		"org", map[string]any{"name": strings.TrimPrefix(scope(r), "@"), "size": len(owners)})
}

func (s *site) removeMember(w http.ResponseWriter, r *http.Request) error {
	if _, _, err := s.changeMembers(w, r, without); err != nil {
		return err
	}
	return done(w, r, http.StatusOK)
}

func (s *site) changeMembers(w http.ResponseWriter, r *http.Request, change func(users []string, user string) []string) (m member, owners []string, err error) {
	httpkit.Audit(r, "scope owner", scope(r), "")
	who, err := s.known(r)
	if err != nil {
		return m, nil, err
	}
	if err := httpkit.DecodeJSON(w, r, maxSmall, &m); err != nil {
		return m, nil, err
	}
	m.User = strings.TrimLeft(m.User, "@~")
	if m.Role != "" && m.Role != "owner" {
		return m, nil, fault.New(fault.Invalid, "a scope has owners only here: npm org set %s %.100s owner", strings.TrimPrefix(scope(r), "@"), m.User)
	}
	old, err := s.Packages.ScopeOwners(r.Context(), scope(r))
	if err != nil {
		return m, nil, err
	}
	owners = change(old, m.User)
	httpkit.Audit(r, "", scope(r)+" "+strings.Join(owners, ","), "")
	if err := s.newcomers(r.Context(), who, old, owners); err != nil {
		return m, nil, err
	}
	return m, owners, s.Packages.SetScopeOwners(r.Context(), who, scope(r), owners)
}
