package auth

import (
	"net/netip"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
)

// Principal is a caller. The zero value is anonymous.
type Principal struct {
	user       string
	permission Permission
	token      string // hash of the stored token that was shown; "" for none
	account    bool   // its password was shown
	limits
	run     *RunLimits // of a token of a CI run
	cidr    []string
	expires time.Time // of its token
	addr    netip.Addr
	door    door
}

// limits are the patterns that a token names, of what it may write; none: of everything.
type limits struct {
	packages     []string
	repositories []string
	grant        bool // the operator gave it these, whoever owns them
}

func (l limits) all() []string { return slices.Concat(l.packages, l.repositories) }

// door is what a Principal must know of the server that let it in.
type door struct {
	open     bool // no REGISTRY_TOKEN
	readAuth bool
}

// String names the principal for logs, as in "alice (token 12ab34cd…)"; it never holds a secret.
func (p Principal) String() string {
	switch {
	case p.user == "":
		return "anonymous"
	case p.token != "":
		return p.user + " (token " + p.token[:8] + "…)"
	}
	return p.user
}

// User is the user whom the principal speaks for, "" for anonymous.
func (p Principal) User() string { return p.user }

// Expires is when what p showed ends; zero if it does not.
func (p Principal) Expires() time.Time { return p.expires }

// Anonymous reports whether nobody is known to call.
func (p Principal) Anonymous() bool { return p.user == "" }

// IsAdmin reports whether p may do everything.
func (p Principal) IsAdmin() bool { return p.permission == Admin }

// MayRead returns nil if p may read: Unauthenticated for anonymous where reads need a principal.
func (p Principal) MayRead() error {
	if p.door.readAuth && p.Anonymous() {
		return fault.New(fault.Unauthenticated, "Authorization required: this registry is read with a token only; send one as Authorization: Bearer <token>: "+
			"npm and its like by npm login or _authToken in .npmrc, Zig and Lumen in the URL")
	}
	return nil
}

// MayUpload returns nil if p may write anything at all: what, is not known while bytes arrive.
func (p Principal) MayUpload() error { return p.mayWrite() }

// MayPublish returns nil if p's permission and token allow to publish commits of the repository (its
// URL; "" for none) at all. For which packages, MayWrite tells.
func (p Principal) MayPublish(repository string) error {
	if err := p.mayWrite(); err != nil {
		return err
	}
	if len(p.repositories) == 0 || coversRepository(p.repositories, repository) {
		return nil
	}
	if repository == "" {
		return fault.New(fault.Forbidden, "this token may publish commits of %s only, and this publish names no repository; name it in \"repository\"", list(p.repositories)).WithCode("repository_not_covered")
	}
	return fault.New(fault.Forbidden, "this token may not publish commits of %.300s, only of %s; use a token that covers the repository", repository, list(p.repositories)).WithCode("repository_not_covered")
}

// MayWrite returns nil if p's permission and token allow writes to the package at all.
func (p Principal) MayWrite(name string) error {
	if err := p.mayWrite(); err != nil {
		return err
	}
	if len(p.packages) > 0 && !covers(p.packages, name) {
		return fault.New(fault.Forbidden, "this token may not write to %.230q, only to %s; use a token that covers the package", name, list(p.packages)).WithCode("package_not_covered")
	}
	return nil
}

func (p Principal) mayWrite() error {
	if p.Anonymous() {
		return p.stranger()
	}
	if p.permission.rank() < Publish.rank() {
		return fault.New(fault.Forbidden, "Token does not have publish permission: it may only read; use one with the permission publish").WithCode("read_only_token")
	}
	return nil
}

// stranger refuses an anonymous principal what needs a known one.
func (p Principal) stranger() error {
	if p.door.open {
		return fault.New(fault.Forbidden,
			"this server has no token, so it accepts publishes only from its own machine and through no proxy; start it with REGISTRY_TOKEN set")
	}
	return fault.New(fault.Unauthenticated, "Authorization required: send the header Authorization: Bearer <token>, with the REGISTRY_TOKEN of this server or a token from npm login")
}

// Granted reports whether p may write to the package whoever owns it: an admin, or the operator
// gave its token this package.
func (p Principal) Granted(name string) bool {
	return p.IsAdmin() || p.grant && p.permission.rank() >= Publish.rank() && covers(p.packages, name)
}

// GrantedRepository reports whether p may publish commits of the repository (its URL) whoever owns
// it: an admin, or the operator gave its token this repository.
func (p Principal) GrantedRepository(repository string) bool {
	return p.IsAdmin() || p.grant && p.permission.rank() >= Publish.rank() && coversRepository(p.repositories, repository)
}

// MayManage returns nil if p may change its user's account, keys and tokens: what can only read, or only
// write some things, must not.
func (p Principal) MayManage() error {
	if err := p.mayWrite(); err != nil {
		return err
	}
	if limits := p.all(); len(limits) > 0 || p.run != nil {
		return fault.New(fault.Forbidden, "a token that is limited to %s can't change the account, keys or other tokens of %q; sign in with the password", list(limits), p.user)
	}
	return nil
}

// mustBeAdmin returns nil for admins.
func (p Principal) mustBeAdmin(to string) error {
	switch {
	case p.Anonymous():
		return p.stranger()
	case !p.IsAdmin():
		return fault.New(fault.Forbidden, "only an admin may %s; use the REGISTRY_TOKEN of this server or a token with the permission admin", to)
	}
	return nil
}
