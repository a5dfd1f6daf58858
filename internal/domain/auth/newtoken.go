package auth

import (
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
)

const maxExpires = 100 * 365 * 24 * time.Hour

// plan checks what is asked for and says what the token will be. Only an admin makes tokens for
// others, or tokens that may do more, in any way, than the principal itself.
func (s *Service) plan(who Principal, t NewToken) (TokenInfo, error) {
	info := TokenInfo{Name: t.Name, Grant: t.Grant, Created: s.now()}
	if err := validTokenName(t.Name); err != nil {
		return info, err
	}
	var err error
	if info.User, err = who.userFor(t); err != nil {
		return info, err
	}
	if info.Permission, err = who.permissionFor(t); err != nil {
		return info, err
	}
	if info.Packages, err = who.packagesFor(t, info.Permission); err != nil {
		return info, err
	}
	if info.CIDR, err = who.cidrFor(t); err != nil {
		return info, err
	}
	info.Expires, err = who.expiryFor(t, info.Created)
	return info, err
}

func (p Principal) userFor(t NewToken) (string, error) {
	user := t.User
	if user == "" && p.IsAdmin() {
		user = t.Name
	}
	switch {
	case user == "" || user == p.user:
		return p.user, nil
	case !p.IsAdmin():
		return "", fault.New(fault.Forbidden, "%q can't make a token for %.80q; only an admin makes tokens for others", p.user, user)
	case t.User == "" && validAccount(user) != nil:
		return "", fault.New(fault.Invalid, "a token speaks for a user, and its name %.120q can't be one; name the user too", user).WithCode("invalid_user")
	}
	return user, validAccount(user)
}

func (p Principal) permissionFor(t NewToken) (Permission, error) {
	want := t.Permission
	if want == "" {
		want = Publish
		if p.permission.rank() < want.rank() {
			want = p.permission
		}
	}
	switch {
	case want.rank() == 0:
		return "", fault.New(fault.Invalid, "%.40q is no permission; a token has read, publish or admin", want).WithCode("invalid_permission")
	case want.rank() > p.permission.rank():
		return "", fault.New(fault.Forbidden, "%q has the permission %s itself, and can't make a token with %s", p.user, p.permission, want)
	}
	return want, nil
}

func (p Principal) packagesFor(t NewToken, permission Permission) ([]string, error) {
	if err := validPatterns(t.Packages); err != nil {
		return nil, err
	}
	switch {
	case t.Grant && !p.IsAdmin():
		return nil, fault.New(fault.Forbidden, "only an admin may grant packages, whoever owns them")
	case t.Grant && len(t.Packages) == 0:
		return nil, fault.New(fault.Invalid, "a grant names the packages that it is for")
	case permission == Admin && len(t.Packages) > 0:
		return nil, fault.New(fault.Invalid, "a token with the permission admin may do everything, it can't be limited to packages; take publish")
	case p.IsAdmin() || len(p.packages) == 0:
		return slices.Clone(t.Packages), nil
	case len(t.Packages) == 0:
		return slices.Clone(p.packages), nil
	}
	for _, pattern := range t.Packages {
		if !covers(p.packages, pattern) {
			return nil, fault.New(fault.Forbidden, "this token is limited to %s, so it can't make one for %.230q", list(p.packages), pattern)
		}
	}
	return slices.Clone(t.Packages), nil
}

func (p Principal) cidrFor(t NewToken) ([]string, error) {
	want, err := networks(t.CIDR)
	if err != nil {
		return nil, err
	}
	if !p.IsAdmin() && len(p.cidr) > 0 {
		if len(want) == 0 {
			return slices.Clone(p.cidr), nil
		}
		own, err := networks(p.cidr)
		if err != nil {
			return nil, err
		}
		if !inside(want, own) {
			return nil, fault.New(fault.Forbidden, "this token is bound to %s, so it can't make one for other networks", list(p.cidr))
		}
	}
	var out []string
	for _, n := range want {
		out = append(out, n.String())
	}
	return out, nil
}

func (p Principal) expiryFor(t NewToken, now time.Time) (time.Time, error) {
	var want time.Time
	switch {
	case t.Expires < 0 || t.Expires > maxExpires:
		return want, fault.New(fault.Invalid, "a token can't expire after %s; take some days, or leave it out for one that stays", t.Expires)
	case t.Expires > 0:
		want = now.Add(t.Expires)
	}
	if p.IsAdmin() || p.expires.IsZero() {
		return want, nil
	}
	if want.IsZero() {
		return p.expires, nil
	}
	if want.After(p.expires) {
		return want, fault.New(fault.Forbidden, "this token expires at %s, so it can't make one that stays longer", p.expires.Format(time.RFC3339))
	}
	return want, nil
}
