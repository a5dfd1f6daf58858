package auth

import (
	"cmp"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
)

const maxExpires = 100 * 365 * 24 * time.Hour

// plan checks what is asked for and says what the token will be. Only an admin makes tokens for
// others, or tokens that may do more, in any way, than the principal itself.
func (s *Service) plan(who Principal, t NewToken) (TokenInfo, error) {
	info := TokenInfo{Name: t.Name, Grant: t.Grant, Created: s.now()}
	if who.run != nil {
		return info, fault.New(fault.Forbidden, "the token of a CI run can't make other tokens").WithCode("run_token")
	}
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
	l, err := who.limitsFor(t, info.Permission)
	if err != nil {
		return info, err
	}
	if who.token != "" && !who.IsAdmin() {
		info.Parent = who.token[:keyDigits]
	}
	info.Packages, info.Repositories = slices.Clone(l.packages), slices.Clone(l.repositories)
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

// limitsFor are the packages and repositories that the token may write.
func (p Principal) limitsFor(t NewToken, permission Permission) (limits, error) {
	named := limits{t.Packages, t.Repositories, t.Grant}
	if err := cmp.Or(validPatterns(t.Packages), validRepositories(t.Repositories)); err != nil {
		return limits{}, err
	}
	switch {
	case t.Grant && !p.IsAdmin():
		return limits{}, fault.New(fault.Forbidden, "only an admin may grant packages or repositories, whoever owns them")
	case t.Grant && len(named.all()) == 0:
		return limits{}, fault.New(fault.Invalid, "a grant names the packages or repositories that it is for")
	case permission == Admin && len(named.all()) > 0:
		return limits{}, fault.New(fault.Invalid, "a token with the permission admin may do everything, it can't be limited to packages or repositories; take publish")
	case p.IsAdmin():
		return named, nil
	}
	var errs [2]error
	named.packages, errs[0] = within(p.packages, t.Packages, covers)
	named.repositories, errs[1] = within(p.repositories, t.Repositories, coversRepository)
	return named, cmp.Or(errs[:]...)
}

// within returns the patterns of a token that one with the limits own makes: those that are wanted, its own if none are.
func within(own, want []string, covers func(patterns []string, name string) bool) ([]string, error) {
	switch {
	case len(own) == 0:
		return want, nil
	case len(want) == 0:
		return own, nil
	}
	for _, pattern := range want {
		if !covers(own, pattern) {
			return nil, fault.New(fault.Forbidden, "this token is limited to %s, so it can't make one for %.230q", list(own), pattern)
		}
	}
	return want, nil
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
