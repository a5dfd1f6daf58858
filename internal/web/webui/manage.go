package webui

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

const managePath = ownPrefix + "manage"

// manager changes what is of one kind. Its domain says who may.
type manager interface {
	// read fills in what belongs to the name.
	read(ctx context.Context, v *manageView) error
	// setOwner makes a user an owner, or none. Who becomes one is known to be a user.
	setOwner(r *http.Request, who auth.Principal, name, user string, owns bool) error
	// withdraw says that a version should not be used, or takes that back.
	withdraw(r *http.Request, who auth.Principal, c withdrawal) error
	// tag points a dist-tag at a version; at none: removes it.
	tag(r *http.Request, who auth.Principal, name, tag, version string) error
}

// withdrawal is what is said of a version.
type withdrawal struct {
	name, version, message string
	withdrawn              bool
}

// manageView is what the page to manage something shows.
type manageView struct {
	Found
	Owners   []string
	Versions []managedVersion // the newest first
	More     int              // versions that are not shown
	Tags     map[string]string
	Tagged   bool   // it can have dist-tags
	Word     string // for withdrawing a version; empty: there are no versions
	Done     string
	Error    string
}

// managedVersion is a version that can be withdrawn.
type managedVersion struct {
	Version   string
	Date      time.Time // zero: unknown
	Withdrawn bool
	Message   string
}

// show takes over versions, given with the lowest first.
func (v *manageView) show(lowestFirst []managedVersion) {
	for i := len(lowestFirst) - 1; i >= 0 && len(v.Versions) < maxShown; i-- {
		v.Versions = append(v.Versions, lowestFirst[i])
	}
	v.More = len(lowestFirst) - len(v.Versions)
}

func (u *UI) manager(kind string) (manager, error) {
	switch kind {
	case kindNPM:
		return npmManager{u}, nil
	case "scope":
		return scopeManager{noVersions{}, u}, nil
	case kindZig:
		return zigManager{noTags{}, u}, nil
	case kindLumen:
		return lumenManager{noTags{}, u}, nil
	case kindRepository:
		return repositoryManager{noVersions{}, u}, nil
	}
	return nil, fault.New(fault.Invalid, "%.40q is none of npm, scope, zig, lumen and commit", kind)
}

func (u *UI) manage(w http.ResponseWriter, r *http.Request) error {
	if _, err := u.known(r); err != nil {
		return err
	}
	q := r.URL.Query()
	return u.showManage(w, r, http.StatusOK, q.Get("kind"), q.Get("name"), "")
}

func (u *UI) showManage(w http.ResponseWriter, r *http.Request, status int, kind, name, problem string) error {
	m, err := u.manager(kind)
	if err != nil {
		return err
	}
	v := manageView{Found: Found{Kind: kind, Name: name}, Error: problem}
	if problem == "" {
		v.Done = doneText(r)
	}
	if err := m.read(r.Context(), &v); err != nil {
		return err
	}
	return u.render(w, r, status, "manage", Page{Title: "Manage " + v.Name, Secret: true, Data: v})
}

// change does what a form of the page asks for.
func (u *UI) change(w http.ResponseWriter, r *http.Request) error {
	who, values, err := u.submitted(w, r)
	if err != nil {
		return err
	}
	kind, name := values.Get("kind"), values.Get("name")
	m, err := u.manager(kind)
	if err != nil {
		return err
	}
	if err = who.MayUpload(); err == nil {
		err = u.apply(r, who, m, name, values)
	}
	if e, public := fault.Public(err); public && !errors.Is(err, fault.NotFound) {
		return u.showManage(w, r, httpkit.Status(err), kind, name, e.Message)
	}
	if err != nil {
		return err
	}
	return u.done(w, r, managePath+"?"+url.Values{"kind": {kind}, "name": {name}}.Encode(), "changed")
}

func (u *UI) apply(r *http.Request, who auth.Principal, m manager, name string, values url.Values) error {
	user, version, tag := values.Get("user"), values.Get("version"), values.Get("tag")
	switch what := r.PathValue("what"); what {
	case "owner":
		if err := u.Auth.CheckOwner(r.Context(), who, user); err != nil {
			return err
		}
		return m.setOwner(r, who, name, user, true)
	case "no-owner":
		return m.setOwner(r, who, name, user, false)
	case "withdraw", "restore":
		return m.withdraw(r, who, withdrawal{name, version, values.Get("message"), what == "withdraw"})
	case "tag":
		if version == "" {
			return fault.New(fault.Invalid, "name the version that the tag is for")
		}
		return m.tag(r, who, name, tag, version)
	case "no-tag":
		return m.tag(r, who, name, tag, "")
	}
	return httpkit.NotFound(r)
}
