package webui

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/web/httpkit"
)

// noTags is for what has no dist-tags.
type noTags struct{}

func (noTags) tag(*http.Request, auth.Principal, string, string, string) error {
	return fault.New(fault.Invalid, "only npm packages have dist-tags")
}

// noVersions is for what is not published itself.
type noVersions struct{ noTags }

func (noVersions) withdraw(*http.Request, auth.Principal, withdrawal) error {
	return fault.New(fault.Invalid, "this has no versions")
}

// changed is owners with one more, or one less.
func changed(owners []string, user string, owns bool) []string {
	out := slices.DeleteFunc(slices.Clone(owners), func(o string) bool { return o == user })
	if owns {
		out = append(out, user)
	}
	return out
}

// ownerAction is the action of an audit line.
func ownerAction(owns bool) string {
	if owns {
		return "owner add"
	}
	return "owner remove"
}

// yankAction is the action of an audit line.
func yankAction(yanked bool) string {
	if yanked {
		return "yank"
	}
	return "unyank"
}

type npmManager struct{ u *UI }

func (m npmManager) read(ctx context.Context, v *manageView) error {
	p, err := m.u.Packages.Package(ctx, v.Name)
	if err != nil {
		return err
	}
	v.Owners, v.Tags, v.Tagged, v.Word = p.Owners, p.Tags, true, "Deprecate"
	all := make([]managedVersion, len(p.Versions))
	for i, version := range p.Versions {
		all[i] = managedVersion{version.Version.Version, version.PublishedAt, version.Deprecated != "", version.Deprecated}
	}
	v.show(all)
	return nil
}

func (m npmManager) setOwner(r *http.Request, who auth.Principal, name, user string, owns bool) error {
	p, err := m.u.Packages.Package(r.Context(), name)
	if err != nil {
		return err
	}
	owners := changed(p.Owners, user, owns)
	httpkit.Audit(r, "owner", name+" "+strings.Join(owners, ","), "")
	return m.u.Packages.SetOwners(r.Context(), who, name, p.Revision, owners)
}

func (m npmManager) withdraw(r *http.Request, who auth.Principal, c withdrawal) error {
	httpkit.Audit(r, "deprecate", c.name, "")
	if !c.withdrawn {
		c.message = ""
	} else if c.message == "" {
		return fault.New(fault.Invalid, "say why %s@%s should not be used: clients show it", c.name, c.version)
	}
	return m.u.Packages.Deprecate(r.Context(), who, c.name, map[string]string{c.version: c.message})
}

func (m npmManager) tag(r *http.Request, who auth.Principal, name, tag, version string) error {
	if version == "" {
		httpkit.Audit(r, "dist-tag rm", name+" "+tag, "")
		return m.u.Packages.Untag(r.Context(), who, name, tag)
	}
	httpkit.Audit(r, "dist-tag", name+"@"+version+" "+tag, "")
	return m.u.Packages.Tag(r.Context(), who, name, tag, version)
}

type scopeManager struct {
	noVersions
	u *UI
}

func (m scopeManager) read(ctx context.Context, v *manageView) error {
	v.Name = "@" + strings.TrimPrefix(v.Name, "@")
	owners, err := m.u.Packages.ScopeOwners(ctx, v.Name)
	if err == nil && len(owners) == 0 {
		err = fault.New(fault.NotFound, "nobody owns the scope %.230s; its first publisher will", v.Name)
	}
	v.Owners = owners
	return err
}

func (m scopeManager) setOwner(r *http.Request, who auth.Principal, name, user string, owns bool) error {
	scope := "@" + strings.TrimPrefix(name, "@")
	old, err := m.u.Packages.ScopeOwners(r.Context(), scope)
	if err != nil {
		return err
	}
	owners := changed(old, user, owns)
	httpkit.Audit(r, "scope owner", scope+" "+strings.Join(owners, ","), "")
	return m.u.Packages.SetScopeOwners(r.Context(), who, scope, owners)
}

type zigManager struct {
	noTags
	u *UI
}

func (m zigManager) read(ctx context.Context, v *manageView) error {
	p, err := m.u.Zig.Package(ctx, v.Name)
	if err != nil {
		return err
	}
	v.Owners, v.Word = p.Owners, "Yank"
	all := make([]managedVersion, len(p.Versions))
	for i, version := range p.Versions {
		all[i] = managedVersion{version.Version, version.PublishedAt, version.Yanked, version.YankReason}
	}
	v.show(all)
	return nil
}

func (m zigManager) setOwner(r *http.Request, who auth.Principal, name, user string, owns bool) error {
	httpkit.Audit(r, ownerAction(owns), kind.Zig.Name(name)+" "+user, "")
	_, err := m.u.Zig.SetOwner(r.Context(), who, name, user, owns)
	return err
}

func (m zigManager) withdraw(r *http.Request, who auth.Principal, c withdrawal) error {
	httpkit.Audit(r, yankAction(c.withdrawn), kind.Zig.Name(c.name)+"@"+c.version, "")
	_, err := m.u.Zig.Yank(r.Context(), who, c.name, c.version, c.withdrawn, c.message)
	return err
}

type lumenManager struct {
	noTags
	u *UI
}

func (m lumenManager) read(ctx context.Context, v *manageView) error {
	d, err := m.u.Lumen.PackageIndex(ctx, v.Name)
	if err != nil {
		return err
	}
	var index lumen.PackageIndex
	if err := json.Unmarshal(d.Body, &index); err != nil {
		return fmt.Errorf("reading the index of %s: %w", v.Name, err)
	}
	owners, err := m.u.Lumen.Owners(ctx, v.Name)
	if err != nil {
		return err
	}
	v.Word = "Yank"
	for _, o := range owners {
		v.Owners = append(v.Owners, o.User)
	}
	all := make([]managedVersion, len(index.Versions))
	for i, version := range index.Versions {
		reason, yanked := index.Yanked[version]
		all[i] = managedVersion{Version: version, Withdrawn: yanked, Message: reason}
	}
	v.show(all)
	return nil
}

func (m lumenManager) setOwner(r *http.Request, who auth.Principal, name, user string, owns bool) error {
	httpkit.Audit(r, ownerAction(owns), kind.Lumen.Name(name)+" "+user, "")
	role := lumenpackages.RoleOwner
	if !owns {
		role = ""
	}
	return m.u.Lumen.SetOwner(r.Context(), who, name, user, role)
}

func (m lumenManager) withdraw(r *http.Request, who auth.Principal, c withdrawal) error {
	httpkit.Audit(r, yankAction(c.withdrawn), kind.Lumen.Name(c.name)+"@"+c.version, "")
	return m.u.Lumen.Yank(r.Context(), who, c.name, c.version, c.withdrawn, c.message)
}

type repositoryManager struct {
	noVersions
	u *UI
}

func (m repositoryManager) read(ctx context.Context, v *manageView) error {
	repo, err := commits.ParseRepository(v.Name)
	if err == nil {
		v.Owners, err = m.u.Commits.Owners(ctx, repo)
	}
	return err
}

func (m repositoryManager) setOwner(r *http.Request, who auth.Principal, name, user string, owns bool) error {
	httpkit.Audit(r, ownerAction(owns), user, "") // a repository's URL may hold a token
	repo, err := commits.ParseRepository(name)
	if err != nil {
		return err
	}
	httpkit.Audit(r, "", repo.String()+" "+user, "")
	if owns {
		_, err = m.u.Commits.AddOwner(r.Context(), who, repo, user)
	} else {
		_, err = m.u.Commits.RemoveOwner(r.Context(), who, repo, user)
	}
	return err
}
